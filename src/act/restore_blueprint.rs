//! Take a deleted blueprint principal back, so that what it left behind can be managed again.
//!
//! Does      POST directory/deletedItems/{id}/restore
//! Undo      none: we never delete
//! Twice     safe: what is back is left alone
//! Needs     AgentIdentityBlueprintPrincipal.Read.All, Application.Read.All,
//!           AgentIdentityBlueprintPrincipal.DeleteRestore.All. Profile eradicate, always an
//!           approval: it gives power back
//! Limits    30 days after the deletion; its agents are not restored with it (Microsoft)
//! Tactic    Restore

use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::found::Found;
use crate::domain::step::{Before, Outcome};
use crate::graph::{self, Priority};

pub(super) async fn look(context: &Context<'_>, blueprint: Entity) -> Result<Seen, Error> {
    context.permit([blueprint.id])?;
    let ask = context.ask(Priority::Contain);
    let (principal, evidence) = match context.graph.blueprint(ask, blueprint.id).await {
        Ok(read) => {
            context.permit([read.app_id])?;
            (None, format!("{blueprint} is not deleted"))
        }
        Err(graph::Error::NotFound { because }) => {
            if !context.graph.is_deleted(ask, blueprint.id).await? {
                return Err(Error::NotFound { because });
            }
            (Some(blueprint.id), format!("{blueprint} is deleted"))
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Seen::found(Found::Deleted { principal }, evidence))
}

pub(super) async fn perform(context: &Context<'_>, before: &Before) -> Result<Ended, Error> {
    let Before::Found {
        found: Found::Deleted {
            principal: Some(id),
        },
    } = before
    else {
        return Ok((Outcome::AlreadyDone, "it was not deleted".to_owned()));
    };
    context.permit([*id])?;
    let ask = context.ask(Priority::Contain);
    match context.graph.restore(ask, *id).await {
        Ok(receipt) => Ok((Outcome::Done, receipt.to_string())),
        // No longer among the deleted: back already, or gone for good.
        Err(graph::Error::NotFound { because }) => {
            context.graph.blueprint(ask, *id).await?;
            Ok((
                Outcome::AlreadyDone,
                format!("it is back already; {because}"),
            ))
        }
        Err(error) => Err(error.into()),
    }
}
