//! Gather what a contained entity held and did, beside the strike, and hand it out signed.
//!
//! Knows: Graph, Azure Resource Manager, the store.
//! Never: a write to the tenant, what is contained or why, a secret, a token, content.
//!
//! Laws
//! * Nothing is asked before the entity's switch was answered or the run has ended, and always
//!   behind those who contain.
//! * Each part is kept by itself: what was read before a crash is not read again.
//! * A part that cannot be read is told with what is missing; the run knows nothing of it.
//! * A part is never changed once it is kept: its digest stands in the record chain.
//!
//! Read next: `gather`, then `parts`, then `bundle` and `verify`.

mod bundle;
mod gather;
mod parts;
mod verify;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use bundle::{Binder, PartShown, Shown};
pub use verify::{Broken, FILE_MAX, Verified, verify};

use crate::arm::Arm;
use crate::clock::Clock;
use crate::domain::entity::ObjectId;
use crate::graph::Graph;
use crate::store::Store;

/// How often it is looked whether evidence is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What gathering needs. Cheap to clone.
#[derive(Clone)]
pub struct Gatherer {
    /// Where evidence is asked for and kept.
    pub store: Store,
    /// The tenant.
    pub graph: Graph,
    /// Azure, and the subscription whose roles are read, where one is configured.
    pub azure: Option<(Arm, ObjectId)>,
    /// Time and chance.
    pub clock: Clock,
    /// How long a part is tried.
    pub within: Duration,
    /// How long an access token may live at most: roles work through it.
    pub token_lifetime: Duration,
}

/// Gathers what is due until told to stop.
pub async fn gather_loop(gatherer: Gatherer, stop: CancellationToken) {
    let rounds = async {
        loop {
            if let Err(error) = gatherer.round().await {
                tracing::warn!(%error, "evidence could not be kept; trying again");
            }
            gatherer.clock.sleep(LOOK_EVERY).await;
        }
    };
    // A report that waits for its turn must not hold up the end.
    let _ = stop.run_until_cancelled(rounds).await;
}
