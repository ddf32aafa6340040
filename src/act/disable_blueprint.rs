//! Disable a blueprint principal: one write stops every agent made from it.
//!
//! Does      accountEnabled = false on the agentIdentityBlueprintPrincipal cast
//! Undo      accountEnabled = what `look` saw
//! Twice     safe
//! Needs     AgentIdentityBlueprintPrincipal.Read.All, AgentIdentityBlueprintPrincipal.EnableDisable.All
//! Limits    its agents keep accountEnabled = true and are read as blocked by blueprint
//! Tactic    Evict (D3FEND Account Locking)

use super::switch::{Whose, seen, turn_back, turn_off};
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::step::{Before, Switch, UndoOutcome};
use crate::graph::Priority;

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
    turn_off(context, Whose::Blueprint, before).await
}

pub(super) async fn undo(
    context: &Context<'_>,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    turn_back(context, Whose::Blueprint, before).await
}
