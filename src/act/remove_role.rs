//! Remove the directory roles an entity holds.
//!
//! Does      DELETE roleManagement/directory/roleAssignments/{id}, each that `look` saw
//! Undo      each is assigned again from the record, with an id of its own
//! Twice     safe: what is gone is gone
//! Needs     RoleManagement.ReadWrite.Directory. Profile eradicate, always an approval
//! Limits    roles that Privileged Identity Management activated are refused and left to a person;
//!           Azure roles are not touched
//! Tactic    Evict (D3FEND Credential Eviction)

use super::held::Held;
use crate::domain::entity::Entity;
use crate::domain::found::{DirectoryRole, Found};
use crate::graph::{self, Ask, Graph, Receipt, Removable};

impl Held for DirectoryRole {
    const NOUN: &'static str = "directory role";

    async fn list(graph: &Graph, ask: Ask, entity: Entity) -> Result<Vec<Self>, graph::Error> {
        graph.directory_roles_of(ask, entity.id).await
    }

    async fn remove(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error> {
        graph.delete(ask, Removable::DirectoryRole(&self.id)).await
    }

    async fn again(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error> {
        graph.assign_directory_role(ask, self).await
    }

    fn gives_the_same(&self, other: &Self) -> bool {
        let role = (&self.role_definition_id, self.principal_id);
        role == (&other.role_definition_id, other.principal_id)
            && self.directory_scope_id == other.directory_scope_id
    }

    fn found(held: Vec<Self>) -> Found {
        Found::Roles { held }
    }

    fn stored(found: &Found) -> &[Self] {
        if let Found::Roles { held } = found {
            held
        } else {
            &[]
        }
    }
}
