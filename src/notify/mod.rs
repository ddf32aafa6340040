//! Tell people: drain the outbox.
//!
//! Knows: the outbox, the log, the counters.
//! Never: what a notice means, or whether it should have been written.
//!
//! Laws
//! * A notice is marked told only after it was told.
//! * Telling never stands in the way of an act.
//!
//! For now a person is told by an error line for a page, an information line otherwise, and a
//! counter for each; alarms are set on those.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::notice::{Notice, Urgency};
use crate::store::{Error, Store};
use crate::telemetry::Metrics;

/// How often the outbox is looked into.
const EVERY: Duration = Duration::from_secs(1);

/// Drains the outbox until told to stop.
pub async fn notify_loop(
    store: Store,
    clock: Clock,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep(EVERY) => {}
        }
        if let Err(error) = drain(&store, &clock, &metrics).await {
            tracing::warn!(%error, "the outbox could not be drained; trying again");
        }
    }
}

async fn drain(store: &Store, clock: &Clock, metrics: &Metrics) -> Result<(), Error> {
    let notices = store.untold().await?;
    if notices.is_empty() {
        return Ok(());
    }
    notices.iter().for_each(|notice| tell(notice, metrics));
    store
        .told(
            notices.iter().map(|notice| notice.id).collect(),
            clock.now(),
        )
        .await
}

fn tell(notice: &Notice, metrics: &Metrics) {
    Metrics::count(&metrics.notices, notice.urgency.word());
    let run = notice.run.map(|run| run.to_string());
    match notice.urgency {
        Urgency::Page => tracing::error!(notice.id = %notice.id, run.id = run, "{}", notice.text),
        Urgency::Tell => tracing::info!(notice.id = %notice.id, run.id = run, "{}", notice.text),
    }
}
