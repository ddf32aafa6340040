//! Look and strike together: one switch is read and written at the same time.
//!
//! Does      accountEnabled = false, whatever it was
//! Undo      what the read proved, or what a person says it was
//! Twice     safe
//! Needs     what the look-first form of the same action needs
//! Limits    agents and blueprints only: their kind is protected by the cast path

use super::{Context, Ended, Error};
use crate::domain::action::Action;
use crate::domain::entity::ObjectId;
use crate::domain::plan::PlanStep;
use crate::domain::step::Outcome;
use crate::graph::{Enabled, Priority};

/// The guards' word on every id the entity is known by, at the last moment (law 5).
pub fn permit(context: &Context<'_>, ids: impl IntoIterator<Item = ObjectId>) -> Result<(), Error> {
    context.permit(ids)
}

/// What the switch reads.
pub async fn read_switch(context: &Context<'_>, step: &PlanStep) -> Result<Enabled, Error> {
    let ask = context.ask(Priority::Contain);
    if step.action == Action::DisableBlueprint {
        return Ok(context.graph.blueprint(ask, step.entity.id).await?.enabled);
    }
    Ok(context.graph.agent(ask, step.entity.id).await?.enabled)
}

/// Writes the switch off, whatever it was. The caller has asked the guards.
pub async fn close(context: &Context<'_>, step: &PlanStep) -> Result<Ended, Error> {
    let (ask, id) = (context.ask(Priority::Contain), step.entity.id);
    context.permit([id])?;
    let graph = context.graph;
    let receipt = if step.action == Action::DisableBlueprint {
        graph.set_blueprint_enabled(ask, id, Enabled::No).await?
    } else {
        graph.set_agent_enabled(ask, id, Enabled::No).await?
    };
    Ok((Outcome::Done, receipt.to_string()))
}

/// Why an undo cannot go on without a person.
pub(super) fn prior_unknown() -> Error {
    Error::Refused {
        code: "prior-unknown".to_owned(),
        because: "what it was before is not known; undo again and say it: was enabled or disabled"
            .to_owned(),
    }
}
