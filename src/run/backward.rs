//! Backward: put back what was, on a person's word, and only if it is still as we left it.

use std::time::Duration;

use super::verify::reads_open;
use super::{Bench, Broken, CONTAIN_DEADLINE, PAUSE_IN_MEMORY, Progress, VERIFY_WITHIN};
use crate::act::{self, Error};
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::run::RunEvent;
use crate::domain::step::{Before, Step, StepState, UndoOutcome};
use crate::store::{Claimed, Ending, Released};
use crate::telemetry::{Metrics, crash_point};

/// An undo waits this long after an attempt that is not known to have finished: lease, call and a
/// margin (threat E04). A write still on its way must not land after the undo.
const WAIT_OUT: Duration = Duration::from_secs(45);

/// What became of one step.
enum Back {
    Stored(UndoOutcome),
    Later { due: Moment, because: String },
}

/// Puts every step back, last one first.
pub(super) async fn put_back(bench: &Bench, claimed: Claimed) -> Result<Progress, Broken> {
    let mut outcomes = Vec::new();
    for step in claimed.steps.iter().rev() {
        if let Some(done) = step.undo.filter(|done| *done != UndoOutcome::Stuck) {
            outcomes.push(done);
            continue;
        }
        match step_back(bench, &claimed, step).await? {
            Back::Stored(outcome) => outcomes.push(outcome),
            Back::Later { due, because } => return Ok(Progress::PutDown { due, because }),
        }
    }
    end(bench, &claimed, &outcomes).await
}

async fn step_back(bench: &Bench, claimed: &Claimed, step: &Step) -> Result<Back, Broken> {
    let Some(before) = begun(step) else {
        return store(
            bench,
            claimed,
            step,
            (UndoOutcome::NothingToRestore, "it was never begun".into()),
        )
        .await;
    };
    if let Some(due) = still_in_flight(bench, step) {
        return Ok(Back::Later {
            due,
            because: "an attempt may still be on its way".to_owned(),
        });
    }
    if let Some(held) = release_all(bench, claimed, step).await? {
        return store(bench, claimed, step, (UndoOutcome::Left, held)).await;
    }
    let ended = match write_back(bench, claimed, step, before).await? {
        Ok(ended) => ended,
        Err(Error::TryAgain { after, because }) => {
            return Ok(later(bench, claimed, after, because));
        }
        Err(Error::Unknown { because }) => {
            return Ok(later(bench, claimed, Duration::from_secs(1), because));
        }
        Err(error) => (UndoOutcome::Stuck, error.to_string()),
    };
    crash_point("undo.performed");
    let ended = read_back(bench, claimed, step, ended).await;
    store(bench, claimed, step, ended).await
}

/// What was there before, where the step may have changed anything.
fn begun(step: &Step) -> Option<&Before> {
    match step.state {
        StepState::Sent | StepState::Ok | StepState::Unknown => step.before.as_ref(),
        StepState::Pending | StepState::Running | StepState::Skipped | StepState::Failed => None,
    }
}

fn still_in_flight(bench: &Bench, step: &Step) -> Option<Moment> {
    let unfinished = matches!(step.state, StepState::Sent | StepState::Unknown);
    let over = step.begun_at?.plus(WAIT_OUT);
    (unfinished && bench.clock.now() < over).then_some(over)
}

/// Takes our holds off; `Some` says who still holds one of the entities.
async fn release_all(
    bench: &Bench,
    claimed: &Claimed,
    step: &Step,
) -> Result<Option<String>, Broken> {
    let mut held = None;
    for entity in step.closes() {
        let released = bench
            .store
            .release(claimed.lease, entity, bench.clock.now())
            .await?;
        if released == Released::StillHeld {
            held = Some(format!("{entity} stays closed: another run holds it too"));
        }
    }
    Ok(held)
}

/// A short pause is waited out here, so that a throttled undo is still one undo.
async fn write_back(
    bench: &Bench,
    claimed: &Claimed,
    step: &Step,
    before: &Before,
) -> Result<Result<(UndoOutcome, String), Error>, Broken> {
    loop {
        bench
            .store
            .may_write(claimed.lease, bench.clock.now())
            .await?;
        let guards = bench.guards.load();
        let context = bench.context(&guards, claimed.run.id);
        match act::undo(&context, &step.plan, before, claimed.risk).await {
            Err(Error::TryAgain { after, .. }) if after <= PAUSE_IN_MEMORY => {
                bench
                    .clock
                    .sleep(after.max(Duration::from_millis(50)))
                    .await;
            }
            other => return Ok(other),
        }
    }
}

fn later(bench: &Bench, claimed: &Claimed, after: Duration, because: String) -> Back {
    let now = bench.clock.now();
    let asked_long_ago = now.since(claimed.run.received_at) >= CONTAIN_DEADLINE * 30;
    let span = if asked_long_ago {
        Duration::from_secs(3600)
    } else {
        after
    };
    Back::Later {
        due: now.plus(span),
        because,
    }
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
