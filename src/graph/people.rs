//! Who sponsors and owns an agent or a blueprint principal.

use serde::Deserialize;

use super::error::Error;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::inventory::{Bond, Person};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DirectoryObject {
    id: ObjectId,
    display_name: Option<String>,
}

impl Graph {
    /// The users and groups bound to an agent or a blueprint. Sponsors move to the manager when
    /// they leave (Microsoft, 2026-04): page people from a fresh read. Needs `Application.Read.All`.
    pub async fn people_of(
        &self,
        ask: Ask,
        entity: Entity,
        bond: Bond,
    ) -> Result<Vec<Person>, Error> {
        let base = Place::v1("/servicePrincipals/").id(entity.id);
        let place = match (bond, entity.kind) {
            (Bond::Owner, _) => base.then("/owners"),
            (Bond::Sponsor, EntityKind::Blueprint) => {
                base.then("/microsoft.graph.agentIdentityBlueprintPrincipal/sponsors")
            }
            (
                Bond::Sponsor,
                EntityKind::Agent
                | EntityKind::ServicePrincipal
                | EntityKind::AgentUser
                | EntityKind::User,
            ) => base.then("/microsoft.graph.agentIdentity/sponsors"),
        };
        let place = place.then("?$select=id,displayName");
        let objects: Vec<DirectoryObject> = self.all(ask, place).await?;
        let people = objects.into_iter().map(|object| Person {
            of: entity.id,
            bond,
            id: object.id,
            name: object.display_name,
        });
        Ok(people.collect())
    }
}
