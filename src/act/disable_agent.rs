//! Disable an agent identity, so that it gets no new token.
//!
//! Does      accountEnabled = false on the agentIdentity cast of the service principal
//! Undo      accountEnabled = what `look` saw
//! Twice     safe
//! Needs     AgentIdentity.Read.All, AgentIdentity.EnableDisable.All
//! Limits    tokens already issued live on; the agent's user account has its own switch
//! Tactic    Evict (D3FEND Account Locking)

use super::kin::permit_agent;
use super::switch::{Way, nothing, outcome_of, refuse_if_microsoft, seen, stored, way_back};
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::step::{Before, Outcome, Switch, UndoOutcome};
use crate::graph::{Enabled, Priority};

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
    let mut ended = (Outcome::AlreadyDone, "it was disabled before".to_owned());
    for was in stored(before) {
        context.permit([was.id])?;
        if outcome_of(*was) == Outcome::Done {
            let ask = context.ask(Priority::Contain);
            let receipt = context
                .graph
                .set_agent_enabled(ask, was.id, Enabled::No)
                .await?;
            ended = (Outcome::Done, receipt.to_string());
        }
    }
    Ok(ended)
}

pub(super) async fn undo(
    context: &Context<'_>,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    let mut ended = nothing("nothing was disabled");
    for was in stored(before) {
        let ask = context.ask(Priority::Undo);
        let now = context.graph.agent(ask, was.id).await?;
        refuse_if_microsoft(now.disabled_by_microsoft)?;
        ended = match way_back(*was, now.enabled) {
            Way::WasOffBefore => nothing("it was disabled before us"),
            // The read may be old news, and turning on what is on changes nothing.
            Way::IsOnAlready => {
                context
                    .graph
                    .set_agent_enabled(ask, was.id, Enabled::Yes)
                    .await?;
                nothing("it is enabled already")
            }
            Way::TurnOn => {
                let receipt = context
                    .graph
                    .set_agent_enabled(ask, was.id, Enabled::Yes)
                    .await?;
                (UndoOutcome::Restored, receipt.to_string())
            }
        };
    }
    Ok(ended)
}
