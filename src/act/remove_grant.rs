//! Remove the delegated permission grants an entity holds, for users and for everyone.
//!
//! Does      DELETE oauth2PermissionGrants/{id}, each that `look` saw
//! Undo      each is granted again from the record, with an id of its own
//! Twice     safe: what is gone is gone
//! Needs     DelegatedPermissionGrant.ReadWrite.All. Profile eradicate, always an approval
//! Limits    what an agent inherits sits on its blueprint principal; tokens already issued live on
//! Tactic    Evict (D3FEND Credential Eviction)

use super::held::Held;
use crate::domain::entity::Entity;
use crate::domain::found::{Found, Grant};
use crate::graph::{self, Ask, Graph, Receipt, Removable};

impl Held for Grant {
    const NOUN: &'static str = "delegated grant";

    async fn list(graph: &Graph, ask: Ask, entity: Entity) -> Result<Vec<Self>, graph::Error> {
        graph.grants_of(ask, entity.id).await
    }

    async fn remove(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error> {
        graph.delete(ask, Removable::Grant(&self.id)).await
    }

    async fn again(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error> {
        graph.grant(ask, self).await
    }

    fn gives_the_same(&self, other: &Self) -> bool {
        let for_whom = (self.client_id, &self.consent_type, self.principal_id);
        let is = (other.client_id, &other.consent_type, other.principal_id);
        let has = |scope: &str| other.scope.split(' ').any(|it| it == scope);
        for_whom == is
            && self.resource_id == other.resource_id
            && self.scope.split_whitespace().all(has)
    }

    fn found(held: Vec<Self>) -> Found {
        Found::Grants { held }
    }

    fn stored(found: &Found) -> &[Self] {
        if let Found::Grants { held } = found {
            held
        } else {
            &[]
        }
    }
}
