//! Any GUID, answered: which id it is, of what, and which one was meant. People mix these up more
//! than anything else.

use serde::{Deserialize, Serialize};

use super::{Instance, Known, Person};
use crate::domain::entity::{Entity, EntityKind, ObjectId};

/// Which id of an object a GUID is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdKind {
    /// Its object id: the one that calls need.
    ObjectId,
    /// Its app id, also called client id.
    AppId,
    /// The object id of its application, which is another object.
    ApplicationObjectId,
    /// The id of one agent in the agent registry.
    RegistryId,
}

impl IdKind {
    /// How people say it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ObjectId => "object id",
            Self::AppId => "app id",
            Self::ApplicationObjectId => "application object id",
            Self::RegistryId => "agent registry id",
        }
    }
}

/// What a GUID turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// What was asked.
    pub asked: ObjectId,
    /// Which id of the entity that is.
    pub was: IdKind,
    /// The entity that was meant.
    #[serde(flatten)]
    pub entity: Entity,
    /// For people: what was put right; `None` when nothing had to be.
    pub correction: Option<String>,
}

/// Everything the inventory holds about one GUID.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The objects that carry it as one of their ids.
    pub objects: Vec<Known>,
    /// The registered agents with this id.
    pub instances: Vec<Instance>,
    /// What a person with this id sponsors or owns.
    pub people: Vec<Person>,
}

/// Finds what was meant. An object id beats every other reading of the same GUID.
pub fn resolve(asked: ObjectId, trace: &Trace) -> Option<Resolved> {
    let objects = &trace.objects;
    let by_object = objects.iter().find(|known| known.entity.id == asked);
    let by_app = || objects.iter().find(|known| known.app_id == Some(asked));
    let by_application = || objects.iter().find(|it| it.application == Some(asked));
    let found = by_object
        .map(|known| (known, IdKind::ObjectId))
        .or_else(|| by_app().map(|known| (known, IdKind::AppId)))
        .or_else(|| by_application().map(|known| (known, IdKind::ApplicationObjectId)));
    if let Some((known, was)) = found {
        return Some(Resolved {
            asked,
            was,
            entity: known.entity,
            correction: correction(asked, was, known.entity, known.name.as_deref()),
        });
    }
    let instance = trace.instances.iter().find(|one| one.id == asked)?;
    let was = IdKind::RegistryId;
    let entity = Entity::agent(instance.agent?);
    Some(Resolved {
        asked,
        was,
        entity,
        correction: correction(asked, was, entity, instance.name.as_deref()),
    })
}

fn correction(asked: ObjectId, was: IdKind, entity: Entity, name: Option<&str>) -> Option<String> {
    if was == IdKind::ObjectId {
        return None;
    }
    let Entity { kind, id } = entity;
    let kind_words = kind.word().replace('_', " ");
    let called = name.map_or_else(String::new, |name| format!(" {name}"));
    let what = match kind {
        EntityKind::Blueprint => "its switch in this tenant is the principal",
        EntityKind::Agent
        | EntityKind::ServicePrincipal
        | EntityKind::AgentUser
        | EntityKind::User => "its object id is",
    };
    Some(format!(
        "{asked} is the {} of {kind_words}{called}; {what} {id}; corrected to that",
        was.words()
    ))
}
