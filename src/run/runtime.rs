//! The door of work in motion: sessions in Foundry, tool calls in Copilot Studio. Both reach what
//! no switch of Entra reaches, tokens already issued among it.

use super::Bench;
use crate::domain::action::Action;
use crate::domain::coverage::{Door, DoorReport, DoorState};
use crate::domain::playbook::Mode;
use crate::domain::run::Run;
use crate::domain::step::{Outcome, Step};
use crate::domain::tools::{BotId, quarantine_by_hand};

/// Most bots named in one proof.
const NAMED_MAX: usize = 5;

/// What is known of one place where work may go on.
type Part = (DoorState, String);

pub(super) fn door(bench: &Bench, run: &Run, steps: &[Step]) -> DoorReport {
    let observed = run.mode == Mode::Observe;
    let parts: Vec<Part> = if observed {
        Vec::new()
    } else {
        let parts = [in_foundry(steps), in_copilot_studio(bench, run)];
        parts.into_iter().flatten().collect()
    };
    // The worst of them is what a person must know first.
    let worst = parts.iter().map(|part| part.0).max_by_key(|it| it.rank());
    let state = worst.unwrap_or(DoorState::NotChecked);
    let proofs: Vec<String> = parts.into_iter().map(|part| part.1).collect();
    let proof = match (proofs.is_empty(), observed) {
        (false, _) => proofs.join("; "),
        (true, true) => "observe mode: nothing was touched".to_owned(),
        (true, false) => {
            "sessions in Foundry or Copilot Studio are not stopped by Entra".to_owned()
        }
    };
    DoorReport {
        door: Door::Runtime,
        id: Some(run.entity.id),
        state,
        until: None,
        proof,
    }
}

fn in_foundry(steps: &[Step]) -> Option<Part> {
    let mut stops = steps
        .iter()
        .filter(|step| step.plan.action == Action::StopInFoundry);
    let step = stops.next()?;
    let said = step.evidence.as_deref().unwrap_or("no answer is stored");
    Some(match step.outcome {
        Some(Outcome::Done) => (
            DoorState::Unverified,
            format!("Foundry starts no new session ({said}); those that run go on until they end"),
        ),
        Some(Outcome::AlreadyDone) => (DoorState::Absent, format!("Foundry: {said}")),
        Some(
            Outcome::Observed
            | Outcome::NotFound
            | Outcome::Partial
            | Outcome::Unsupported
            | Outcome::Refused
            | Outcome::Denied
            | Outcome::Failed
            | Outcome::Unknown,
        )
        | None => (DoorState::Open, format!("Foundry was not stopped: {said}")),
    })
}

fn in_copilot_studio(bench: &Bench, run: &Run) -> Option<Part> {
    let tools = bench.means.tools.as_ref()?;
    let bots = tools.bots_of(run.entity.id);
    if bots.is_empty() {
        return Some((
            DoorState::NotChecked,
            format!(
                "Copilot Studio: cannot stop here, because nobody says which bot {} is. {}",
                run.entity,
                quarantine_by_hand(&[])
            ),
        ));
    }
    let named = named(&bots);
    Some(if tools.refuses(run.entity.id) {
        (
            DoorState::Unverified,
            format!(
                "the gate refuses every tool call of bot {named}, with tokens already issued too; \
                 answers without tools, classic orchestration and an environment that asks \
                 another provider are not reached"
            ),
        )
    } else {
        (
            DoorState::Open,
            format!(
                "the gate does not refuse bot {named}. {}",
                quarantine_by_hand(&bots)
            ),
        )
    })
}

fn named(bots: &[BotId]) -> String {
    let mut words: Vec<String> = bots
        .iter()
        .take(NAMED_MAX)
        .map(ToString::to_string)
        .collect();
    if bots.len() > NAMED_MAX {
        words.push(format!("and {} more", bots.len() - NAMED_MAX));
    }
    words.join(", ")
}
