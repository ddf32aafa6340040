//! The head of the record, signed again and again, so that nothing before it can be changed unseen.
//!
//! Whoever can write to the store can build a whole new chain, but cannot sign its heads, and cannot
//! reach the places that have the old ones.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::chain::head;
use crate::clock::Clock;
use crate::domain::anchor::{Anchor, statement};
use crate::domain::moment::Moment;
use crate::domain::record::Seal;
use crate::signature::SigningKey;
use crate::store::{Error, Store};
use crate::telemetry::Metrics;

/// How often the head is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest a record waits for its anchor.
const EVERY: Duration = Duration::from_secs(60);
/// So many records do not wait.
const RECORDS: i64 = 1_000;

/// What signs the head.
#[derive(Clone)]
pub struct Anchoring {
    /// The record.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// The key, which lies outside the database.
    pub key: Arc<SigningKey>,
    /// Where the age of the last anchor is shown.
    pub metrics: Arc<Metrics>,
}

/// Anchors the record until told to stop, and once more then.
pub async fn anchor_loop(anchoring: Anchoring, stop: CancellationToken) {
    let mut since = None;
    loop {
        match anchoring.look(since).await {
            Ok(waiting) => since = waiting,
            Err(error) => tracing::warn!(%error, "the record could not be anchored; trying again"),
        }
        if let Some(since) = since {
            let age = anchoring.clock.now().since(since);
            anchoring.metrics.unanchored(age);
        } else {
            anchoring.metrics.unanchored(Duration::ZERO);
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = anchoring.clock.sleep(LOOK_EVERY) => {}
        }
    }
    if let Err(error) = anchoring.sign_the_head().await {
        tracing::warn!(%error, "the end of the record is not anchored");
    }
}

impl Anchoring {
    /// Signs the head where it is due; answers since when a record waits.
    async fn look(&self, since: Option<Moment>) -> Result<Option<Moment>, Error> {
        let now = self.clock.now();
        let since = since.unwrap_or(now);
        let anchored = self.store.last_anchor().await?.map_or(0, |it| it.number);
        let waiting = head(&self.store).await?.number - anchored;
        if waiting == 0 {
            return Ok(None);
        }
        if waiting < RECORDS && now.since(since) < EVERY {
            return Ok(Some(since));
        }
        self.sign_the_head().await?;
        Ok(None)
    }

    async fn sign_the_head(&self) -> Result<(), Error> {
        let head = head(&self.store).await?;
        let anchored = self.store.last_anchor().await?.map_or(0, |it| it.number);
        if head.number <= anchored {
            return Ok(());
        }
        self.store
            .anchor(signed(
                &self.key,
                (head.number, head.seal),
                self.clock.now(),
            ))
            .await
    }
}

/// A head as it is signed.
fn signed(key: &SigningKey, (number, seal): (i64, Seal), at: Moment) -> Anchor {
    let signature = key.sign(statement(number, seal, at).as_bytes());
    Anchor {
        number,
        seal,
        at,
        key: key.public().to_string(),
        signature,
    }
}
