//! Remove the access packages assigned to an entity, so that what it loses is not given back.
//!
//! Does      POST assignmentRequests adminRemove, for each assignment `look` saw delivered
//! Undo      POST assignmentRequests adminAdd with the package and policy of the record
//! Twice     safe: what is no longer delivered is gone
//! Needs     EntitlementManagement.ReadWrite.All. Profile eradicate, always an approval
//! Limits    entitlement management works it off a while later, both ways
//! Tactic    Evict (D3FEND Credential Eviction)

use super::held::Held;
use crate::domain::entity::Entity;
use crate::domain::found::{Found, Package};
use crate::graph::{self, Ask, Graph, Receipt};

impl Held for Package {
    const NOUN: &'static str = "access package";

    async fn list(graph: &Graph, ask: Ask, entity: Entity) -> Result<Vec<Self>, graph::Error> {
        graph.packages_of(ask, entity.id).await
    }

    async fn remove(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error> {
        match graph.remove_package(ask, self).await {
            // A request for what is no longer delivered, or is being removed, is refused.
            Err(
                refused @ graph::Error::Refused {
                    status: Some(400), ..
                },
            ) => {
                let now = graph.packages_of(ask, self.target_id).await?;
                if now.iter().any(|held| held.id == self.id) {
                    return Err(refused);
                }
                let because = format!("access package {} is no longer assigned", self.id);
                Err(graph::Error::NotFound { because })
            }
            other => other,
        }
    }

    async fn again(&self, graph: &Graph, ask: Ask) -> Result<Receipt, graph::Error> {
        graph.assign_package(ask, self).await
    }

    fn gives_the_same(&self, other: &Self) -> bool {
        (self.access_package_id, self.target_id) == (other.access_package_id, other.target_id)
    }

    fn found(held: Vec<Self>) -> Found {
        Found::Packages { held }
    }

    fn stored(found: &Found) -> &[Self] {
        if let Found::Packages { held } = found {
            held
        } else {
            &[]
        }
    }
}
