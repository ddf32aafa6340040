//! Ask the tenant what nobody told us.
//!
//! Knows: Graph, the store.
//! Never: playbooks, who is contained or why, what follows from what it sees.
//!
//! Laws
//! * It only reads, and always behind everyone else: priority `watch`.
//! * A listing that broke off is told as partial and takes nothing away.
//! * What a part may not read leaves the other parts alone.
//!
//! Read next: `round`, then `people`.

mod people;
mod round;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
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
