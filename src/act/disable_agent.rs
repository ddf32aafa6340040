//! Disable an agent identity, so that it gets no new token.
//!
//! Does      accountEnabled = false on the agentIdentity cast of the service principal
//! Undo      accountEnabled = what `look` saw
//! Twice     safe
//! Needs     AgentIdentity.Read.All, AgentIdentity.EnableDisable.All
//! Limits    tokens already issued live on; the agent's user account has its own switch
//! Tactic    Evict (D3FEND Account Locking)

use super::kin::permit_agent;
use super::switch::{Whose, seen, turn_back, turn_off};
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::step::{Before, Switch, UndoOutcome};
use crate::graph::Priority;

pub(super) async fn look(context: &Context<'_>, agent: Entity) -> Result<Seen, Error> {
    let read = context
        .graph
        .agent(context.ask(Priority::Contain), agent.id)
        .await?;
    context.permit([agent.id])?;
    permit_agent(context, &read).await?;
    let switch = Switch {
        id: read.id,
        account_enabled: read.enabled.flag(),
    };
    Ok(Seen {
        before: Before::Switches {
            switches: vec![switch],
        },
        closes: vec![agent],
        evidence: seen(read.enabled),
    })
}

pub(super) async fn perform(context: &Context<'_>, before: &Before) -> Result<Ended, Error> {
    turn_off(context, Whose::Agent, before).await
}

pub(super) async fn undo(
    context: &Context<'_>,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    turn_back(context, Whose::Agent, before).await
}
