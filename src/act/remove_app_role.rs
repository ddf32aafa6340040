//! Remove the application permissions and other app roles an entity holds.
//!
//! Does      DELETE servicePrincipals/{id}/appRoleAssignments/{id}, each that `look` saw
//! Undo      each is assigned again from the record, with an id of its own
//! Twice     safe: what is gone is gone
//! Needs     Application.Read.All, AppRoleAssignment.ReadWrite.All. Profile eradicate, always an
//!           approval
//! Limits    what an agent inherits sits on its blueprint principal; tokens already issued live on
//! Tactic    Evict (D3FEND Credential Eviction)

use super::held::Held;
use crate::domain::entity::Entity;
use crate::domain::found::{AppRole, Found};
use crate::graph::{self, Ask, Graph, Receipt, Removable};

impl Held for AppRole {
    const NOUN: &'static str = "app role";

    async fn list(graph: &Graph, ask: Ask, entity: Entity) -> Result<Vec<Self>, graph::Error> {
        graph.app_roles_of(ask, entity.id).await
    }

    async fn remove(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error> {
        let what = Removable::AppRole(self.principal_id, &self.id);
        graph.delete(ask, what).await
    }

    async fn again(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error> {
        graph.assign_app_role(ask, self).await
    }

    fn gives_the_same(&self, other: &Self) -> bool {
        (&self.app_role_id, self.principal_id, self.resource_id)
            == (&other.app_role_id, other.principal_id, other.resource_id)
    }

    fn found(held: Vec<Self>) -> Found {
        Found::AppRoles { held }
    }

    fn stored(found: &Found) -> &[Self] {
        if let Found::AppRoles { held } = found {
            held
        } else {
            &[]
        }
    }
}
