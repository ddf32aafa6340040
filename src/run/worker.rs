//! The workers: claim what is due, carry it on, keep the leases meanwhile.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::leases::Leases;
use super::{Bench, Broken, CONTAIN_DEADLINE, HEARTBEAT, LEASE, Progress, backward, forward};
use crate::domain::id::RunId;
use crate::domain::notice::Urgency;
use crate::domain::run::{Lane, POISONED_AFTER, RunEvent, RunLease, RunState};
use crate::store::{Claim, Claimed, Ending};
use crate::telemetry::crash_point;

/// Runs one worker loop carries at the same time.
const IN_FLIGHT_MAX: usize = 512;
/// How often due runs are looked for when nobody hints at one.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A run whose writes are stopped is tried again this often.
const BRAKED_PAUSE: Duration = Duration::from_secs(5);
/// The proof of an unknown run that keeps breaking down is tried again after this.
const PROOF_PAUSE: Duration = Duration::from_secs(3600);
/// A run whose place could not be kept is tried again after this.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Names a worker in its leases.
#[derive(Clone, Debug)]
pub struct WorkerName(pub String);

/// What a worker loop serves.
#[derive(Debug)]
pub struct Workers {
    /// Its name.
    pub name: WorkerName,
    /// The slowest lane it serves. A loop for kills only is reserved for them.
    pub lane: Lane,
    /// Runs that have just become due: a hint only, the store knows.
    pub hints: mpsc::Receiver<RunId>,
    /// No more is claimed once this is cancelled; what is in flight is finished.
    pub stop: CancellationToken,
}

type InFlight = FuturesUnordered<BoxFuture<'static, ()>>;
type Looking = BoxFuture<'static, Option<Claimed>>;

/// Works until told to stop and everything in flight has been put down.
pub async fn work_loop(bench: Bench, mut workers: Workers) {
    let mut in_flight = InFlight::new();
    let leases = Leases::default();
    let mut looking: Option<Looking> = Some(look(&bench, &workers));
    let mut tick = Box::pin(bench.clock.sleep(LOOK_EVERY));
    let mut beat = Box::pin(bench.clock.sleep(HEARTBEAT));
    while !(workers.stop.is_cancelled() && in_flight.is_empty()) {
        let room = in_flight.len() < IN_FLIGHT_MAX && !workers.stop.is_cancelled();
        tokio::select! {
            biased;
            () = &mut beat => {
                beat = Box::pin(bench.clock.sleep(HEARTBEAT));
                in_flight.push(keep(bench.clone(), leases.clone()));
            }
            () = &mut tick => {
                tick = Box::pin(bench.clock.sleep(LOOK_EVERY));
                in_flight.push(heed_brake(bench.clone()));
                if looking.is_none() && room { looking = Some(look(&bench, &workers)); }
            }
            Some(()) = in_flight.next(), if !in_flight.is_empty() => {}
            Some(run) = workers.hints.recv(), if room => {
                in_flight.push(take_hint(bench.clone(), claim(&bench, &workers), run, leases.clone()));
            }
            found = async { match looking.as_mut() { Some(l) => l.await, None => None } },
                if looking.is_some() && room =>
            {
                looking = found.map(|claimed| {
                    in_flight.push(carry(bench.clone(), claimed, leases.clone()));
                    look(&bench, &workers)
                });
            }
            () = workers.stop.cancelled(), if !workers.stop.is_cancelled() => {}
        }
        bench
            .metrics
            .runs_at_work
            .set(i64::try_from(leases.len()).unwrap_or(i64::MAX));
    }
}

fn claim(bench: &Bench, workers: &Workers) -> Claim {
    let now = bench.clock.now();
    Claim {
        holder: workers.name.0.clone(),
        lane: workers.lane,
        now,
        until: now.plus(LEASE),
    }
}

fn look(bench: &Bench, workers: &Workers) -> Looking {
    let (store, claim) = (bench.store.clone(), claim(bench, workers));
    let blind = is_blind(bench);
    Box::pin(async move {
        if blind {
            return None;
        }
        store.claim_next(claim).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "due runs could not be looked for; trying again");
            None
        })
    })
}

/// Guards that know nobody forbid everything. After a restart that means "not yet": a step that
/// took it for a no would end as denied, with the write of its dead attempt in the tenant. So
/// nothing is claimed, which also keeps the count of attempts.
fn is_blind(bench: &Bench) -> bool {
    bench.guards.load().blindness().is_some()
}

fn take_hint(bench: Bench, claim: Claim, run: RunId, leases: Leases) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        if is_blind(&bench) {
            return;
        }
        match bench.store.claim_run(run, claim).await {
            Ok(Some(claimed)) => carry(bench, claimed, leases).await,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(run.id = %run, %error, "{run} could not be claimed; it stays due");
            }
        }
    })
}

