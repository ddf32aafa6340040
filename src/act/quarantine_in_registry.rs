//! Put an agent's registered instances into the Agent Registry's Quarantined collection.
//!
//! Does      POST agentRegistry/agentCollections/{Quarantined}/members/$ref (beta), each instance
//! Undo      those that were not in it are taken out of it
//! Twice     safe
//! Needs     AgentInstance.Read.All, AgentCollection.ReadWrite.All
//! Limits    best effort: beta, being replaced since May 2026; hides the agent from discovery and
//!           stops no token, so it never counts as containment
//! Tactic    Isolate

use super::kin::permit_entity;
use super::switch::nothing;
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::found::{Found, OpaqueId};
use crate::domain::step::{Before, Outcome, UndoOutcome};
use crate::graph::{self, Priority, Removable};

/// Most instances of one agent that are moved; more is a person's.
const INSTANCES_MAX: usize = 100;

pub(super) async fn look(context: &Context<'_>, agent: Entity) -> Result<Seen, Error> {
    permit_entity(context, agent).await?;
    let ask = context.ask(Priority::Contain);
    let mut instances = context.graph.instances_of(ask, agent.id).await?;
    if instances.len() > INSTANCES_MAX {
        return Err(Error::Refused {
            code: "tooMany".to_owned(),
            because: format!("{} instances, more than {INSTANCES_MAX}", instances.len()),
        });
    }
    if !instances.is_empty() {
        let inside = context.graph.quarantined(ask).await?;
        instances.retain(|instance| !inside.contains(instance));
    }
    let evidence = format!("{} instance(s) of {agent} not quarantined", instances.len());
    Ok(Seen::found(Found::Instances { instances }, evidence))
}

pub(super) async fn perform(
    context: &Context<'_>,
    agent: Entity,
    before: &Before,
) -> Result<Ended, Error> {
    let ask = context.ask(Priority::Contain);
    let ours = recorded(before);
    let mut ended = (
        Outcome::AlreadyDone,
        "no instance of it is outside quarantine".to_owned(),
    );
    if ours.is_empty() {
        return Ok(ended);
    }
    let inside = context.graph.quarantined(ask).await?;
    for instance in ours.iter().filter(|it| !inside.contains(it)) {
        context.permit([agent.id])?;
        let receipt = context.graph.quarantine(ask, instance).await?;
        ended = (Outcome::Done, receipt.to_string());
    }
    Ok(ended)
}

pub(super) async fn undo(
    context: &Context<'_>,
    before: &Before,
) -> Result<(UndoOutcome, String), Error> {
    let ask = context.ask(Priority::Undo);
    let mut ended = nothing("no instance of it is in quarantine by us");
    for instance in recorded(before) {
        match context
            .graph
            .delete(ask, Removable::Quarantine(instance))
            .await
        {
            Ok(receipt) => ended = (UndoOutcome::Restored, receipt.to_string()),
            Err(graph::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ended)
}

fn recorded(before: &Before) -> &[OpaqueId] {
    match before {
        Before::Found {
            found: Found::Instances { instances },
        } => instances,
        Before::Found { .. }
        | Before::Switches { .. }
        | Before::Unproven { .. }
        | Before::Nothing => &[],
    }
}
