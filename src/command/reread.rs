//! What a run is about, read again: of every kind that playbooks act on, also where a person's order
//! would not contain it, and also where it was deleted.

use super::error::Sort;
use super::find::{Looked, Target, microsoft};
use super::plan::Found;
use super::{Answer, Desk};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::graph::{Ask, Priority};

impl Desk {
    /// Looks up what a run is about. A playbook may ask about a person or a classic service
    /// principal, and propose to take a deleted blueprint back.
    pub(super) async fn look_again(&self, target: &Target, priority: Priority) -> Answer<Looked> {
        let ask = Ask {
            priority,
            correlation: self.tools.clock.uuid(),
        };
        match target.kind {
            Some(EntityKind::ServicePrincipal) => self.as_principal(ask, target.id).await,
            Some(EntityKind::User) => self.as_person(ask, target.id).await,
            Some(EntityKind::Blueprint) => match self.look(target, priority).await {
                Err(error) if error.sort == Sort::NotFound => {
                    match self.tools.graph.is_deleted(ask, target.id).await? {
                        true => Ok(of_deleted(target.id)),
                        false => Err(error),
                    }
                }
                looked => looked,
            },
            Some(EntityKind::Agent | EntityKind::AgentUser) | None => {
                self.look(target, priority).await
            }
        }
    }

    async fn as_principal(&self, ask: Ask, id: ObjectId) -> Answer<Looked> {
        let read = self.tools.graph.principal(ask, id).await?;
        let mut looked = alone(EntityKind::ServicePrincipal, id, read.enabled.flag());
        looked.ids.push(read.app_id);
        looked.remarks = microsoft(read.disabled_by_microsoft);
        Ok(looked)
    }

    async fn as_person(&self, ask: Ask, id: ObjectId) -> Answer<Looked> {
        let enabled = self.tools.graph.person(ask, id).await?;
        Ok(alone(EntityKind::User, id, enabled.flag()))
    }
}

fn of_deleted(id: ObjectId) -> Looked {
    let mut looked = alone(EntityKind::Blueprint, id, false);
    looked.remarks.push("it is deleted".to_owned());
    looked
}

/// What nothing hangs from.
fn alone(kind: EntityKind, id: ObjectId, enabled: bool) -> Looked {
    Looked {
        found: Found {
            entity: Entity { kind, id },
            name: None,
            enabled,
        },
        ids: vec![id],
        family: Vec::new(),
        remarks: Vec::new(),
        radius: None,
    }
}
