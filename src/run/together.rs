//! Look and strike together: where the inventory knows the entity for certain, the read of what was
//! there and the write leave at the same time (design §5).
//!
//! What is known before is stored before the write leaves, as ever; only the switch's own state is
//! stored as unproven until the read ends. A read that says *enabled* proves it. One that says
//! *disabled* proves nothing, unless our write surely did not take effect.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::company::{self, Read};
use super::step::store_before;
use super::{Bench, Broken};
use crate::act::{self, Ended, Error};
use crate::domain::inventory::{Certain, can_strike_unread, certain};
use crate::domain::playbook::Mode;
use crate::domain::step::{Before, PriorWord, Step, Switch};
use crate::graph::Enabled;
use crate::store::{Claimed, Started, StartedStep};

/// How long the read may go on after the write was answered. Then nobody knows, and undo asks.
const READ_GRACE: Duration = Duration::from_secs(2);

/// After so long on the way to its worker a run may be somebody else's: the store is asked.
const STALE: Duration = Duration::from_secs(1);

/// Is this step's entity known well enough to strike without looking first? A store that cannot
/// say makes nothing certain, and delays nothing.
pub(super) async fn is_certain(bench: &Bench, claimed: &Claimed, step: &Step) -> Option<Certain> {
    let enforced = claimed.run.mode != Mode::Observe;
    // Whoever begins a run where it is made has looked, a moment ago.
    let looked_up = claimed.begun && step.plan.entity == claimed.run.entity;
    if !enforced || looked_up || !can_strike_unread(step.plan.action) {
        return None;
    }
    let line = bench.store.lineage(step.plan.entity.id).await.ok()?;
    let guards = bench.guards.load();
    certain(&step.plan, &line, (&guards, bench.clock.now()))
}

/// Stores the start, then reads and writes at the same time.
pub(super) async fn strike(
    bench: &Bench,
    claimed: &Claimed,
    step: &mut Step,
    Certain(ids): Certain,
) -> Result<Result<Ended, Error>, Broken> {
    let guards = bench.guards.load();
    let context = bench.forward_context(&guards, claimed);
    if let Err(error) = act::permit(&context, ids) {
        return Ok(Err(error));
    }
    let entity = step.plan.entity;
    let seen = act::Seen {
        before: Before::Unproven { id: entity.id },
        closes: vec![entity],
        evidence: String::new(),
    };
    let started = store_before(bench, claimed.lease, step, seen).await?;
    go_on(bench, (claimed, &context), step, started).await
}

/// The start was stored with the run itself: what is left is to write, and to read where nobody has.
pub(super) async fn strike_started(
    bench: &Bench,
    claimed: &Claimed,
    step: &mut Step,
    StartedStep { ids, started, .. }: &StartedStep,
) -> Result<Result<Ended, Error>, Broken> {
    crate::telemetry::crash_point("step.started");
    let now = bench.clock.now();
    if now.since(claimed.run.begun_at.unwrap_or(now)) > STALE {
        bench.store.may_write(claimed.lease, now).await?;
    }
    let guards = bench.guards.load();
    let context = bench.forward_context(&guards, claimed);
    match act::permit(&context, ids.iter().copied()) {
        Ok(()) => go_on(bench, (claimed, &context), step, started.clone()).await,
        Err(error) => Ok(Err(error)),
    }
}

