//! Ask ID Protection for detections that nobody sent, so that estop works with no SIEM at all and
//! heals what one lost.
//!
//! What is found is stored as a delivery of the configured source, and from there on goes the way
//! of every delivery. The same detection by two ways is one: its key says so.
//!
//! Laws
//! * The cursor moves only behind a list that was read to its end and stored.
//! * Whoever contains goes first: the lists are asked with priority `watch` in the slowest lane.
//! * A list that cannot be read is told to a person, and leaves the others alone.
//!
//! Read next: `list`, then `item`.

mod item;
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use item::Seen;

use crate::clock::Clock;
use crate::domain::detection::SourceName;
use crate::domain::entity::ObjectId;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::pull::RiskList;
use crate::graph::{Ask, Graph, Priority};
use crate::store::{Error, Store};
use crate::telemetry::Metrics;

/// A list that was not read for so many rounds is told to a person.
const ROUNDS_MISSED_MAX: u32 = 10;
/// And not before so long.
const MISSED_AT_LEAST: Duration = Duration::from_secs(15 * 60);

/// What is pulled, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whose deliveries they become.
    pub source: SourceName,
    /// Which lists.
    pub lists: Vec<RiskList>,
    /// From round to round.
    pub every: Duration,
    /// How far behind the last reading the next one begins: what was detected then may show late.
    pub overlap: Duration,
    /// How far back the very first reading looks.
    pub first: Duration,
}

/// What pulling needs.
#[derive(Clone)]
pub struct Pull {
    /// Where what was found is kept.
    pub store: Store,
    /// The tenant.
    pub graph: Graph,
    /// Time and chance.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is pulled.
    pub terms: Terms,
    /// Told of every delivery that was stored: a hint.
    pub wake: Arc<dyn Fn(DeliveryId) + Send + Sync>,
}

/// What one round and the next share. It may be lost: the store finds what repeats.
#[derive(Default)]
struct Memory {
    seen: Seen,
    /// Lists whose filter Graph refused: they are read whole.
    whole: BTreeSet<RiskList>,
    /// Whom the detections of this round name, and when the newest of each was detected.
    named: BTreeMap<ObjectId, Moment>,
}

/// Pulls at once and then at its pace, until told to stop.
pub async fn pull_loop(pull: Pull, stop: CancellationToken) {
    let rounds = async {
        let (mut memory, began) = (Memory::default(), pull.clock.now());
        let mut good: BTreeMap<RiskList, Moment> = BTreeMap::new();
        loop {
            if let Err(error) = pull.round(&mut memory, (&mut good, began)).await {
                tracing::warn!(%error, "what was pulled could not be kept; trying again");
            }
            pull.clock.sleep(pull.terms.every).await;
        }
    };
    // A list that waits for its turn must not hold up the end.
    let _ = stop.run_until_cancelled(rounds).await;
}

impl Pull {
    async fn round(
        &self,
        memory: &mut Memory,
        (good, began): (&mut BTreeMap<RiskList, Moment>, Moment),
    ) -> Result<(), Error> {
        memory.named.clear();
        for list in self.terms.lists.clone() {
            let at = self.clock.now();
            match self.read(list, memory).await? {
                Ok(()) => {
                    self.store.pulled(list, at).await?;
                    good.insert(list, at);
                    self.metrics.sources.pulled(list.word(), at.as_seconds());
                }
                Err(why) => {
                    tracing::info!(list = list.word(), "the {list} were not pulled: {why}");
                    let last = good.get(&list).copied().unwrap_or(began);
                    self.complain(list, last, &why).await?;
                }
            }
        }
        memory
            .seen
            .forget_before(self.clock.now().minus(self.terms.overlap * 2));
        Ok(())
    }

    /// A list that has not been read for long is a silent source.
    async fn complain(&self, list: RiskList, last: Moment, why: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let limit = MISSED_AT_LEAST.max(self.terms.every * ROUNDS_MISSED_MAX);
        if now.since(last) < limit {
            return Ok(());
        }
        let notice = self.store.notice(
            now,
            Urgency::Page,
            format!("pull {list} {last}"),
            format!(
                "The {list} have not been read since {last}: {why}. Detections that no SIEM sends \
                 are missed meanwhile. It needs {}; see `pull` in deploy/pull.md",
                list.permission()
            ),
        );
        self.store.tell_once(notice).await
    }

    fn ask(&self) -> Ask {
        Ask {
            priority: Priority::Watch,
            correlation: self.clock.uuid(),
        }
    }
}
