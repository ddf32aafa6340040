//! Orphans: objects that lost what they hang from, or that nobody answers for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Bond, Known, Person};
use crate::domain::entity::{Entity, EntityKind, ObjectId};

/// What an orphan is without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// An agent identity whose blueprint has no principal here: it cannot sign in, and is
    /// soft-deleted about a day later (Microsoft, 2026-04).
    Blueprint,
    /// A user account whose agent is gone: it looks enabled and cannot sign in.
    Agent,
    /// Nobody answers for its purpose.
    Sponsor,
    /// Nobody runs it.
    Owner,
}

impl Want {
    /// How people say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Blueprint => "its blueprint has no principal in this tenant",
            Self::Agent => "its agent is gone",
            Self::Sponsor => "nobody sponsors it",
            Self::Owner => "nobody owns it",
        }
    }
}

/// One orphan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// Which object.
    #[serde(flatten)]
    pub entity: Entity,
    /// For people; never to decide by.
    pub name: Option<String>,
    /// Its own switch.
    pub enabled: bool,
    /// What it is without.
    pub wants: Vec<Want>,
}

/// Everything that is orphaned among these objects. People count only where they were read, so
/// that "nobody has looked" is never told as "nobody is there".
pub fn orphans(objects: &[Known], people: &[Person]) -> Vec<Orphan> {
    let of_kind = |kind| objects.iter().filter(move |it| it.entity.kind == kind);
    let blueprints: BTreeSet<ObjectId> = of_kind(EntityKind::Blueprint)
        .filter_map(|it| it.app_id)
        .collect();
    let agents: BTreeSet<ObjectId> = of_kind(EntityKind::Agent).map(|it| it.entity.id).collect();
    let bound: BTreeSet<(ObjectId, Bond)> = people.iter().map(|one| (one.of, one.bond)).collect();
    let wants = |known: &Known| {
        let lacks =
            |of: &BTreeSet<ObjectId>| known.parent.is_none_or(|parent| !of.contains(&parent));
        let nobody = |bond| known.people_at.is_some() && !bound.contains(&(known.entity.id, bond));
        let all = match known.entity.kind {
            EntityKind::Agent => vec![
                (Want::Blueprint, lacks(&blueprints)),
                (Want::Sponsor, nobody(Bond::Sponsor)),
                (Want::Owner, nobody(Bond::Owner)),
            ],
            EntityKind::AgentUser => vec![(Want::Agent, lacks(&agents))],
            EntityKind::Blueprint | EntityKind::ServicePrincipal | EntityKind::User => Vec::new(),
        };
        let held = all.into_iter().filter(|(_, holds)| *holds);
        held.map(|(want, _)| want).collect::<Vec<_>>()
    };
    let judged = objects.iter().map(|known| (known, wants(known)));
    judged
        .filter(|(_, wants)| !wants.is_empty())
        .map(|(known, wants)| Orphan {
            entity: known.entity,
            name: known.name.clone(),
            enabled: known.enabled,
            wants,
        })
        .collect()
}
