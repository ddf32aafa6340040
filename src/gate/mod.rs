//! Keep what the gate of Copilot Studio answers from in step with the store.
//!
//! Knows: the store, the map of bots.
//! Never: HTTP, tokens, what a tool call says.
//!
//! Laws
//! * Until everything we hold was read once, nobody is told that a call may pass: not ready is
//!   said instead.
//! * A change is taken up behind its commit; everything is read anew from time to time, so that a
//!   lost hint or another replica's work heals.
//! * A store that does not answer changes nothing: what is in memory goes on being answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::entity::ObjectId;
use crate::domain::tools::{BotId, Bots, Refused, Tools};
use crate::store::{Error, Movement, Store};
use crate::telemetry::Metrics;

/// How often everything is read anew.
const ANEW_EVERY: Duration = Duration::from_secs(60);
/// Pause after the store did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// What keeping in step needs.
pub struct Keeper {
    /// Where it is written what we hold.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// What the gate answers from.
    pub tools: Arc<Tools>,
    /// Bots that the configuration names, and whom each acts as.
    pub named: BTreeMap<BotId, ObjectId>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Keeps in step until told to stop.
pub async fn gate_loop(keeper: Keeper, stop: CancellationToken) {
    let keeping = async {
        loop {
            if let Err(error) = keeper.keep().await {
                tracing::warn!(%error, "the gate could not look into the store; trying again");
                keeper.clock.sleep(PAUSE).await;
            }
        }
    };
    let _ = stop.run_until_cancelled(keeping).await;
}

impl Keeper {
    /// Everything once, then what moves, until it is time for everything again.
    async fn keep(&self) -> Result<(), Error> {
        self.anew().await?;
        let until = self.clock.sleep(ANEW_EVERY);
        tokio::pin!(until);
        loop {
            tokio::select! {
                biased;
                moved = self.store.moved() => match moved? {
                    Movement::Of(ids) => self.change(ids).await?,
                    Movement::Everything => return Ok(()),
                },
                () = &mut until => return Ok(()),
            }
        }
    }

    async fn change(&self, ids: impl IntoIterator<Item = ObjectId>) -> Result<(), Error> {
        let mut changes = BTreeMap::new();
        for id in ids {
            changes.insert(id, self.store.held_now(id).await?);
        }
        self.tools.change(&changes);
        Ok(())
    }

    /// Reads everything. What we hold comes last, so that nobody passes before the map is there.
    pub async fn anew(&self) -> Result<(), Error> {
        let mut bots = Bots::default();
        for (bot, id) in &self.named {
            bots.add(*bot, *id);
        }
        for (bot, id) in self.store.known_bots().await? {
            bots.add(bot, id);
        }
        bots.add_kin(&self.store.agents_and_blueprints().await?);
        let refused = Refused::of(self.store.all_held().await?);
        self.metrics.sources.gate(bots.len(), refused.len());
        self.tools.know(bots);
        self.tools.hold(refused);
        Ok(())
    }
}
