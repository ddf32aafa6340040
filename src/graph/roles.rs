//! Directory roles by their names, and who holds one.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::Error;
use super::held::directory_roles_place;
use super::place::Place;
use super::{Ask, Graph};
use crate::domain::found::{DirectoryRole, OpaqueId};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    id: OpaqueId,
    display_name: String,
}

impl Graph {
    /// What people call each directory role, by the id of its definition. Needs
    /// `RoleManagement.Read.Directory`.
    pub async fn role_names(&self, ask: Ask) -> Result<BTreeMap<OpaqueId, String>, Error> {
        let place = Place::v1("/roleManagement/directory/roleDefinitions?$select=id,displayName");
        let all: Vec<Definition> = self.all(ask, place).await?;
        Ok(all.into_iter().map(|it| (it.id, it.display_name)).collect())
    }

    /// Every assignment of one directory role that is active now.
    pub async fn assignments_of_role(
        &self,
        ask: Ask,
        definition: &OpaqueId,
    ) -> Result<Vec<DirectoryRole>, Error> {
        let place = directory_roles_place()
            .then("?$filter=roleDefinitionId%20eq%20'")
            .opaque(definition)
            .then("'");
        self.held(ask, place, |role: &DirectoryRole| {
            role.role_definition_id == *definition
        })
        .await
    }
}
