//! Disable a blueprint principal: one write stops every agent made from it.
//!
//! Does      accountEnabled = false on the agentIdentityBlueprintPrincipal cast
//! Undo      accountEnabled = what `look` saw
//! Twice     safe
//! Needs     AgentIdentityBlueprintPrincipal.Read.All, AgentIdentityBlueprintPrincipal.EnableDisable.All
//! Limits    its agents keep accountEnabled = true and are read as blocked by blueprint
//! Tactic    Evict (D3FEND Account Locking)

use super::switch::{Way, nothing, outcome_of, refuse_if_microsoft, seen, stored, way_back};
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::step::{Before, Outcome, Switch, UndoOutcome};
use crate::graph::{Enabled, Priority};

pub(super) async fn look(context: &Context<'_>, blueprint: Entity) -> Result<Seen, Error> {
    let read = context
        .graph
        .blueprint(context.ask(Priority::Contain), blueprint.id)
        .await?;
    context.permit([blueprint.id].into_iter().chain([read.app_id]))?;
    let switch = Switch {
        id: read.id,
        account_enabled: read.enabled.flag(),
    };
    Ok(Seen {
        before: Before::Switches {
            switches: vec![switch],
        },
        closes: vec![blueprint],
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
                .set_blueprint_enabled(ask, was.id, Enabled::No)
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
        let now = context.graph.blueprint(ask, was.id).await?;
        refuse_if_microsoft(now.disabled_by_microsoft)?;
        ended = match way_back(*was, now.enabled) {
            Way::WasOffBefore => nothing("it was disabled before us"),
            // The read may be old news, and turning on what is on changes nothing.
            Way::IsOnAlready => {
                context
                    .graph
                    .set_blueprint_enabled(ask, was.id, Enabled::Yes)
                    .await?;
                nothing("it is enabled already")
            }
            Way::TurnOn => {
                let receipt = context
                    .graph
                    .set_blueprint_enabled(ask, was.id, Enabled::Yes)
                    .await?;
                (UndoOutcome::Restored, receipt.to_string())
            }
        };
    }
    Ok(ended)
}