/// Keeps the leases. The work on one that is lost is dropped, so that nothing of it is sent later:
/// an undo counts on that (threat E04).
fn keep(bench: Bench, leases: Leases) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let (held, until) = (leases.all(), bench.clock.now().plus(LEASE));
        if held.is_empty() {
            return;
        }
        match bench.store.keep_leases(held, until).await {
            Ok(lost) => lost.into_iter().for_each(|lease| leases.lose(lease)),
            Err(error) => tracing::warn!(%error, "leases could not be kept"),
        }
    })
}

/// A write that waits for its turn in a lane must not leave once writes are stopped (threat E20).
fn heed_brake(bench: Bench) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        match bench.store.standing().await {
            Ok(standing) if standing.stops_writes() => bench.graph.stop_writes(),
            Ok(_) => bench.graph.allow_writes(),
            Err(error) => tracing::warn!(%error, "the brake could not be read"),
        }
    })
}

/// Carries one run on. A panic in it is contained: the run is claimed again when its lease ends,
/// and set aside when that keeps happening.
fn carry(bench: Bench, claimed: Claimed, leases: Leases) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let run = claimed.run.id;
        let kept = leases.keep(claimed.lease);
        let work = AssertUnwindSafe(work_on(&bench, claimed)).catch_unwind();
        tokio::select! {
            biased;
            () = kept.lost.cancelled() => {
                tracing::info!(run.id = %run, "{run} is no longer ours; the work on it is dropped");
            }
            done = work => if done.is_err() {
                tracing::error!(run.id = %run, "the work on {run} broke down; it is tried again when its lease ends");
            }
        }
    })
}

async fn work_on(bench: &Bench, claimed: Claimed) {
    crash_point("run.claimed");
    let (run, lease) = (claimed.run.id, claimed.lease);
    if claimed.attempts > POISONED_AFTER && claimed.run.state == RunState::Unknown {
        // It has ended: only its proof keeps breaking down, and that may wait.
        let due = bench.clock.now().plus(PROOF_PAUSE);
        let because = claimed.run.because.clone();
        if let Err(error) = bench.store.put_down(lease, due, because).await {
            tracing::warn!(run.id = %run, %error, "{run} could not be put down; its lease will end");
        }
        return;
    }
    if claimed.attempts > POISONED_AFTER {
        set_aside(bench, &claimed).await;
        return;
    }
    let (state, received) = (claimed.run.state, claimed.run.received_at);
    let unbegun = state == RunState::Queued && claimed.run.struck_at.is_none();
    let result = if claimed.run.state == RunState::Undoing {
        backward::put_back(bench, claimed).await
    } else {
        forward::carry_on(bench, claimed).await
    };
    let now = bench.clock.now();
    let (due, because) = match result {
        Ok(Progress::Ended) | Err(Broken::LeaseLost) => return,
        Ok(Progress::PutDown { due, because }) => (due, because),
        Err(Broken::Braked) if unbegun && now.since(received) >= CONTAIN_DEADLINE => {
            return wait_for_person(bench, lease).await;
        }
        Err(broken @ Broken::Braked) => (now.plus(BRAKED_PAUSE), broken.to_string()),
        Err(broken @ Broken::Store(_)) => {
            tracing::warn!(run.id = %run, error = %broken, "{run} was broken off; trying again");
            (now.plus(STORE_PAUSE), broken.to_string())
        }
    };
    if let Err(error) = bench.store.put_down(lease, due, Some(because)).await {
        tracing::warn!(run.id = %run, %error, "{run} could not be put down; its lease will end");
    }
}

/// Writes were stopped for a day before it could begin: what once was urgent is a person's to
/// weigh now (threat E11).
async fn wait_for_person(bench: &Bench, lease: RunLease) {
    let (run, at) = (lease.run, bench.clock.now());
    let because = "writes were stopped for a day before it could begin".to_owned();
    let text = format!(
        "{run} waits for a person: {because}. Release it: estop runs resume {run} --reason TEXT"
    );
    let key = format!("held: {because}");
    let ending = Ending {
        event: RunEvent::Held,
        because: Some(because),
        coverage: None,
        notice: Some(bench.store.notice(at, Urgency::Page, key, text)),
        again_at: Some(at),
    };
    if let Err(error) = bench.store.end(lease, ending, at).await {
        tracing::warn!(run.id = %run, %error, "{run} could not be held; its lease will end");
    }
}

/// A run that keeps killing its worker must not take the others with it (threat E06).
async fn set_aside(bench: &Bench, claimed: &Claimed) {
    let run = claimed.run.id;
    let because = format!("{POISONED_AFTER} attempts ended without a word");
    let text = format!("{run} is set aside: {because}. See: estop runs show {run}");
    let at = bench.clock.now();
    let ending = Ending {
        event: RunEvent::Poisoned,
        because: Some(because),
        coverage: None,
        notice: Some(
            bench
                .store
                .notice(at, Urgency::Page, format!("{run} poisoned"), text),
        ),
        again_at: None,
    };
    if let Err(error) = bench.store.end(claimed.lease, ending, at).await {
        tracing::warn!(run.id = %run, %error, "{run} could not be set aside");
    }
}
