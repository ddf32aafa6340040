//! The containment graph of one entity: blueprint, its agents, their users, who answers for them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Bond, Instance, Known, Listed, Person};
use crate::domain::entity::{EntityKind, ObjectId, TenantId};

/// Tenants that Microsoft's own applications lie in (Microsoft: "Microsoft Services" and
/// "Microsoft", as sign-in logs name them).
const MICROSOFT: [&str; 2] = [
    "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
    "72f988bf-86f1-41af-91ab-2d7cd011db47",
];

/// One entity with everything above and below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Whom it is about.
    pub root: Known,
    /// An agent's blueprint principal; for a user account its agent, then that agent's blueprint.
    pub above: Vec<Known>,
    /// The agent identities that its switch stops: a blueprint's children, or the agent itself.
    pub agents: Vec<Known>,
    /// Their user accounts, which have switches of their own.
    pub users: Vec<Known>,
    /// The agents as their platforms register them.
    pub instances: Vec<Instance>,
    /// Who sponsors and owns the agents and the blueprint.
    pub people: Vec<Person>,
    /// How far the listings came that this was built from.
    pub listed: Vec<Listed>,
}

type Bonds = BTreeMap<ObjectId, Vec<ObjectId>>;

/// Whose blueprint it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Management {
    /// Its application lies in our tenant.
    Own,
    /// Microsoft made it, and may use it for agents of many owners.
    Microsoft,
    /// Its application lies in someone else's tenant, who can give its agents credentials.
    Foreign,
    /// Graph has not said.
    Unknown,
}

impl Management {
    /// Whose an object is, by the tenant of its application.
    pub fn of(owner: Option<TenantId>, ours: TenantId) -> Self {
        match owner {
            None => Self::Unknown,
            Some(owner) if owner == ours => Self::Own,
            Some(owner) if MICROSOFT.contains(&owner.to_string().as_str()) => Self::Microsoft,
            Some(_) => Self::Foreign,
        }
    }

    /// What a person should know before its switch is thrown, if anything.
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::Own | Self::Unknown => None,
            Self::Microsoft => {
                Some("Microsoft manages this blueprint; it may carry agents of many owners")
            }
            Self::Foreign => Some("the blueprint's application belongs to another tenant"),
        }
    }
}

impl Family {
    /// The blueprint in it, as root or above.
    pub fn blueprint(&self) -> Option<&Known> {
        std::iter::once(&self.root)
            .chain(&self.above)
            .find(|known| known.entity.kind == EntityKind::Blueprint)
    }

    /// The environment of the root, or where it names none, of what it hangs from.
    pub fn environment(&self) -> Option<&str> {
        let nearest_first = std::iter::once(&self.root).chain(&self.above);
        nearest_first.into_iter().find_map(Known::environment)
    }

    /// Every id of everything that stops, for the guards.
    pub fn ids(&self) -> BTreeSet<ObjectId> {
        std::iter::once(&self.root)
            .chain(&self.agents)
            .flat_map(Known::ids)
            .collect()
    }

    /// Agents as their platforms count them: an identity that several share counts for each, one
    /// that no platform registers counts once, and agents without an identity of their own count
    /// with the blueprint they live on.
    pub fn agents_that_stop(&self) -> usize {
        let mut on_identity: BTreeMap<ObjectId, usize> = BTreeMap::new();
        let mut on_blueprint = 0;
        for instance in &self.instances {
            match instance.agent {
                Some(agent) => *on_identity.entry(agent).or_default() += 1,
                None => on_blueprint += 1,
            }
        }
        let on_identities = self.agents.iter().map(|agent| {
            let shared = on_identity.get(&agent.entity.id).copied();
            shared.unwrap_or_default().max(1)
        });
        let carried: usize = on_identities.sum();
        match self.root.entity.kind {
            EntityKind::Blueprint => carried + on_blueprint,
            EntityKind::Agent | EntityKind::ServicePrincipal => carried,
            EntityKind::AgentUser | EntityKind::User => 0,
        }
    }

    /// Agent identities that more than one registered agent acts as, and how many do.
    pub fn shared(&self) -> BTreeMap<ObjectId, usize> {
        let mut count: BTreeMap<ObjectId, usize> = BTreeMap::new();
        for agent in self.instances.iter().filter_map(|instance| instance.agent) {
            *count.entry(agent).or_default() += 1;
        }
        count.retain(|_, agents| *agents > 1);
        count
    }

    /// Do agents of unrelated people hang from this blueprint? So it is where two agents whose
    /// people were read have nobody in common, directly or through others.
    pub fn has_unrelated_owners(&self) -> bool {
        let (mut people_of, mut agents_of) = self.bonds();
        let Some((&first, _)) = people_of.first_key_value() else {
            return false;
        };
        // From one agent to its people, to their other agents, and on: whoever is left is unrelated.
        let mut next = vec![first];
        while let Some(agent) = next.pop() {
            for person in people_of.remove(&agent).unwrap_or_default() {
                next.extend(agents_of.remove(&person).unwrap_or_default());
            }
        }
        !people_of.is_empty()
    }

    /// Who answers for each agent whose people were read, and the other way round.
    fn bonds(&self) -> (Bonds, Bonds) {
        let read = self.agents.iter().filter(|it| it.people_at.is_some());
        let read: BTreeSet<ObjectId> = read.map(|it| it.entity.id).collect();
        let (mut people_of, mut agents_of) = (Bonds::new(), Bonds::new());
        for one in self.people.iter().filter(|one| read.contains(&one.of)) {
            people_of.entry(one.of).or_default().push(one.id);
            agents_of.entry(one.id).or_default().push(one.of);
        }
        (people_of, agents_of)
    }

    /// The people of one kind, each once.
    pub fn people(&self, bond: Bond) -> BTreeSet<ObjectId> {
        let bound = self.people.iter().filter(|one| one.bond == bond);
        bound.map(|one| one.id).collect()
    }
}
