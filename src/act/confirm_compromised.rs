//! Tell Entra ID Protection that the entity is compromised.
//!
//! Does      POST identityProtection/riskyAgents/confirmCompromised (beta), ids coalesced
//! Undo      the verdict a person chose: confirmSafe, dismiss, or leave
//! Twice     safe
//! Needs     IdentityRiskyAgent.ReadWrite.All, an Entra ID P2 licence (may become Agent 365)
//! Limits    blocks nothing by itself; 1 request a second for all apps of the tenant
//! Tactic    Harden (raises risk to high, which Conditional Access may act on)

use super::kin::permit_entity;
use super::{Context, Ended, Error, Seen};
use crate::domain::action::RiskVerdict;
use crate::domain::entity::Entity;
use crate::domain::step::{Outcome, UndoOutcome};
use crate::graph::Priority;

/// There is nothing to put back exactly: a person must choose the verdict. Looking would cost one
/// of the tenant's few requests, so only the guards are asked.
pub(super) async fn look(context: &Context<'_>, entity: Entity) -> Result<Seen, Error> {
    permit_entity(context, entity).await?;
    Ok(Seen::nothing())
}

pub(super) async fn perform(context: &Context<'_>, entity: Entity) -> Result<Ended, Error> {
    context.permit([entity.id])?;
    let ask = context.ask(Priority::Contain);
    let receipt = context.graph.confirm_compromised(ask, entity.id).await?;
    Ok((Outcome::Done, receipt.to_string()))
}

pub(super) async fn undo(
    context: &Context<'_>,
    entity: Entity,
    risk: Option<RiskVerdict>,
) -> Result<(UndoOutcome, String), Error> {
    let ask = context.ask(Priority::Undo);
    let receipt = match risk {
        Some(RiskVerdict::Safe) => context.graph.confirm_safe(ask, entity.id).await?,
        Some(RiskVerdict::Dismiss) => context.graph.dismiss(ask, entity.id).await?,
        Some(RiskVerdict::Leave) => {
            return Ok((UndoOutcome::Left, "left at high risk, as chosen".to_owned()));
        }
        None => {
            return Err(Error::Refused {
                code: "risk-verdict-missing".to_owned(),
                because: "undo again and choose the risk verdict: safe, dismiss or leave"
                    .to_owned(),
            });
        }
    };
    Ok((UndoOutcome::Restored, receipt.to_string()))
}
