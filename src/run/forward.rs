//! Forward: begin, strike, prove, end.

use futures_util::future::{join, join_all};

use super::conclusion::{Found, conclusion, notice};
use super::step::{Stepped, carry_out};
use super::verify::{note_proof, prove_all, verdict};
use super::{Bench, Broken, CONTAIN_DEADLINE, Progress, coverage};
use crate::clock::Ahead;
use crate::domain::action::Action;
use crate::domain::entity::Entity;
use crate::domain::playbook::Mode;
use crate::domain::run::{RunEvent, RunState};
use crate::domain::step::{Outcome, Step};
use crate::store::{Begun, Claimed, Ending, ReadBack};
use crate::telemetry::{Metrics, crash_point};

/// An unknown run is read again after this long.
const PROVE_AGAIN: std::time::Duration = std::time::Duration::from_secs(60);

/// After this long an unknown run is read again only as often as that.
const PROVE_OFTEN: std::time::Duration = std::time::Duration::from_secs(3600);

/// Carries a run on from wherever it stands.
pub(super) async fn carry_on(bench: &Bench, claimed: Claimed) -> Result<Progress, Broken> {
    if claimed.run.state == RunState::Unknown {
        return prove_late(bench, claimed).await;
    }
    let now = bench.clock.now();
    let begun = match claimed.begun {
        true => Ok(Begun::Go),
        false => {
            let caps = bench.limits.caps;
            bench.store.begin(claimed.lease, caps, now).await
        }
    };
    if begun == Err(crate::store::Error::Braked)
        && now.since(claimed.run.begun_at.unwrap_or(now)) >= CONTAIN_DEADLINE
    {
        return give_up(bench, claimed).await;
    }
    let begun = begun?;
    crash_point("run.begun");
    if let Begun::Held { because } = begun {
        tracing::warn!(run.id = %claimed.run.id, "{} waits for a person: {because}", claimed.run.id);
        return Ok(Progress::Ended);
    }
    let found = strike(bench, &claimed).await?;
    if let Some((due, because)) = found.later {
        return Ok(Progress::PutDown { due, because });
    }
    finish(bench, &claimed, found).await
}

/// Writes were stopped for as long as a run is tried: what is not done is not done, and what may
/// have been done is read back (threat E11).
async fn give_up(bench: &Bench, claimed: Claimed) -> Result<Progress, Broken> {
    let mut steps = claimed.steps.clone();
    steps.retain(|step| !is_held_back(&claimed, step));
    for step in steps.iter_mut().filter(|step| !step.state.has_ended()) {
        let outcome = match step.before {
            Some(_) => Outcome::Unknown,
            None => Outcome::Failed,
        };
        let evidence = "writes were stopped until its time was over".to_owned();
        let ended = (outcome, evidence.clone());
        let at = bench.clock.now();
        bench
            .store
            .step_ended(claimed.lease, step.position, ended, at)
            .await?;
        (step.outcome, step.evidence) = (Some(outcome), Some(evidence));
    }
    steps.retain(|step| step.plan.action != Action::Verify);
    let (proofs, read_back) = prove_all(bench, &claimed, &closed_entities(&steps)).await?;
    let found = Found {
        steps,
        proofs,
        read_back,
        later: None,
    };
    finish(bench, &claimed, found).await
}

/// The switches and their proof go one way, everything else beside them: a confirm never delays a
/// disable.
async fn strike(bench: &Bench, claimed: &Claimed) -> Result<Found, Broken> {
    let at = bench.clock.now();
    let mut steps = claimed.steps.clone();
    steps.retain(|step| !is_held_back(claimed, step));
    for step in steps.iter_mut().filter(|step| !step.state.has_ended()) {
        step.begun_at.get_or_insert(at);
    }
    let (closing, beside): (Vec<_>, Vec<_>) = steps
        .into_iter()
        .filter(|step| step.plan.action != Action::Verify)
        .partition(|step| step.plan.action.contains());
    if beside.is_empty() {
        // The proof is the end, too: both are stored in one piece.
        return close_and_prove(bench, claimed, closing).await;
    }
    let proof = async {
        let mut found = close_and_prove(bench, claimed, closing).await?;
        let read_back = std::mem::take(&mut found.read_back);
        let verified = read_back.verify.clone();
        let at = bench.clock.now();
        bench.store.read_back(claimed.lease, read_back, at).await?;
        note_proof(bench, claimed, verified.as_ref());
        Ok::<_, Broken>(found)
    };
    let (closed, done) = with_beside(proof, carry_all(bench, claimed, beside)).await;
    let mut found = closed?;
    let (steps, later) = done?;
    found.steps.extend(steps);
    found.later = sooner(found.later, later);
    Ok(found)
}

/// Both at the same time, and what stands beside a strike begins after it has left: what is asked is
/// written by a task of its connection, which gets its turn before that.
async fn with_beside<S, B>(
    strike: impl Future<Output = S>,
    beside: impl Future<Output = B>,
) -> (S, B) {
    let beside = async {
        tokio::task::yield_now().await;
        beside.await
    };
    join(strike, beside).await
}

/// What has no way back by itself waits until a person keeps a provisional containment.
fn is_held_back(claimed: &Claimed, step: &Step) -> bool {
    let provisional = claimed.run.mode == Mode::Provisional && !claimed.kept;
    provisional && step.plan.action.waits_for_keep()
}

