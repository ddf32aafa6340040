//! What the tenant held when it was last listed: objects, what they hang from, who answers for
//! them. A cache: it answers people and spares reads, and never stands for what is there now.

mod certain;
mod family;
mod orphan;
mod radius;
mod resolve;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use certain::{Certain, can_strike_unread, certain};
pub use family::{Family, Management};
pub use orphan::{Orphan, Want, orphans};
pub use radius::{Extent, Radius};
pub use resolve::{IdKind, Resolved, Trace, resolve};

use super::entity::{Entity, EntityKind, ObjectId, TenantId};
use super::moment::Moment;

/// A row older than this is read again before anything is built on it (design §5).
pub const FRESH: Duration = Duration::from_secs(5 * 60);

/// One object as the last listing or read had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Kind and object id.
    #[serde(flatten)]
    pub entity: Entity,
    /// Its app id: an agent's equals its object id, a user has none.
    pub app_id: Option<ObjectId>,
    /// A blueprint's application object, whose id audit logs and the agent registry use.
    pub application: Option<ObjectId>,
    /// An agent's blueprint by **app id**; an agent user's agent by object id. Both are immutable.
    pub parent: Option<ObjectId>,
    /// Its own `accountEnabled`.
    pub enabled: bool,
    /// Microsoft itself has switched it off.
    pub disabled_by_microsoft: bool,
    /// The tenant its application lies in, where Graph says it.
    pub owner_tenant: Option<TenantId>,
    /// For people; never to decide by.
    pub name: Option<String>,
    /// `tags` of the object, `env:prod` and `env=prod` read as a pair, a bare word as `true`.
    pub tags: BTreeMap<String, String>,
    /// When it was last seen.
    pub seen_at: Moment,
    /// When its sponsors and owners were last read; `None` means that nobody knows them.
    pub people_at: Option<Moment>,
}

impl Known {
    /// Every id it is known by.
    pub fn ids(&self) -> impl Iterator<Item = ObjectId> {
        [Some(self.entity.id), self.app_id, self.application]
            .into_iter()
            .flatten()
    }

    /// The environment its tags or attributes name (`env` or `environment`, in any case). For
    /// people: nothing is found by it.
    pub fn environment(&self) -> Option<&str> {
        let named = ["environment", "env"].into_iter().find_map(|wanted| {
            let mut tags = self.tags.iter();
            tags.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        });
        named.map(|(_, value)| value.as_str())
    }

    /// Was it seen recently enough to build on?
    pub fn is_fresh(&self, now: Moment) -> bool {
        now.since(self.seen_at) <= FRESH
    }
}

/// How a person is bound to an agent or a blueprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bond {
    /// Answers for its purpose.
    Sponsor,
    /// Runs it technically, and can enable it again.
    Owner,
}

impl Bond {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sponsor, Self::Owner];

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sponsor => "sponsor",
            Self::Owner => "owner",
        }
    }

    /// The bond a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|bond| bond.word() == word)
    }
}

/// A user or group that sponsors or owns an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Of which object.
    pub of: ObjectId,
    /// How.
    pub bond: Bond,
    /// Object id of the user or group.
    pub id: ObjectId,
    /// For people; never to decide by.
    pub name: Option<String>,
}

/// One agent as its platform registers it. Several may share one agent identity (a Foundry
/// project's), or have none of their own and live on a blueprint (an environment's).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// The registry's id.
    pub id: ObjectId,
    /// The agent identity it acts as, by object id.
    pub agent: Option<ObjectId>,
    /// Its blueprint, by the **object id of the application** (facts: opposite of the agent's).
    pub application: Option<ObjectId>,
    /// What its makers call it, which is often newer than Entra's name.
    pub name: Option<String>,
    /// Where it was made, in the registry's words.
    pub platform: Option<String>,
    /// What that platform calls it: for Copilot Studio probably its bot id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What one listing covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Blueprint principals.
    Blueprints,
    /// Agent identities.
    Agents,
    /// Agents' user accounts.
    AgentUsers,
    /// Blueprint applications, for their object ids.
    Applications,
    /// Plain service principals that carry an agent platform's tag.
    ClassicAgents,
    /// The agent registry (beta; Microsoft is replacing it).
    Instances,
    /// Sponsors and owners, read object by object.
    People,
}

impl Part {
    /// Every part, in the order they are listed: what others hang from comes first.
    pub const ALL: [Self; 7] = [
        Self::Blueprints,
        Self::Agents,
        Self::AgentUsers,
        Self::Applications,
        Self::ClassicAgents,
        Self::Instances,
        Self::People,
    ];

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blueprints => "blueprints",
            Self::Agents => "agents",
            Self::AgentUsers => "agent_users",
            Self::Applications => "applications",
            Self::ClassicAgents => "classic_agents",
            Self::Instances => "instances",
            Self::People => "people",
        }
    }

    /// The part a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }

    /// The kind of entity it lists, where it lists entities.
    pub const fn kind(self) -> Option<EntityKind> {
        match self {
            Self::Blueprints => Some(EntityKind::Blueprint),
            Self::Agents => Some(EntityKind::Agent),
            Self::AgentUsers => Some(EntityKind::AgentUser),
            Self::ClassicAgents => Some(EntityKind::ServicePrincipal),
            Self::Applications | Self::Instances | Self::People => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))
    }
}

/// How far one listing came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Of what.
    pub part: Part,
    /// When the last whole listing began; `None` before the first.
    pub measured_at: Option<Moment>,
    /// How much of it the newest listing read.
    pub extent: Extent,
    /// Why it is not whole, where it is not.
    pub why: Option<String>,
}

impl Listed {
    /// Is it whole and recent?
    pub fn is_current(&self, now: Moment) -> bool {
        let recent = |at| now.since(at) <= FRESH.saturating_mul(2);
        self.why.is_none() && self.measured_at.is_some_and(recent)
    }
}
