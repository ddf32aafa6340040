//! Let Foundry start no new session of an agent. Sessions already running drain.
//!
//! Does      POST {project}/agents/{name}:disable, each place the configuration names
//! Undo      POST {project}/agents/{name}:enable
//! Twice     safe
//! Needs     an Azure role on each project; no Graph permission
//! Limits    Foundry does not say what was before, so undo enables on a person's word; the map
//!           from agent to project is configuration; sessions that run go on until they end
//! Tactic    Isolate

use super::kin::permit_entity;
use super::switch::nothing;
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::found::{Found, Runtime};
use crate::domain::step::{Before, Outcome, UndoOutcome};
use crate::foundry::{Foundry, Sessions};

/// Pause before a call that was held back because writes are stopped.
const STOPPED: std::time::Duration = std::time::Duration::from_secs(1);

pub(super) async fn look(context: &Context<'_>, agent: Entity) -> Result<Seen, Error> {
    permit_entity(context, agent).await?;
    let runtimes = configured(context)?.runtimes_of(agent.id);
    if runtimes.is_empty() {
        return Err(Error::Refused {
            code: "notConfigured".to_owned(),
            because: format!("`actions.foundry.agents` does not say where {agent} runs"),
        });
    }
    let evidence = format!("{agent} runs in {} place(s) in Foundry", runtimes.len());
    Ok(Seen::found(Found::Runtimes { runtimes }, evidence))
}

pub(super) async fn perform(
    context: &Context<'_>,
    agent: Entity,
    before: &Before,
) -> Result<Ended, Error> {
    let mut ended = (Outcome::AlreadyDone, "it runs nowhere".to_owned());
    for runtime in recorded(before) {
        context.permit([agent.id])?;
        let receipt = switch(context, runtime, Sessions::Stopped).await?;
        ended = (Outcome::Done, receipt);
    }
    Ok(ended)
}

pub(super) async fn undo(
    context: &Context<'_>,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    let mut ended = nothing("it ran nowhere");
    for runtime in recorded(before) {
        let receipt = switch(context, runtime, Sessions::Allowed).await?;
        ended = (UndoOutcome::Restored, receipt);
    }
    Ok(ended)
}

/// The brake stops every write, this one too (threat E11).
async fn switch(context: &Context<'_>, runtime: &Runtime, to: Sessions) -> Result<String, Error> {
    if context.graph.writes_are_stopped() {
        return Err(Error::TryAgain {
            after: STOPPED,
            answered: false,
            because: "writes are stopped".to_owned(),
        });
    }
    Ok(configured(context)?.switch(runtime, to).await?)
}

fn recorded(before: &Before) -> &[Runtime] {
    match before {
        Before::Found {
            found: Found::Runtimes { runtimes },
        } => runtimes,
        Before::Found { .. }
        | Before::Switches { .. }
        | Before::Unproven { .. }
        | Before::Nothing => &[],
    }
}

fn configured<'a>(context: &Context<'a>) -> Result<&'a Foundry, Error> {
    context
        .means
        .foundry
        .as_ref()
        .ok_or_else(|| Error::Refused {
            code: "notConfigured".to_owned(),
            because: "Foundry is not configured: write `actions.foundry` in estop.yaml".to_owned(),
        })
}
