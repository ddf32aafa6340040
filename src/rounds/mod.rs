//! Go round the inventory by the clock, and call playbooks for what is found.
//!
//! Knows: schedules, the inventory, what an entity holds in Graph.
//! Never: what a playbook does, whom it asks, who is told.
//!
//! Laws
//! * What is found becomes a delivery of our own, and goes the way of every other.
//! * A time that was due is carried out once: what was found and how far the schedule came are one
//!   transaction.
//! * Nothing is said of what was not listed to its end: the time stays due until it was.
//!
//! Read next: `go`, then `find`.

mod find;
mod go;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::domain::id::DeliveryId;
use crate::graph::Graph;
use crate::store::Store;

/// How often the schedules are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// What going round needs. Cheap to clone.
#[derive(Clone)]
pub struct Rounds {
    /// Where the inventory is, and where calls go.
    pub store: Store,
    /// The tenant, for what entities hold.
    pub graph: Graph,
    /// The playbooks in force.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// Time and chance.
    pub clock: Clock,
    /// Wakes the triage; a hint.
    pub wake: Arc<dyn Fn(DeliveryId) + Send + Sync>,
}

/// Looks at the schedules until told to stop.
pub async fn rounds_loop(rounds: Rounds, stop: CancellationToken) {
    let looking = async {
        loop {
            if let Err(error) = rounds.go().await {
                tracing::warn!(%error, "the schedules could not be looked at; trying again");
            }
            rounds.clock.sleep(LOOK_EVERY).await;
        }
    };
    // What was begun is done again after the next start: nothing of it was stored.
    let _ = stop.run_until_cancelled(looking).await;
}