/// Writes, and reads at the same time where nobody has, unless another run of the playbook has done it.
async fn go_on(
    bench: &Bench,
    (claimed, context): (&Claimed, &act::Context<'_>),
    step: &mut Step,
    Started { before, company }: Started,
) -> Result<Result<Ended, Error>, Broken> {
    let about = (company, Read::NotYet);
    if let Some(ended) = company::spares(bench, context, step, about).await {
        step.before = Some(before);
        return Ok(Ok(ended));
    }
    let Before::Unproven { id } = before else {
        // What was before is known: it was read by then, or we hold it already.
        let ended = act::perform(context, &step.plan, &before).await;
        crate::telemetry::crash_point("step.performed");
        step.before = Some(before);
        return Ok(ended);
    };
    let (read, written) = both(bench, context, step).await;
    crate::telemetry::crash_point("step.performed");
    step.before = Some(before);
    if let Some(account_enabled) = proved(read, &written) {
        let switch = Switch {
            id,
            account_enabled,
        };
        prove(bench, claimed, step, switch).await?;
    }
    Ok(written.map(|ended| told(step, ended)))
}

/// The read leaves a hair before the write, so that it has the better chance to prove something.
async fn both(
    bench: &Bench,
    context: &act::Context<'_>,
    step: &Step,
) -> (Option<Enabled>, Result<Ended, Error>) {
    let read = pin!(act::read_switch(context, &step.plan));
    let write = pin!(act::close(context, &step.plan));
    match select(read, write).await {
        Either::Left((read, write)) => (read.ok(), write.await),
        Either::Right((written, read)) => {
            let read = bench.clock.within(READ_GRACE, read).await;
            (read.ok().and_then(Result::ok), written)
        }
    }
}

/// What the read proves of what was there before, beside what became of the write.
fn proved(read: Option<Enabled>, written: &Result<Ended, Error>) -> Option<bool> {
    let untouched = match written {
        Ok(_) | Err(Error::Unknown { .. }) => false,
        Err(
            Error::TryAgain { .. }
            | Error::NotFound { .. }
            | Error::Refused { .. }
            | Error::Forbidden { .. },
        ) => true,
    };
    match read? {
        Enabled::Yes => Some(true),
        Enabled::No => untouched.then_some(false),
    }
}

/// A further attempt of a step whose prior state is unproven. It may have struck already, so what
/// reads *disabled* may be our own doing; *enabled* is somebody's newer word, or ours never came.
pub(super) async fn again(
    bench: &Bench,
    claimed: &Claimed,
    step: &mut Step,
) -> Result<Result<Ended, Error>, Broken> {
    let now = bench.clock.now();
    bench.store.may_write(claimed.lease, now).await?;
    let guards = bench.guards.load();
    let context = bench.forward_context(&guards, claimed);
    let seen = match act::look(&context, &step.plan).await {
        Ok(seen) => seen,
        Err(error) => return Ok(Err(error)),
    };
    if let Before::Switches { switches } = seen.before
        && let Some(switch) = switches.into_iter().find(|switch| switch.account_enabled)
    {
        prove(bench, claimed, step, switch).await?;
    }
    let ended = act::close(&context, &step.plan).await;
    crate::telemetry::crash_point("step.performed");
    Ok(ended.map(|ended| told(step, ended)))
}

async fn prove(
    bench: &Bench,
    claimed: &Claimed,
    step: &mut Step,
    switch: Switch,
) -> Result<(), Broken> {
    let now = bench.clock.now();
    let proving = bench
        .store
        .prove_before(claimed.lease, step.position, switch, now);
    step.before = Some(proving.await?);
    Ok(())
}

fn told(step: &Step, (outcome, evidence): Ended) -> Ended {
    match step.before {
        Some(Before::Unproven { .. }) => (
            outcome,
            format!("{evidence}; what it was before is not proved: undo asks"),
        ),
        Some(Before::Switches { .. } | Before::Found { .. } | Before::Nothing) | None => {
            (outcome, evidence)
        }
    }
}

/// The step with what was there before as far as it is known by now: from the first of our runs
/// that held the entity, or from a person's word.
pub(super) async fn with_prior(
    bench: &Bench,
    claimed: &Claimed,
    step: &Step,
) -> Result<Step, Broken> {
    let mut step = step.clone();
    let Some(Before::Unproven { id }) = step.before else {
        return Ok(step);
    };
    let said = claimed.prior.map(|word| word == PriorWord::Enabled);
    let first = bench.store.first_before(step.plan.entity).await?;
    if let Some(account_enabled) = first.or(said) {
        let switches = vec![Switch {
            id,
            account_enabled,
        }];
        step.before = Some(Before::Switches { switches });
    }
    Ok(step)
}

/// Does an undo of this step have to ask a person first? Not where another run keeps it closed.
pub(super) async fn must_ask(
    bench: &Bench,
    claimed: &Claimed,
    step: &Step,
) -> Result<bool, Broken> {
    if !matches!(step.before, Some(Before::Unproven { .. })) {
        return Ok(false);
    }
    let held = bench.store.containment(step.plan.entity).await?;
    let others = held.into_iter().flat_map(|held| held.held_by);
    Ok(!others.into_iter().any(|run| run != claimed.run.id))
}
