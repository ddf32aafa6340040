//! Ask the tenant what nobody told us, and whether what we hold is still as we left it; and notice
//! who has fallen silent, and that nobody works.
//!
//! Knows: Graph, the store, our own door from outside.
//! Never: playbooks, why something is held, what follows from what it sees: that is a law of
//! `domain`, applied by the store.
//!
//! Laws
//! * It only reads, and always behind everyone else: priority `watch`.
//! * A listing that broke off is told as partial and takes nothing away.
//! * What a part may not read leaves the other parts alone.
//! * *Open* is noted only where two reads agree; what could not be read is not drift.
//!
//! Read next: `round`, then `people`; then `held`, then `offer`; then `pull`, `pulse`, `heartbeat`, `absence`.

mod absence;
mod heartbeat;
mod held;
mod offer;
mod people;
mod pull;
mod pulse;
mod round;

use std::sync::Arc;
use std::time::Duration;

pub use absence::{Attendance, attendance_loop};
pub use heartbeat::{Heart, HeartTerms, heart_loop};
pub use pull::{Pull, Terms as PullTerms, pull_loop};
pub use pulse::{Listened, Pulses, pulse_loop};
use tokio_util::sync::CancellationToken;

pub use held::held_loop;

use crate::clock::Clock;
use crate::domain::entity::TenantId;
use crate::domain::id::RunId;
use crate::domain::inventory::{Listed, Part};
use crate::graph::{Ask, Graph, Priority};
use crate::store::{Error, Store};

/// How long after a round that could not be kept the next one begins at the latest.
const AGAIN_SOON: Duration = Duration::from_secs(30);

/// What looking around needs. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    /// Where what was seen is kept.
    pub store: Store,
    /// The tenant.
    pub graph: Graph,
    /// Time and chance.
    pub clock: Clock,
    /// How often the inventory is refreshed.
    pub every: Duration,
    /// The set of custom security attributes that is read beside the tags, where one is named.
    pub attributes: Option<Arc<str>>,
}

/// Wakes the workers for a run: a hint.
pub type Wake = Arc<dyn Fn(RunId) + Send + Sync>;

/// What looking at what we hold needs. Cheap to clone.
#[derive(Clone)]
pub struct Held {
    /// Where what was seen is kept, and answered.
    pub store: Store,
    /// The tenant.
    pub graph: Graph,
    /// Which tenant it is, so that foreign blueprints are not proposed.
    pub tenant: TenantId,
    /// Time and chance.
    pub clock: Clock,
    /// How often everything that is held is looked at.
    pub every: Duration,
    /// Wakes the workers.
    pub wake: Wake,
}

impl Held {
    fn ask(&self) -> Ask {
        Ask {
            priority: Priority::Watch,
            correlation: self.clock.uuid(),
        }
    }
}

/// Refreshes the inventory at once and then at its pace, until told to stop.
pub async fn watch_loop(watch: Watch, stop: CancellationToken) {
    let rounds = async {
        loop {
            let pause = match watch.refresh().await {
                Ok(_) => watch.every,
                Err(error) => {
                    tracing::warn!(%error, "the inventory could not be kept; trying again");
                    watch.every.min(AGAIN_SOON)
                }
            };
            watch.clock.sleep(pause).await;
        }
    };
    // A listing that waits for its turn must not hold up the end.
    let _ = stop.run_until_cancelled(rounds).await;
}

impl Watch {
    /// One round: every part is listed, one after the other, and what could not be read is said.
    /// An error means that the store could not keep it.
    pub async fn refresh(&self) -> Result<Vec<Listed>, Error> {
        for part in Part::ALL {
            match part {
                Part::People => self.people().await?,
                Part::Blueprints
                | Part::Agents
                | Part::AgentUsers
                | Part::Applications
                | Part::ClassicAgents
                | Part::Instances => self.list(part).await?,
            }
        }
        self.store.listed().await
    }

    fn ask(&self) -> Ask {
        Ask {
            priority: Priority::Watch,
            correlation: self.clock.uuid(),
        }
    }
}