type Carried = (Vec<Step>, Option<(Ahead, String)>);

async fn carry_all(bench: &Bench, claimed: &Claimed, steps: Vec<Step>) -> Result<Carried, Broken> {
    let tried = join_all(steps.into_iter().map(|step| async move {
        if step.outcome.is_some() {
            return Ok(Stepped::Ended(step));
        }
        carry_out(bench, claimed, step).await
    }))
    .await;
    let mut carried = (Vec::new(), None);
    for stepped in tried {
        match stepped? {
            Stepped::Ended(step) => carried.0.push(step),
            Stepped::Later { step, due, because } => {
                carried.0.push(step);
                carried.1 = sooner(carried.1, Some((due, because)));
            }
        }
    }
    Ok(carried)
}

async fn close_and_prove(
    bench: &Bench,
    claimed: &Claimed,
    steps: Vec<Step>,
) -> Result<Found, Broken> {
    let (steps, later) = carry_all(bench, claimed, steps).await?;
    note_strike(bench, claimed, &steps);
    let verify = claimed
        .steps
        .iter()
        .find(|step| step.plan.action == Action::Verify);
    let (mut proofs, mut read_back) = (Vec::new(), ReadBack::default());
    if claimed.run.mode != Mode::Observe && later.is_none() {
        (proofs, read_back) = prove_all(bench, claimed, &closed_entities(&steps)).await?;
    }
    if let Some(verify) = verify
        && later.is_none()
        && !verify.state.has_ended()
    {
        read_back.verify = Some((verify.position, verdict(claimed.run.mode, &proofs)));
    }
    Ok(Found {
        steps,
        proofs,
        read_back,
        later,
    })
}

fn note_strike(bench: &Bench, claimed: &Claimed, steps: &[Step]) {
    // How long people took to agree is not how fast we are.
    let first = claimed.run.struck_at.is_none() && claimed.agreed() == 0;
    if first && steps.iter().any(Step::took_effect) {
        let took = bench.clock.now().since(claimed.run.received_at);
        bench.metrics.took("received_to_struck", took);
    }
}

/// Whatever was, or may have been, closed.
fn closed_entities(steps: &[Step]) -> Vec<Entity> {
    steps
        .iter()
        .filter(|step| step.took_effect() || step.outcome == Some(Outcome::Unknown))
        .flat_map(Step::closes)
        .collect()
}

async fn finish(bench: &Bench, claimed: &Claimed, found: Found) -> Result<Progress, Broken> {
    let (event, because) = conclusion(bench, claimed.run.mode, &found);
    let now = bench.clock.now();
    let ending = Ending {
        event,
        because: Some(because.clone()),
        coverage: Some(coverage::of(
            bench,
            &claimed.run,
            &found.steps,
            &found.proofs,
        )),
        notice: notice(bench, claimed, event, &because),
        again_at: (event == RunEvent::EndedUnknown).then(|| now.plus(PROVE_AGAIN)),
    };
    let read_back = found.read_back;
    let verified = read_back.verify.clone();
    let store = &bench.store;
    let ended = store.end_proved(claimed.lease, (read_back, ending), now);
    let state = ended.await?;
    note_proof(bench, claimed, verified.as_ref());
    crash_point("run.ended");
    Metrics::count(&bench.metrics.runs, state.word());
    tracing::info!(run.id = %claimed.run.id, state = state.word(), "{} is {state}: {because}", claimed.run.id);
    Ok(Progress::Ended)
}

/// An unknown run is read again until it is proved; nothing is written to the tenant.
async fn prove_late(bench: &Bench, claimed: Claimed) -> Result<Progress, Broken> {
    let steps: Vec<_> = claimed
        .steps
        .iter()
        .filter(|step| step.plan.action != Action::Verify && !is_held_back(&claimed, step))
        .cloned()
        .collect();
    let (proofs, read_back) = prove_all(bench, &claimed, &closed_entities(&steps)).await?;
    let found = Found {
        steps,
        proofs,
        read_back,
        later: None,
    };
    let (event, because) = conclusion(bench, claimed.run.mode, &found);
    if matches!(event, RunEvent::EndedContained | RunEvent::EndedPartial) {
        return finish(bench, &claimed, found).await;
    }
    let now = bench.clock.now();
    let store = &bench.store;
    store.read_back(claimed.lease, found.read_back, now).await?;
    let unknown_for = now.since(claimed.run.ended_at.unwrap_or(now));
    let pause = if unknown_for < PROVE_OFTEN {
        PROVE_AGAIN
    } else {
        PROVE_OFTEN
    };
    Ok(Progress::PutDown {
        due: bench.clock.ahead(pause),
        because,
    })
}

fn sooner(one: Option<(Ahead, String)>, other: Option<(Ahead, String)>) -> Option<(Ahead, String)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.0 < one.0 { other } else { one }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::with_beside;

    #[tokio::test]
    async fn what_stands_beside_a_strike_begins_after_it_has_left() {
        let (write, mut written) = tokio::sync::oneshot::channel();
        #[expect(
            clippy::disallowed_methods,
            reason = "the test stands in for the client"
        )]
        let strike = async {
            let connection = async { write.send(()).unwrap() };
            tokio::spawn(connection).await.unwrap();
        };

        let ((), begun_after) = with_beside(strike, async { written.try_recv() }).await;

        assert_eq!(begun_after, Ok(()));
    }
}
