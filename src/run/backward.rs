//! Backward: put back what was, on a person's word, and only if it is still as we left it.

use std::time::Duration;

use futures_util::future::join_all;

use super::put::{Back, Doing, later, waits, write};
use super::verify::reads_open;
use super::{Bench, Broken, Progress, VERIFY_WITHIN, together};
use crate::act::Error;
use crate::clock::Ahead;
use crate::domain::notice::Urgency;
use crate::domain::run::RunEvent;
use crate::domain::step::{Before, Step, StepState, UndoOutcome};
use crate::store::{Claimed, Ending, Released};
use crate::telemetry::{Metrics, crash_point};

/// An undo waits this long after an attempt that is not known to have finished: lease, call and a
/// margin (threat E04). A write still on its way must not land after the undo.
const WAIT_OUT: Duration = Duration::from_secs(45);

/// A call is given up as lost after this long.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// Whether an entity is ours to open.
enum Hold {
    Free,
    /// Another run holds it; we have written nothing.
    Held(String),
    /// Another run closed it while we were opening it.
    Anew(String),
}

/// Whether a write that opens the entity may still be on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    Possible,
    Over,
}

/// Puts every step back. They are of different entities, or of risk, so none waits for another.
pub(super) async fn put_back(bench: &Bench, claimed: Claimed) -> Result<Progress, Broken> {
    let steps = claimed.steps.iter().rev();
    let backs = join_all(steps.map(|step| one_back(bench, &claimed, step))).await;
    let (mut outcomes, mut later) = (Vec::new(), None);
    for back in backs {
        match back? {
            Back::Stored(outcome) => outcomes.push(outcome),
            Back::Later { due, because } => {
                later = later
                    .filter(|(first, _)| *first <= due)
                    .or(Some((due, because)));
            }
        }
    }
    match later {
        Some((due, because)) => Ok(Progress::PutDown { due, because }),
        None => end(bench, &claimed, &outcomes).await,
    }
}

async fn one_back(bench: &Bench, claimed: &Claimed, step: &Step) -> Result<Back, Broken> {
    match step.undo.filter(|done| *done != UndoOutcome::Stuck) {
        Some(done) => Ok(Back::Stored(done)),
        None => {
            let step = together::with_prior(bench, claimed, step).await?;
            step_back(bench, claimed, &step).await
        }
    }
}

async fn step_back(bench: &Bench, claimed: &Claimed, step: &Step) -> Result<Back, Broken> {
    let Some(before) = begun(step) else {
        let nothing = (UndoOutcome::NothingToRestore, "it changed nothing".into());
        return store(bench, claimed, step, nothing).await;
    };
    if let Some(due) = still_in_flight(bench, claimed, step) {
        return Ok(Back::Later {
            due,
            because: "an attempt may still be on its way".to_owned(),
        });
    }
    if together::must_ask(bench, claimed, step).await? {
        let why = "what it was before is not known; undo again and say: was enabled or disabled";
        return store(bench, claimed, step, (UndoOutcome::Stuck, why.to_owned())).await;
    }
    match release_all(bench, claimed, step).await? {
        Hold::Free => {}
        Hold::Held(by) => return store(bench, claimed, step, (UndoOutcome::Left, by)).await,
        Hold::Anew(by) => {
            // Whoever died opening it may have sent something.
            let arrival = match claimed.attempts {
                0 | 1 => Arrival::Over,
                _ => Arrival::Possible,
            };
            return close_again(bench, claimed, (step, before), (by, arrival)).await;
        }
    }
    let written = write(bench, claimed, || Doing::Undo(step, before)).await?;
    crash_point("undo.performed");
    if let Hold::Anew(by) | Hold::Held(by) = release_all(bench, claimed, step).await? {
        let arrival = match written {
            Err(Error::Unknown { .. }) => Arrival::Possible,
            _ => Arrival::Over,
        };
        return close_again(bench, claimed, (step, before), (by, arrival)).await;
    }
    let ended = match written {
        Ok(ended) => match read_back(bench, claimed, step, ended).await {
            (UndoOutcome::Stuck, evidence) => {
                match release_all(bench, claimed, step).await? {
                    Hold::Free => (UndoOutcome::Stuck, evidence),
                    // It reads closed because it is: by a newer run, after our write.
                    Hold::Anew(by) | Hold::Held(by) => (UndoOutcome::Left, by),
                }
            }
            ended => ended,
        },
        Err(error) => match waits(bench, claimed, error) {
            Ok(back) => return Ok(back),
            Err(stuck) => (UndoOutcome::Stuck, stuck),
        },
    };
    store(bench, claimed, step, ended).await
}

