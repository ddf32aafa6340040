//! Whom the playbooks reach that the detection does not name: the blueprint of an agent, the agent
//! behind a user account, what a person answers for. By the inventory alone, and by nothing a
//! sender says, so that no sender can point further than its own word.

use std::collections::{BTreeMap, BTreeSet};

use super::Triage;
use super::background::{Line, background, of_kind};
use crate::domain::detection::{Detection, ENTITIES_MAX, Sighting};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::inventory::{Bond, Management};
use crate::domain::reach::{Caller, Reach, Reached};
use crate::store::Error;

impl Triage {
    /// Adds everyone who is reached in the ways that are wanted, each once and with every way; then
    /// says which of the blueprints among them are never proposed.
    pub(super) async fn add_reached(
        &self,
        (detection, lines): (&mut Detection, &[Line]),
        wanted: &BTreeSet<Reach>,
    ) -> Result<(), Error> {
        let named: BTreeSet<Entity> = detection.entities.iter().map(|one| one.entity).collect();
        let mut found: BTreeMap<Entity, Vec<Reached>> = BTreeMap::new();
        for (sighting, line) in detection.entities.iter().zip(lines) {
            for (entity, by) in self.reached_from(sighting, line, wanted).await? {
                if !named.contains(&entity) {
                    let from = sighting.entity;
                    found.entry(entity).or_default().push(Reached { by, from });
                }
            }
        }
        let room = ENTITIES_MAX.saturating_sub(detection.entities.len());
        if found.len() > room {
            detection.remarks.push(format!(
                "{} more are reached than one detection may be about ({ENTITIES_MAX}): look at the \
                 person with estop agents show, and contain the rest by hand",
                found.len() - room
            ));
        }
        for (entity, reached) in found.into_iter().take(room) {
            let sighting = self.sighting(entity, reached).await?;
            detection.entities.push(sighting);
        }
        self.spare_blueprints(detection).await
    }

    async fn reached_from(
        &self,
        sighting: &Sighting,
        line: &Line,
        wanted: &BTreeSet<Reach>,
    ) -> Result<Vec<(Entity, Reach)>, Error> {
        let kind = sighting.entity.kind;
        let mut found = Vec::new();
        if wanted.contains(&Reach::Agent)
            && matches!(kind, EntityKind::Agent | EntityKind::AgentUser)
        {
            let blueprint = self.blueprint_of(line, sighting.blueprint).await?;
            found.extend(blueprint.map(|entity| (entity, Reach::Agent)));
        }
        if wanted.contains(&Reach::AgentUser) && kind == EntityKind::AgentUser {
            let agent = of_kind(line, EntityKind::Agent);
            found.extend(agent.map(|entity| (entity, Reach::AgentUser)));
        }
        if kind == EntityKind::User {
            found.extend(self.reached_by_person(sighting.entity.id, wanted).await?);
        }
        Ok(found)
    }

    async fn reached_by_person(
        &self,
        person: ObjectId,
        wanted: &BTreeSet<Reach>,
    ) -> Result<Vec<(Entity, Reach)>, Error> {
        let mut ties: Vec<(ObjectId, Reach)> = Vec::new();
        if wanted
            .iter()
            .any(|way| matches!(way, Reach::Owner | Reach::Sponsor))
        {
            let people = self.store.trace(person).await?.people;
            ties.extend(people.iter().map(|one| (one.of, way(one.bond))));
        }
        if wanted
            .iter()
            .any(|way| matches!(way, Reach::Maker | Reach::Consent))
        {
            ties.extend(self.store.ties_of(person).await?);
        }
        let mut found = Vec::new();
        for (of, way) in ties.into_iter().filter(|(_, way)| wanted.contains(way)) {
            let line = self.store.lineage(of).await?;
            let entity = line.first().map(|known| known.entity);
            let entity = entity.filter(|entity| way.leads_to(entity.kind));
            found.extend(entity.map(|entity| (entity, way)));
        }
        Ok(found)
    }

    async fn sighting(&self, entity: Entity, reached: Vec<Reached>) -> Result<Sighting, Error> {
        let line = self.store.lineage(entity.id).await?;
        let said: Vec<String> = reached
            .iter()
            .map(|one| format!("{} {}", one.by, one.from))
            .collect();
        let mut background = background(&line);
        if let Some(background) = &mut background {
            background.reached = reached;
        }
        Ok(Sighting {
            entity,
            tenant: None,
            found_at: format!("inventory: by {}", said.join(", ")),
            blueprint: None,
            background,
        })
    }

    /// A blueprint that nobody named is not proposed where it carries agents of others.
    async fn spare_blueprints(&self, detection: &mut Detection) -> Result<(), Error> {
        let outbreak = Caller::of(&detection.source) == Some(Caller::Outbreak);
        for sighting in &mut detection.entities {
            let entity = sighting.entity;
            let unnamed = outbreak || !sighting.reached().is_empty();
            if entity.kind != EntityKind::Blueprint || !unnamed {
                continue;
            }
            let Some(background) = &mut sighting.background else {
                continue;
            };
            if let Some(family) = self.store.family(entity).await? {
                let whose = Management::of(family.root.owner_tenant, self.tenant);
                background.unproposable = match whose {
                    Management::Own | Management::Unknown if family.has_unrelated_owners() => {
                        Some("it carries agents of unrelated owners".to_owned())
                    }
                    Management::Own | Management::Unknown => None,
                    Management::Microsoft | Management::Foreign => {
                        whose.warning().map(str::to_owned)
                    }
                };
            }
        }
        Ok(())
    }
}

const fn way(bond: Bond) -> Reach {
    match bond {
        Bond::Owner => Reach::Owner,
        Bond::Sponsor => Reach::Sponsor,
    }
}
