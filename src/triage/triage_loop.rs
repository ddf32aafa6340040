//! The loop: deliveries as the doors hand them on, and those that were left behind.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Triage;
use super::read::Found;
use super::seat::Due;
use crate::domain::delivery::Delivery;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::run::Lane;

/// Deliveries read at the same time.
const READING_MAX: usize = 64;
/// How often unread deliveries are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Unread deliveries taken up at once.
const LOOK_MAX: u32 = 256;

/// How triage is woken, and how it wakes the workers. Hints only: the store knows.
pub struct Hints {
    /// Deliveries that were just stored, as they were stored.
    pub handed: mpsc::Receiver<Delivery>,
    /// Names of others that were just stored.
    pub stored: mpsc::Receiver<DeliveryId>,
    /// Told of every run that was made.
    pub made: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
    /// No more is read once this is cancelled.
    pub stop: CancellationToken,
}

type Reading = FuturesUnordered<BoxFuture<'static, DeliveryId>>;
type Looking = BoxFuture<'static, Vec<DeliveryId>>;

/// Reads until told to stop and what was begun has ended.
pub async fn triage_loop(triage: Triage, mut hints: Hints) {
    let mut reading = Reading::new();
    let mut begun = BTreeSet::new();
    let mut looking = look(&triage, Duration::ZERO);
    while !(hints.stop.is_cancelled() && reading.is_empty()) {
        let room = reading.len() < READING_MAX && !hints.stop.is_cancelled();
        tokio::select! {
            biased;
            Some(done) = reading.next(), if !reading.is_empty() => { begun.remove(&done); }
            Some(delivery) = hints.handed.recv(), if room => {
                let id = delivery.id;
                if begun.insert(id) {
                    let found = Found::Handed(Box::new(delivery));
                    reading.push(read(triage.clone(), (id, found), Arc::clone(&hints.made)));
                }
            }
            Some(id) = hints.stored.recv(), if room => {
                if begun.insert(id) {
                    reading.push(read(triage.clone(), (id, Found::Hinted), Arc::clone(&hints.made)));
                }
            }
            // Polled beside the reading, never awaited within an arm: it wants one of the store's
            // connections, and those who hold them only go on while they are polled.
            found = &mut looking, if !hints.stop.is_cancelled() => {
                looking = look(&triage, LOOK_EVERY);
                for id in found {
                    if begun.insert(id) {
                        reading.push(read(triage.clone(), (id, Found::LeftBehind), Arc::clone(&hints.made)));
                    }
                }
            }
            () = hints.stop.cancelled(), if !hints.stop.is_cancelled() => {}
        }
    }
}

fn look(triage: &Triage, pause: Duration) -> Looking {
    let triage = triage.clone();
    Box::pin(async move {
        triage.clock.sleep(pause).await;
        left_behind(&triage).await
    })
}

async fn left_behind(triage: &Triage) -> Vec<DeliveryId> {
    // What came within the last tick is still in its hint.
    let now = triage.clock.now();
    triage
        .store
        .unread((now, LOOK_EVERY), LOOK_MAX)
        .await
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "unread deliveries could not be looked for; trying again");
            Vec::new()
        })
}

fn read(
    triage: Triage,
    (id, found): (DeliveryId, Found),
    tell: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
) -> BoxFuture<'static, DeliveryId> {
    Box::pin(async move {
        let read = AssertUnwindSafe(triage.read_one(id, found))
            .catch_unwind()
            .await;
        match read {
            Ok(Ok(made)) => made
                .into_iter()
                .for_each(|(run, lane): Due| tell(run, lane)),
            Ok(Err(error)) => {
                tracing::warn!(delivery.id = %id, %error, "{id} could not be settled; it stays unread");
                // It broke nobody, so the next readings count from the beginning.
                let _ = triage.store.forget_readings(id).await;
            }
            Err(_) => {
                tracing::error!(delivery.id = %id, "reading {id} broke down; it stays unread");
            }
        }
        id
    })
}