/// A kill beats an undo: what we opened, or may have opened, is closed again (threat E15).
async fn close_again(
    bench: &Bench,
    claimed: &Claimed,
    (step, before): (&Step, &Before),
    (by, arrival): (String, Arrival),
) -> Result<Back, Broken> {
    let ended = match write(bench, claimed, || Doing::Close(step, before)).await? {
        // What may still arrive would open it, so it is closed once more after that.
        Ok(_) if arrival == Arrival::Possible => return Ok(later(bench, WAIT_OUT, by)),
        Ok((_, evidence)) => (UndoOutcome::Left, format!("{by}; {evidence}")),
        Err(error) => match waits(bench, claimed, error) {
            Ok(back) => return Ok(back),
            Err(stuck) => (UndoOutcome::Stuck, format!("{by}; {stuck}")),
        },
    };
    store(bench, claimed, step, ended).await
}

/// What was there before, where the step may have changed anything.
fn begun(step: &Step) -> Option<&Before> {
    match step.state {
        StepState::Sent | StepState::Ok | StepState::Unknown => step.before.as_ref(),
        StepState::Pending | StepState::Running | StepState::Skipped | StepState::Failed => None,
    }
}

/// Until when a write of this step may still be on its way: counted from the last moment at which
/// someone may have sent it.
fn still_in_flight(bench: &Bench, claimed: &Claimed, step: &Step) -> Option<Ahead> {
    let took = step.ended_at.zip(step.begun_at);
    let at_once = took.is_some_and(|(end, begin)| end.since(begin) < LOST_AFTER);
    let unfinished = match step.state {
        StepState::Sent | StepState::Unknown => true,
        // It succeeded, but perhaps not the first time: an earlier call may still arrive.
        StepState::Ok => step.attempts > 1 || !at_once,
        StepState::Pending | StepState::Running | StepState::Skipped | StepState::Failed => false,
    };
    let last = step.ended_at.or(claimed.run.ended_at).or(step.begun_at)?;
    let left = last.plus(WAIT_OUT).since(bench.clock.now());
    (unfinished && left > Duration::ZERO).then(|| bench.clock.ahead(left))
}

/// Takes our holds off, and says who else holds one of the entities.
async fn release_all(bench: &Bench, claimed: &Claimed, step: &Step) -> Result<Hold, Broken> {
    let mut hold = Hold::Free;
    for entity in step.closes() {
        let now = bench.clock.now();
        let released = bench.store.release(claimed.lease, entity, now).await?;
        hold = match released {
            Released::Open => hold,
            Released::StillHeld => {
                Hold::Held(format!("{entity} stays closed: another run holds it too"))
            }
            Released::ClosedAnew => Hold::Anew(format!(
                "{entity} stays closed: another run closed it meanwhile"
            )),
        };
    }
    Ok(hold)
}

/// What was put back must read so twice, or a person must look.
async fn read_back(
    bench: &Bench,
    claimed: &Claimed,
    step: &Step,
    (outcome, evidence): (UndoOutcome, String),
) -> (UndoOutcome, String) {
    if outcome != UndoOutcome::Restored {
        return (outcome, evidence);
    }
    let Some(Before::Switches { switches }) = &step.before else {
        return (outcome, evidence);
    };
    for (entity, was) in step.closes().into_iter().zip(switches) {
        let open =
            !was.account_enabled || reads_open(bench, claimed.lease, entity, VERIFY_WITHIN).await;
        if !open {
            return (
                UndoOutcome::Stuck,
                format!("{evidence}; but {entity} does not read as enabled"),
            );
        }
    }
    (outcome, evidence)
}

async fn store(
    bench: &Bench,
    claimed: &Claimed,
    step: &Step,
    (outcome, evidence): (UndoOutcome, String),
) -> Result<Back, Broken> {
    let at = bench.clock.now();
    bench
        .store
        .step_undone(claimed.lease, step.position, (outcome, evidence), at)
        .await?;
    Ok(Back::Stored(outcome))
}

async fn end(
    bench: &Bench,
    claimed: &Claimed,
    outcomes: &[UndoOutcome],
) -> Result<Progress, Broken> {
    let run = claimed.run.id;
    let now = bench.clock.now();
    let stuck = outcomes.contains(&UndoOutcome::Stuck);
    let restored = outcomes
        .iter()
        .filter(|outcome| **outcome == UndoOutcome::Restored)
        .count();
    let ending = if stuck {
        let because = "not everything could be put back; see the steps".to_owned();
        let text = format!("The undo of {run} is stuck. See: estop runs show {run}");
        let notice = bench
            .store
            .notice(now, Urgency::Page, format!("{run} stuck"), text);
        (RunEvent::UndoStuck, because, Some(notice))
    } else {
        (
            RunEvent::UndoEnded,
            format!("{restored} step(s) put back"),
            None,
        )
    };
    let (event, because, notice) = ending;
    let ending = Ending {
        event,
        because: Some(because),
        coverage: None,
        notice,
        again_at: None,
    };
    let state = bench.store.end(claimed.lease, ending, now).await?;
    crash_point("run.ended");
    Metrics::count(&bench.metrics.runs, state.word());
    tracing::info!(run.id = %run, state = state.word(), "{run} is {state}");
    Ok(Progress::Ended)
}
