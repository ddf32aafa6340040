//! Read back whether an entity is closed. Reading changes nothing and proves one moment.

use super::{Context, Error};
use crate::domain::entity::{Entity, EntityKind};
use crate::graph::{Enabled, Priority};

/// What one read said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Its own switch is off.
    Closed,
    /// Its own switch is on, but its blueprint's is off.
    BlockedByBlueprint,
    /// It can get new tokens.
    Open,
}

impl Reading {
    /// Does this read say that no new token is given out?
    pub const fn is_closed(self) -> bool {
        match self {
            Self::Closed | Self::BlockedByBlueprint => true,
            Self::Open => false,
        }
    }

    /// What it says, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Closed => "accountEnabled reads false",
            Self::BlockedByBlueprint => "its blueprint's accountEnabled reads false",
            Self::Open => "accountEnabled reads true",
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
            match (agent.enabled, agent.blueprint_app_id) {
                (Enabled::Yes, Some(app_id)) => {
                    let blueprint = context.graph.blueprint_by_app_id(ask, app_id).await?;
                    Ok(by_blueprint(blueprint.enabled))
                }
                (enabled, _) => Ok(by_switch(enabled)),
            }
        }
        EntityKind::Blueprint => Ok(by_switch(
            context.graph.blueprint(ask, entity.id).await?.enabled,
        )),
        EntityKind::AgentUser => Ok(by_switch(
            context.graph.agent_user(ask, entity.id).await?.enabled,
        )),
        EntityKind::ServicePrincipal => Ok(by_switch(
            context.graph.principal(ask, entity.id).await?.enabled,
        )),
        EntityKind::User => Err(Error::Refused {
            code: "unsupported".to_owned(),
            because: format!("{entity} cannot be read back by this version"),
        }),
    }
}

fn by_switch(enabled: Enabled) -> Reading {
    match enabled {
        Enabled::No => Reading::Closed,
        Enabled::Yes => Reading::Open,
    }
}

fn by_blueprint(enabled: Enabled) -> Reading {
    match enabled {
        Enabled::No => Reading::BlockedByBlueprint,
        Enabled::Yes => Reading::Open,
    }
}
