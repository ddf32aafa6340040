//! What the inventory answers people: any GUID, one entity with its family and blast radius.

use serde::{Deserialize, Serialize};

use super::error::{Error, Sort};
use super::find::{Looked, Target, microsoft};
use super::plan::Found;
use super::{Answer, Desk};
use crate::domain::containment::Containment;
use crate::domain::entity::{EntityKind, ObjectId};
use crate::domain::inventory::{
    Family, IdKind, Instance, Known, Management, Part, Radius, Resolved, resolve,
};
use crate::graph::{self, Ask, Priority};

/// One entity with everything the inventory knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityShown {
    /// What was asked, and what it turned out to be.
    pub resolved: Resolved,
    /// The containment graph.
    pub family: Family,
    /// What its switch stops.
    pub radius: Radius,
    /// What we hold on it, if anything.
    pub containment: Option<Containment>,
    /// What a person should know first.
    pub remarks: Vec<String>,
}

impl Desk {
    /// What this GUID is, with its family and blast radius. A row that is not fresh is read again.
    pub async fn entity(&self, id: ObjectId) -> Answer<EntityShown> {
        let resolved = self.resolved(id).await?;
        let store = &self.tools.store;
        let mut family = match store.family(resolved.entity).await? {
            Some(family) => family,
            None => return Err(unknown(id, "it is not in the inventory yet")),
        };
        let now = self.tools.clock.now();
        if !family.root.is_fresh(now) {
            self.read_again(&mut family.root).await?;
        }
        let radius = Radius::of(&family, (self.tools.tenant, now));
        let mut remarks: Vec<String> = resolved.correction.iter().cloned().collect();
        remarks.extend(words(&family, &radius));
        Ok(EntityShown {
            containment: store.containment(resolved.entity).await?,
            resolved,
            family,
            radius,
            remarks,
        })
    }

    async fn resolved(&self, id: ObjectId) -> Answer<Resolved> {
        let trace = self.tools.store.trace(id).await?;
        if let Some(resolved) = resolve(id, &trace) {
            return Ok(resolved);
        }
        if let Some(person) = trace.people.first() {
            let name = person.name.as_deref().unwrap_or("a person");
            let count = trace.people.len();
            let why =
                format!("it is {name}, who sponsors or owns {count} agent(s) or blueprint(s)");
            return Err(unknown(id, &why));
        }
        // It may be newer than the last listing: the tenant is asked what it is.
        let target = Target {
            kind: None,
            id,
            also: Some(Vec::new()),
        };
        let looked = self.look(&target, Priority::Enrich).await;
        let looked = looked.map_err(|error| {
            if error.sort == Sort::NotFound {
                unknown(id, &error.why)
            } else {
                error
            }
        })?;
        let entity = looked.found.entity;
        let was = if entity.id == id {
            IdKind::ObjectId
        } else {
            IdKind::AppId
        };
        Ok(Resolved {
            asked: id,
            was,
            entity,
            correction: None,
        })
    }

    /// The target with its kind and object id as the inventory knows them, and what was put right.
    pub(super) async fn corrected(&self, target: &Target) -> Answer<(Target, Vec<String>)> {
        let trace = self.tools.store.trace(target.id).await?;
        let Some(found) = resolve(target.id, &trace) else {
            return Ok((target.clone(), Vec::new()));
        };
        if let Some(said) = target.kind.filter(|said| *said != found.entity.kind) {
            return Err(Error::amend(
                "target-another-kind",
                format!(
                    "{} is the {} of a {}, not of a {said}",
                    target.id,
                    found.was.words(),
                    found.entity.kind
                ),
                "Leave the kind away, or name the entity you mean",
            ));
        }
        let corrected = Target {
            kind: Some(found.entity.kind),
            id: found.entity.id,
            also: target.also.clone(),
        };
        Ok((corrected, found.correction.into_iter().collect()))
    }

