//! The guards, asked about everything an entity hangs from (threats E12, E16).
//!
//! An agent is guarded with its blueprint, by the blueprint's app id and by its principal's object
//! id; a user account with its agent. The look-ups are made only where a list may name a blueprint.

use super::{Context, Error};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::graph::{self, AgentRead, Priority};

/// May this entity be touched, as far as it and what it hangs from are known?
pub(super) async fn permit_entity(context: &Context<'_>, entity: Entity) -> Result<(), Error> {
    context.permit([entity.id])?;
    if !context.guards.may_name_blueprints() {
        return Ok(());
    }
    let ask = context.ask(Priority::Contain);
    match entity.kind {
        EntityKind::Agent => permit_agent_id(context, entity.id).await,
        EntityKind::AgentUser => {
            let user = context.graph.agent_user(ask, entity.id).await?;
            permit_agent_id(context, user.agent).await
        }
        EntityKind::Blueprint => {
            let blueprint = context.graph.blueprint(ask, entity.id).await?;
            context.permit([blueprint.app_id])
        }
        EntityKind::ServicePrincipal => {
            let principal = context.graph.principal(ask, entity.id).await?;
            context.permit([principal.app_id])
        }
        EntityKind::User => Ok(()),
    }
}

async fn permit_agent_id(context: &Context<'_>, id: ObjectId) -> Result<(), Error> {
    let ask = context.ask(Priority::Contain);
    let agent = context.graph.agent(ask, id).await?;
    permit_agent(context, &agent).await
}

/// The same for an agent that was read already.
pub(super) async fn permit_agent(context: &Context<'_>, agent: &AgentRead) -> Result<(), Error> {
    context.permit([agent.id].into_iter().chain(agent.blueprint_app_id))?;
    let Some(app_id) = agent.blueprint_app_id else {
        return Ok(());
    };
    if !context.guards.may_name_blueprints() {
        return Ok(());
    }
    let ask = context.ask(Priority::Contain);
    match context.graph.blueprint_by_app_id(ask, app_id).await {
        Ok(blueprint) => context.permit([blueprint.id]),
        // A blueprint without a principal here cannot be listed by one.
        Err(graph::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
