//! What a run has come to, in a state, in words, and in a notice.

use super::Bench;
use super::verify::Proof;
use crate::clock::Ahead;
use crate::domain::action::Action;
use crate::domain::entity::Entity;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::playbook::Mode;
use crate::domain::run::RunEvent;
use crate::domain::step::{Outcome, Step};
use crate::store::{Claimed, ReadBack};

/// Everything that was found out in one go.
pub(super) struct Found {
    pub(super) steps: Vec<Step>,
    pub(super) proofs: Vec<Proof>,
    /// What of it is not stored yet.
    pub(super) read_back: ReadBack,
    pub(super) later: Option<(Ahead, String)>,
}

/// What the run has come to. Only required steps and entities count.
pub(super) fn conclusion(bench: &Bench, mode: Mode, found: &Found) -> (RunEvent, String) {
    let (event, because) = of_steps(mode, found);
    match relies_on_risk(mode, &found.steps) {
        true => {
            let enforced = bench.board.enforcement().words();
            (
                event,
                format!("{because}; it rests on risk alone, and {enforced}"),
            )
        }
        false => (event, because),
    }
}

/// Did it say something about risk, and do nothing that closes a door?
fn relies_on_risk(mode: Mode, steps: &[Step]) -> bool {
    let judged = |step: &Step| step.plan.action == Action::ConfirmCompromised && step.took_effect();
    let closes = |step: &Step| step.plan.action.contains();
    mode != Mode::Observe && steps.iter().any(judged) && !steps.iter().any(closes)
}

fn of_steps(mode: Mode, found: &Found) -> (RunEvent, String) {
    if mode == Mode::Observe {
        return (
            RunEvent::EndedObserved,
            "everything ran and nothing was touched".to_owned(),
        );
    }
    let required = || found.steps.iter().filter(|step| !step.plan.optional);
    let entities: Vec<_> = required().flat_map(Step::closes).collect();
    let closed = |entity: &Entity| {
        found
            .proofs
            .iter()
            .any(|proof| proof.closed && proof.entity == *entity)
    };
    let proved = found.proofs.iter().filter(|proof| proof.closed).count();
    // What was lost on the way and reads closed twice has taken effect.
    let shown = |step: &Step| {
        let closes = step.closes();
        let lost = step.outcome == Some(Outcome::Unknown);
        lost && !closes.is_empty() && closes.iter().all(closed)
    };
    let steps_ok = required().all(|step| step.took_effect() || shown(step));
    if steps_ok && !entities.is_empty() && entities.iter().all(closed) {
        return (
            RunEvent::EndedContained,
            format!("{proved} of {} read back closed", found.proofs.len()),
        );
    }
    let failed = failures(found);
    let in_doubt = found.proofs.iter().any(|proof| !proof.closed)
        || found
            .steps
            .iter()
            .any(|step| step.outcome == Some(Outcome::Unknown) && !shown(step));
    if in_doubt {
        return (
            RunEvent::EndedUnknown,
            format!("writes were sent whose effect could not be read back; {failed}"),
        );
    }
    if proved > 0 || (steps_ok && entities.is_empty()) {
        return (
            RunEvent::EndedPartial,
            format!("{proved} read back closed; {failed}"),
        );
    }
    (RunEvent::EndedFailed, failed)
}

fn failures(found: &Found) -> String {
    let failed: Vec<_> = found
        .steps
        .iter()
        .filter(|step| !step.took_effect())
        .map(|step| {
            let evidence = step.evidence.as_deref().unwrap_or("no evidence");
            let outcome = step.outcome.map_or("not ended", Outcome::word);
            format!("{}: {outcome}, {evidence}", step.plan.action)
        })
        .collect();
    if failed.is_empty() {
        "nothing failed".to_owned()
    } else {
        failed.join("; ")
    }
}

pub(super) fn notice(
    bench: &Bench,
    claimed: &Claimed,
    event: RunEvent,
    because: &str,
) -> Option<Notice> {
    let run = claimed.run.id;
    let (urgency, text) = match event {
        RunEvent::EndedContained => (
            Urgency::Tell,
            format!(
                "{run} contained {}. Undo: estop undo {run} --reason TEXT",
                claimed.run.entity
            ),
        ),
        RunEvent::EndedPartial | RunEvent::EndedFailed => (
            Urgency::Page,
            format!(
                "{run} did not contain {} fully: {because}. See: estop runs show {run}",
                claimed.run.entity
            ),
        ),
        RunEvent::EndedUnknown => (
            Urgency::Page,
            format!(
                "{run} could not read back {}: {because}. It is read again every minute; check the tenant by hand.",
                claimed.run.entity
            ),
        ),
        RunEvent::Begun
        | RunEvent::Held
        | RunEvent::Resumed
        | RunEvent::ReleaseTimedOut
        | RunEvent::Kept
        | RunEvent::Reopened
        | RunEvent::LeftOpen
        | RunEvent::EndedObserved
        | RunEvent::UndoAsked
        | RunEvent::UndoEnded
        | RunEvent::UndoStuck
        | RunEvent::Poisoned
        | RunEvent::Stopped => return None,
    };
    let mut notice =
        bench
            .store
            .notice(bench.clock.now(), urgency, format!("{run} {event:?}"), text);
    notice.run = Some(run);
    Some(notice)
}
