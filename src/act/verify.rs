//! Read back whether an entity is closed. Reading changes nothing and proves one moment.

use super::{Context, Error};
use crate::domain::entity::{Entity, EntityKind};
use crate::graph::{Enabled, Priority};

/// What one read said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Its own switch is off.
    Closed {
        /// The read and its answer.
        evidence: String,
    },
    /// Its own switch is on, but its blueprint's is off.
    BlockedByBlueprint {
        /// The read and its answer.
        evidence: String,
    },
    /// It can get new tokens.
    Open {
        /// The read and its answer.
        evidence: String,
    },
}

impl Reading {
    /// Does this read say that no new token is given out?
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Closed { .. } | Self::BlockedByBlueprint { .. } => true,
            Self::Open { .. } => false,
        }
    }

    /// The read and its answer, for people.
    pub fn evidence(&self) -> &str {
        match self {
            Self::Closed { evidence }
            | Self::BlockedByBlueprint { evidence }
            | Self::Open { evidence } => evidence,
        }
    }
}

/// Reads one entity by the same item its switch was written on. An agent whose own switch reads on
/// counts as closed when its blueprint principal reads off.
pub async fn read_back(context: &Context<'_>, entity: Entity) -> Result<Reading, Error> {
    let ask = context.ask(Priority::Verify);
    match entity.kind {
        EntityKind::Agent => {
            let agent = context.graph.agent(ask, entity.id).await?;
            if agent.enabled == Enabled::No {
                return Ok(Reading::Closed { evidence: agent.receipt.to_string() });
            }
            let Some(app_id) = agent.blueprint_app_id else {
                return Ok(Reading::Open { evidence: agent.receipt.to_string() });
            };
            let blueprint = context.graph.blueprint_by_app_id(ask, app_id).await?;
            let evidence = blueprint.receipt.to_string();
            Ok(match blueprint.enabled {
                Enabled::No => Reading::BlockedByBlueprint { evidence },
                Enabled::Yes => Reading::Open { evidence: agent.receipt.to_string() },
            })
        }
        EntityKind::Blueprint => {
            let read = context.graph.blueprint(ask, entity.id).await?;
            Ok(by_switch(read.enabled, read.receipt.to_string()))
        }
        EntityKind::AgentUser => {
            let read = context.graph.agent_user(ask, entity.id).await?;
            Ok(by_switch(read.enabled, read.receipt.to_string()))
        }
        EntityKind::ServicePrincipal | EntityKind::User => Err(Error::Refused {
            code: "unsupported".to_owned(),
            because: format!("{entity} cannot be read back by this version"),
        }),
    }
}

fn by_switch(enabled: Enabled, evidence: String) -> Reading {
    match enabled {
        Enabled::No => Reading::Closed { evidence },
        Enabled::Yes => Reading::Open { evidence },
    }
}
