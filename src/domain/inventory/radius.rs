//! The blast radius: what stops when one switch is thrown, counted, with how sure that is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Bond, Family, Known, Management, Part};
use crate::domain::entity::{Entity, TenantId};
use crate::domain::moment::Moment;

/// How much was read of how much is known to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Read.
    pub read: usize,
    /// Known to be there.
    pub of: usize,
}

impl Extent {
    /// Was all of it read?
    pub const fn is_complete(self) -> bool {
        self.read >= self.of
    }

    /// For people: `complete (37 of 37 read)`.
    pub fn words(self) -> String {
        let word = if self.is_complete() {
            "complete"
        } else {
            "partial"
        };
        format!("{word} ({} of {} read)", self.read, self.of)
    }
}

/// What throwing one switch stops, from the inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Radius {
    /// Whose switch.
    #[serde(flatten)]
    pub entity: Entity,
    /// Agents that stop, as their platforms count them.
    pub agents: usize,
    /// The agent identities they act as.
    pub identities: usize,
    /// Those whose own switch is on now and that nothing above blocks.
    pub enabled_now: usize,
    /// User accounts of these agents: not stopped by this switch, they have their own.
    pub users: usize,
    /// Those whose switch is on now.
    pub users_enabled: usize,
    /// People who sponsor any of it.
    pub sponsors: usize,
    /// People who own any of it.
    pub owners: usize,
    /// Of how many of the agents sponsors and owners were read.
    pub people: Extent,
    /// How many agents carry each tag, as `env=prod`.
    pub tags: BTreeMap<String, usize>,
    /// Whose blueprint it hangs from.
    pub management: Management,
    /// Identities that several agents share.
    pub shared_identities: usize,
    /// Do agents of unrelated people hang from it?
    pub unrelated_owners: bool,
    /// When the oldest of the listings it counts from was made; `None` before the first.
    pub measured_at: Option<Moment>,
    /// How many of the agents were seen by the newest listing.
    pub extent: Extent,
    /// Is all of it read and recent?
    pub complete: bool,
}

impl Radius {
    /// Counts a family at one moment.
    pub fn of(family: &Family, (ours, now): (TenantId, Moment)) -> Self {
        let blueprint = family.blueprint();
        let blocked = blueprint.is_some_and(|it| !it.enabled);
        let on = |known: &&Known| known.enabled;
        let needed = [Part::Blueprints, Part::Agents, Part::AgentUsers];
        let counted = || family.listed.iter().filter(|it| needed.contains(&it.part));
        let listed_all = counted().count() == needed.len();
        let measured_at = counted().map(|it| it.measured_at).min().flatten();
        let seen = family.agents.iter().filter(|agent| agent.is_fresh(now));
        let extent = Extent {
            read: seen.count(),
            of: family.agents.len(),
        };
        let known = family.agents.iter().filter(|it| it.people_at.is_some());
        Self {
            entity: family.root.entity,
            agents: family.agents_that_stop(),
            identities: family.agents.len(),
            enabled_now: if blocked {
                0
            } else {
                family.agents.iter().filter(on).count()
            },
            users: family.users.len(),
            users_enabled: family.users.iter().filter(on).count(),
            sponsors: family.people(Bond::Sponsor).len(),
            owners: family.people(Bond::Owner).len(),
            people: Extent {
                read: known.count(),
                of: family.agents.len(),
            },
            tags: tags(&family.agents),
            management: Management::of(blueprint.and_then(|it| it.owner_tenant), ours),
            shared_identities: family.shared().len(),
            unrelated_owners: family.has_unrelated_owners(),
            measured_at,
            extent,
            complete: listed_all && extent.is_complete() && counted().all(|it| it.is_current(now)),
        }
    }
}

fn tags(agents: &[Known]) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (name, value) in agents.iter().flat_map(|agent| &agent.tags) {
        *counts.entry(format!("{name}={value}")).or_default() += 1;
    }
    counts
}
