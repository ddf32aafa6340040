//! One step, tried until it has ended: look, write down, act, write down.

use std::time::Duration;

use super::failure::{Trace, Verdict, verdict_on};
use super::{Bench, Broken, PAUSE_IN_MEMORY, company, early, refused, together};
use crate::act::{self, Error};
use crate::clock::Ahead;
use crate::domain::playbook::Mode;
use crate::domain::run::RunLease;
use crate::domain::step::{Before, Outcome, Step};
use crate::store::{Claimed, Started, Strike};
use crate::telemetry::{OfAction, crash_point};

/// First pause after an answer was lost or an object was not found; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// What became of a step for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stepped {
    /// It has ended and that is stored.
    Ended(Step),
    /// It must be tried again later than is worth waiting for in memory.
    Later {
        step: Step,
        due: Ahead,
        because: String,
    },
}

/// Tries one step until it ends or must wait long. A step that was started before a crash keeps
/// what was stored then: what a second look would see may be our own doing.
pub(super) async fn carry_out(
    bench: &Bench,
    claimed: &Claimed,
    mut step: Step,
) -> Result<Stepped, Broken> {
    let mut pause = FIRST_PAUSE;
    let mut trace = Trace::of(&step);
    let mut at_once = true;
    loop {
        match attempt(bench, claimed, &mut step, at_once).await? {
            Ok(ended) => {
                return end(bench, claimed.lease, step, ended)
                    .await
                    .map(Stepped::Ended);
            }
            Err(error) => match verdict_on(bench, &step, error, (pause, &mut trace)) {
                Verdict::End(ended) => {
                    let ended = refused::unless_closed(bench, claimed, &step, ended).await;
                    return end(bench, claimed.lease, step, ended)
                        .await
                        .map(Stepped::Ended);
                }
                Verdict::Pause {
                    span,
                    answered,
                    because,
                } => {
                    // There was time to wait, so there is time to look first.
                    at_once = false;
                    let due = bench.clock.ahead(span);
                    if trace == Trace::None {
                        trace = forget(bench, claimed, &mut step, answered).await?;
                    }
                    if span <= PAUSE_IN_MEMORY {
                        bench.clock.sleep_until(due).await;
                        pause = pause.saturating_mul(2);
                        continue;
                    }
                    return Ok(Stepped::Later { step, due, because });
                }
            },
        }
    }
}

/// One look (unless it was stored before), one strike; both `at_once` where the entity is known.
async fn attempt(
    bench: &Bench,
    claimed: &Claimed,
    step: &mut Step,
    at_once: bool,
) -> Result<Result<act::Ended, Error>, Broken> {
    if let Some(Before::Unproven { .. }) = step.before {
        return together::again(bench, claimed, step).await;
    }
    if at_once && step.before.is_none() {
        if let Some(started) = claimed.started(step.position) {
            return together::strike_started(bench, claimed, step, started).await;
        }
        if let Some(certain) = together::is_certain(bench, claimed, step).await {
            return together::strike(bench, claimed, step, certain).await;
        }
    }
    let guards = bench.guards.load();
    let context = bench.forward_context(&guards, claimed);
    let before = match step.before.take() {
        Some(before) => {
            bench
                .store
                .may_write(claimed.lease, bench.clock.now())
                .await?;
            before
        }
        None => match early::look(bench, &context, (claimed.run.id, step)).await {
            Err(error) => return Ok(Err(error)),
            Ok((seen, _)) if claimed.run.mode == Mode::Observe => {
                return Ok(Ok((Outcome::Observed, would(&seen))));
            }
            Ok((seen, read)) => {
                let started = store_before(bench, claimed.lease, step, seen).await?;
                let about = (started.company, read);
                if let Some(ended) = company::spares(bench, &context, step, about).await {
                    step.before = Some(started.before);
                    return Ok(Ok(ended));
                }
                started.before
            }
        },
    };
    let again = || closed_by(&before, step, claimed);
    let ended = if again() {
        act::close_again(&context, &step.plan, &before).await
    } else {
        act::perform(&context, &step.plan, &before).await
    };
    crash_point("step.performed");
    step.before = Some(before);
    Ok(ended)
}

/// A switch that was not turned is looked at anew after the pause: an owner may turn it meanwhile,
/// and what they leave is not ours to undo. What takes several writes keeps what it saw, because
/// some of them may have taken effect; and so does what reads closed at once after an answer that
/// it was not done, because that is our own doing.
async fn forget(
    bench: &Bench,
    claimed: &Claimed,
    step: &mut Step,
    answered: bool,
) -> Result<Trace, Broken> {
    let one_write = match &step.before {
        Some(Before::Switches { switches }) => switches.len() == 1,
        Some(Before::Unproven { .. }) => true,
        Some(Before::Found { .. } | Before::Nothing) | None => false,
    };
    if !one_write {
        return Ok(Trace::None);
    }
    if answered && refused::reads_closed_already(bench, claimed, step).await {
        return Ok(Trace::Perhaps);
    }
    let (lease, at) = (claimed.lease, bench.clock.now());
    bench.store.not_struck(lease, step.position, at).await?;
    step.before = None;
    Ok(Trace::None)
}

/// Did someone open what this step closed? Then it is closed again, whatever it was before us.
fn closed_by(before: &Before, step: &Step, claimed: &Claimed) -> bool {
    let Some(kind) = step.plan.action.closes() else {
        return false;
    };
    let Before::Switches { switches } = before else {
        return false;
    };
    let reopened = claimed.reopened.iter();
    reopened
        .filter(|entity| entity.kind == kind)
        .any(|entity| switches.iter().any(|switch| switch.id == entity.id))
}

pub(super) async fn store_before(
    bench: &Bench,
    lease: RunLease,
    step: &Step,
    seen: act::Seen,
) -> Result<Started, Broken> {
    crash_point("step.looked");
    let act::Seen { before, closes, .. } = seen;
    let strike = Strike {
        position: step.position,
        before,
        closes,
    };
    let started = bench.store.strike(lease, strike, bench.clock.now()).await?;
    crash_point("step.started");
    Ok(started)
}

fn would(seen: &act::Seen) -> String {
    match &seen.before {
        Before::Switches { switches } if switches.iter().any(|switch| switch.account_enabled) => {
            format!("would act; {}", seen.evidence)
        }
        Before::Switches { .. } => format!("nothing to do; {}", seen.evidence),
        Before::Found { found } if found.is_nothing() => {
            format!("nothing to do; {}", seen.evidence)
        }
        Before::Found { .. } => format!("would act; {}", seen.evidence),
        Before::Nothing | Before::Unproven { .. } => "would act".to_owned(),
    }
}

async fn end(
    bench: &Bench,
    lease: RunLease,
    mut step: Step,
    ended: act::Ended,
) -> Result<Step, Broken> {
    let at = bench.clock.now();
    let (outcome, evidence) = ended;
    bench
        .store
        .step_ended(lease, step.position, (outcome, evidence.clone()), at)
        .await?;
    crash_point("step.ended");
    let labels = OfAction {
        action: step.plan.action.word(),
        outcome: outcome.word(),
    };
    bench.metrics.steps.get_or_create(&labels).inc();
    tracing::info!(
        run.id = %lease.run, step = step.position, action = %step.plan.action,
        entity.id = %step.plan.entity.id, outcome = outcome.word(),
        "step {} of {}: {} is {outcome}", step.position, lease.run, step.plan.action
    );
    step.outcome = Some(outcome);
    step.evidence = Some(evidence);
    step.ended_at = Some(at);
    Ok(step)
}