    /// The target as the inventory has it, where all of it is whole and fresh; else `None`.
    pub(super) async fn look_in_stock(&self, target: &Target) -> Answer<Option<Looked>> {
        let now = self.tools.clock.now();
        let entity = match target.kind {
            Some(kind @ (EntityKind::Agent | EntityKind::Blueprint | EntityKind::AgentUser)) => {
                crate::domain::entity::Entity {
                    kind,
                    id: target.id,
                }
            }
            Some(EntityKind::ServicePrincipal | EntityKind::User) | None => return Ok(None),
        };
        let Some(family) = self.tools.store.family(entity).await? else {
            return Ok(None);
        };
        let radius = Radius::of(&family, (self.tools.tenant, now));
        if !family.root.is_fresh(now) || !radius.complete {
            return Ok(None);
        }
        let mut remarks = microsoft(family.root.disabled_by_microsoft);
        remarks.extend(words(&family, &radius));
        let below = match entity.kind {
            EntityKind::Blueprint => &family.agents,
            EntityKind::Agent => &family.users,
            EntityKind::AgentUser | EntityKind::ServicePrincipal | EntityKind::User => &Vec::new(),
        };
        let above = family.above.iter().flat_map(Known::ids);
        let ids = family.root.ids().chain(above).collect();
        Ok(Some(Looked {
            family: below.iter().map(found).collect(),
            found: found(&family.root),
            ids,
            remarks,
            radius: Some(radius),
        }))
    }

    /// Reads one object again, and keeps what was read.
    async fn read_again(&self, known: &mut Known) -> Answer<()> {
        let graph = &self.tools.graph;
        let ask = Ask {
            priority: Priority::Enrich,
            correlation: self.tools.clock.uuid(),
        };
        let id = known.entity.id;
        let read = match known.entity.kind {
            EntityKind::Agent => graph.agent(ask, id).await.map(|read| read.enabled),
            EntityKind::Blueprint => graph.blueprint(ask, id).await.map(|read| read.enabled),
            EntityKind::AgentUser => graph.agent_user(ask, id).await.map(|read| read.enabled),
            EntityKind::ServicePrincipal | EntityKind::User => return Ok(()),
        };
        match read {
            Ok(enabled) => {
                known.enabled = enabled.flag();
                known.seen_at = self.tools.clock.now();
                let store = &self.tools.store;
                Ok(store.inventory_seen(vec![known.clone()]).await?)
            }
            Err(graph::Error::NotFound { .. }) => Err(unknown(id, "it has gone from the tenant")),
            // The cache is told with its age, which is better than nothing.
            Err(
                graph::Error::TryAgain { .. }
                | graph::Error::Unknown { .. }
                | graph::Error::Refused { .. },
            ) => Ok(()),
        }
    }
}

fn found(known: &Known) -> Found {
    Found {
        entity: known.entity,
        name: known.name.clone(),
        enabled: known.enabled,
    }
}

fn unknown(id: ObjectId, why: &str) -> Error {
    Error::new(
        Sort::NotFound,
        "entity-unknown",
        format!("{id}: {why}"),
        "Check the GUID; a new object can take minutes to be readable",
    )
}

/// What a person should know of an entity, one sentence each. Platforms' names stand beside
/// Entra's, which may be stale, and are never used to find anything.
fn words(family: &Family, radius: &Radius) -> Vec<String> {
    let mut words = Vec::new();
    if family.root.entity.kind == EntityKind::Blueprint {
        words.extend(radius.management.warning().map(str::to_owned));
        if radius.unrelated_owners {
            words.push("agents of unrelated owners hang from it".to_owned());
        }
    }
    let by_itself =
        radius.management == Management::Own || radius.management == Management::Unknown;
    if !by_itself && family.root.entity.kind == EntityKind::Agent {
        words.push("its blueprint is not this tenant's own".to_owned());
    }
    if radius.agents > radius.identities {
        words.push(format!(
            "{} agents act as {} identit(ies): all of them stop",
            radius.agents, radius.identities
        ));
    }
    let named = family.instances.iter().take(5).map(called);
    words.extend(named);
    let environment = family.environment();
    words.extend(environment.map(|name| format!("it belongs to the environment {name}")));
    if !radius.complete {
        words.push(format!("the count is {}", radius.extent.words()));
    }
    if let Some(broken) = family
        .listed
        .iter()
        .find(|it| it.why.is_some() && counts(it.part))
    {
        let why = broken.why.as_deref().unwrap_or_default();
        words.push(format!(
            "the {} were not listed to the end: {why}",
            broken.part
        ));
    }
    words
}

const fn counts(part: Part) -> bool {
    matches!(part, Part::Blueprints | Part::Agents | Part::AgentUsers)
}

fn called(instance: &Instance) -> String {
    let platform = instance.platform.as_deref().unwrap_or("its platform");
    let name = instance
        .name
        .as_deref()
        .unwrap_or("an agent without a name");
    format!("{platform} calls it {name}")
}
