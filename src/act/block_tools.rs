//! Refuse every tool call of an agent's bots in Copilot Studio, tokens already issued included.
//!
//! Does      the gate answers `blockAction: true` from the moment the step is stored as started
//! Undo      this run's block ends; another run's, or a containment, still refuses
//! Twice     safe
//! Needs     the gate as the environment's threat detection; no Graph permission
//! Limits    bots that answer without tools, and bots of classic orchestration, are not asked about
//! Tactic    Isolate

use std::sync::Arc;
use std::time::Duration;

use super::kin::permit_entity;
use super::switch::nothing;
use super::{Context, Ended, Error, Seen};
use crate::domain::entity::Entity;
use crate::domain::found::Found;
use crate::domain::step::{Before, Outcome, UndoOutcome};
use crate::domain::tools::{BotId, Tools, quarantine_by_hand};

/// Pause until the gate has taken up what was stored.
const SOON: Duration = Duration::from_millis(100);

pub(super) async fn look(context: &Context<'_>, agent: Entity) -> Result<Seen, Error> {
    permit_entity(context, agent).await?;
    let bots = gate(context)?.bots_of(agent.id);
    if bots.is_empty() {
        return Err(Error::Refused {
            code: "noBot".to_owned(),
            because: format!(
                "cannot stop here: neither `copilot.environments` nor the inventory says which bot \
                 {agent} is. {}",
                quarantine_by_hand(&[])
            ),
        });
    }
    let evidence = format!("{agent} is {} bot(s) in Copilot Studio", bots.len());
    Ok(Seen::found(Found::Bots { bots }, evidence))
}

/// The block was stored with the start of the step; this waits until the gate says it too.
pub(super) fn perform(
    context: &Context<'_>,
    agent: Entity,
    before: &Before,
) -> Result<Ended, Error> {
    context.permit([agent.id])?;
    if !gate(context)?.refuses(agent.id) {
        return Err(Error::TryAgain {
            after: SOON,
            answered: false,
            because: "the gate has not taken it up yet".to_owned(),
        });
    }
    let bots = recorded(before).iter().map(ToString::to_string);
    let bots = bots.collect::<Vec<_>>().join(", ");
    Ok((
        Outcome::Done,
        format!("the gate refuses every tool call of bot {bots}"),
    ))
}

pub(super) fn undo(before: &Before) -> (UndoOutcome, String) {
    match recorded(before) {
        [] => nothing("it was no bot"),
        _ => (
            UndoOutcome::Restored,
            "this run blocks its tool calls no longer".to_owned(),
        ),
    }
}

fn recorded(before: &Before) -> &[BotId] {
    match before {
        Before::Found {
            found: Found::Bots { bots },
        } => bots,
        Before::Found { .. }
        | Before::Switches { .. }
        | Before::Unproven { .. }
        | Before::Nothing => &[],
    }
}

fn gate<'a>(context: &Context<'a>) -> Result<&'a Arc<Tools>, Error> {
    let gate = context.means.tools.as_ref();
    gate.ok_or_else(|| Error::Refused {
        code: "notConfigured".to_owned(),
        because: "the gate of Copilot Studio is not configured: write `copilot` in estop.yaml"
            .to_owned(),
    })
}
