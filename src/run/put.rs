//! One write of an undo, tried until it is answered, must wait, or is a person's.

use std::pin::pin;
use std::time::Duration;

use super::{Bench, Broken, CONTAIN_DEADLINE, PAUSE_IN_MEMORY};
use crate::act::{self, Error};
use crate::clock::Ahead;
use crate::domain::step::{Before, Step, UndoOutcome};
use crate::store::Claimed;

/// An undo is tried this long before it ends as stuck (threat E11).
const UNDO_DEADLINE: Duration = CONTAIN_DEADLINE;

/// How often an undo that waits for its turn looks whether a kill has come.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// What became of one step.
pub(super) enum Back {
    Stored(UndoOutcome),
    Later { due: Ahead, because: String },
}

/// Which way a write goes.
pub(super) enum Doing<'a> {
    Undo(&'a Step, &'a Before),
    Close(&'a Step, &'a Before),
}

/// A short pause is waited out here, so that a throttled undo is still one undo.
pub(super) async fn write<'a>(
    bench: &Bench,
    claimed: &Claimed,
    doing: impl Fn() -> Doing<'a>,
) -> Result<Result<(UndoOutcome, String), Error>, Broken> {
    loop {
        bench
            .store
            .may_write(claimed.lease, bench.clock.now())
            .await?;
        let guards = bench.guards.load();
        let context = bench.forward_context(&guards, claimed);
        let done = match doing() {
            Doing::Undo(step, before) => {
                let undo = pin!(act::undo(&context, &step.plan, before, claimed.risk));
                unless_held(bench, claimed, step, undo).await?
            }
            Doing::Close(step, before) => act::perform(&context, &step.plan, before)
                .await
                .map(|(_, evidence)| (UndoOutcome::Left, evidence)),
        };
        let error = match done {
            Ok(ended) => return Ok(Ok(ended)),
            Err(error) => error,
        };
        let Error::TryAgain { after, .. } = &error else {
            return Ok(Err(error));
        };
        if *after > PAUSE_IN_MEMORY || too_late(bench, claimed) {
            return Ok(Err(error));
        }
        let pause = (*after).max(Duration::from_millis(50));
        bench.clock.sleep(pause).await;
        // Nothing was opened yet, and a kill that came meanwhile beats us (threat E15).
        if let Doing::Undo(step, _) = doing()
            && held_meanwhile(bench, claimed, step).await?
        {
            return Ok(Err(error));
        }
    }
}

/// An undo may wait long for its turn to be sent. It is dropped once another run has closed the
/// entity: whether anything of it had left by then, nobody knows (threat E15).
async fn unless_held<T>(
    bench: &Bench,
    claimed: &Claimed,
    step: &Step,
    mut undo: impl Future<Output = Result<T, Error>> + Unpin,
) -> Result<Result<T, Error>, Broken> {
    loop {
        match bench.clock.within(LOOK_AROUND, &mut undo).await {
            Ok(done) => return Ok(done),
            Err(_) if held_meanwhile(bench, claimed, step).await? => {
                return Ok(Err(Error::Unknown {
                    because: "another run closed it while it was being opened".to_owned(),
                }));
            }
            Err(_) => {}
        }
    }
}

async fn held_meanwhile(bench: &Bench, claimed: &Claimed, step: &Step) -> Result<bool, Broken> {
    for entity in step.closes() {
        let held = bench.store.containment(entity).await?;
        let mut holders = held.into_iter().flat_map(|held| held.held_by);
        if holders.any(|run| run != claimed.run.id) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn too_late(bench: &Bench, claimed: &Claimed) -> bool {
    let asked = claimed.ordered_at.unwrap_or(claimed.run.received_at);
    bench.clock.now().since(asked) >= UNDO_DEADLINE
}

/// A failure that passes is waited for, until the deadline; any other is a person's.
pub(super) fn waits(bench: &Bench, claimed: &Claimed, error: Error) -> Result<Back, String> {
    match error {
        Error::TryAgain { because, .. } | Error::Unknown { because }
            if too_late(bench, claimed) =>
        {
            Err(format!("it could not be put back within 24 h: {because}"))
        }
        Error::TryAgain { after, because, .. } => Ok(later(bench, after, because)),
        Error::Unknown { because } => Ok(later(bench, Duration::from_secs(1), because)),
        Error::NotFound { .. } | Error::Refused { .. } | Error::Forbidden { .. } => {
            Err(error.to_string())
        }
    }
}

pub(super) fn later(bench: &Bench, after: Duration, because: String) -> Back {
    Back::Later {
        due: bench.clock.ahead(after),
        because,
    }
}
