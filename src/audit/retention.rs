//! What is over and old is let go, and the record is cut where its head was anchored.
//!
//! It goes in small pieces with pauses between them, so that a run never waits for it; what a case
//! keeps stays. A crash between two pieces leaves a piece for the next hour.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::moment::Moment;
use crate::domain::record::Record;
use crate::domain::retention::Retention;
use crate::store::{Error, Gone, Store};

/// How often it is looked for what may go.
const EVERY: Duration = Duration::from_secs(3600);
/// Between two pieces.
const PAUSE: Duration = Duration::from_millis(200);

/// What lets things go.
#[derive(Clone)]
pub struct Expiry {
    /// Where they are.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// How long they stay.
    pub retention: Retention,
    /// Every place that is handed the record or its anchors: nothing is cut that one of them lacks.
    pub handed_to: Vec<String>,
}

/// Lets things go every hour until told to stop.
pub async fn retention_loop(expiry: Expiry, stop: CancellationToken) {
    let keeping = async {
        loop {
            if let Err(error) = expiry.look().await {
                tracing::warn!(%error, "what is old could not be let go; trying again");
            }
            expiry.clock.sleep(EVERY).await;
        }
    };
    let _ = stop.run_until_cancelled(keeping).await;
}

impl Expiry {
    /// Lets everything go that may, once.
    pub async fn look(&self) -> Result<Gone, Error> {
        let now = self.clock.now();
        let runs_before = now.minus(self.retention.runs);
        let mut gone = Gone::default();
        let before = now.minus(self.retention.deliveries);
        while let some @ 1.. = self.store.let_deliveries_go(before).await? {
            gone.deliveries += some;
            self.clock.sleep(PAUSE).await;
        }
        while let some @ 1.. = self.store.let_runs_go(runs_before).await? {
            gone.runs += some;
            self.clock.sleep(PAUSE).await;
        }
        while let some @ 1.. = self.store.let_detections_go(runs_before).await? {
            gone.detections += some;
            self.clock.sleep(PAUSE).await;
        }
        if !gone.is_nothing() {
            let Gone {
                deliveries,
                runs,
                detections,
            } = gone;
            let detail =
                json!({ "deliveries": deliveries, "runs": runs, "detections": detections });
            let record = Record::new(self.clock.now(), "retention.applied", detail);
            self.store.record(record).await?;
        }
        self.cut(now).await?;
        Ok(gone)
    }

    async fn cut(&self, now: Moment) -> Result<(), Error> {
        let mut handed = i64::MAX;
        for place in &self.handed_to {
            handed = handed.min(self.store.shipped(place.clone()).await?);
        }
        let before = now.minus(self.retention.audit);
        let cut = self.store.cut_record((before, handed), now).await?;
        if let Some(cut) = cut {
            let through = cut.number;
            tracing::info!("the record up to {through} is older than it must be kept: cut off");
        }
        while self.store.let_records_go().await? > 0 {
            self.clock.sleep(PAUSE).await;
        }
        Ok(())
    }
}
