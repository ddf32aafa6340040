//! The workers: claim what is due, carry it on, keep the leases meanwhile.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::places::{Places, Seated, Taken};
use super::{Bench, Broken, CONTAIN_DEADLINE, HEARTBEAT, LEASE, Progress, backward, forward};
use crate::domain::id::RunId;
use crate::domain::notice::Urgency;
use crate::domain::run::{Lane, POISONED_AFTER, RunEvent, RunLease, RunState};
use crate::store::{Claim, Claimed, Ending};
use crate::telemetry::crash_point;

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
    places: Places,
    seated: mpsc::Receiver<Seated>,
    hints: mpsc::Receiver<RunId>,
    stop: CancellationToken,
}

impl Workers {
    /// A worker of this name, with the slowest lane it serves: a loop for kills only is reserved for
    /// them. `hints` names runs that have just become due; the store knows. Once `stop` is cancelled
    /// no more is claimed, and what is in flight is finished.
    pub fn new(
        (name, lane): (WorkerName, Lane),
        hints: mpsc::Receiver<RunId>,
        stop: CancellationToken,
    ) -> Self {
        let (places, seated) = Places::new((name, lane), stop.clone());
        Self {
            places,
            seated,
            hints,
            stop,
        }
    }

    /// Its places, for whoever makes runs.
    pub fn places(&self) -> Places {
        self.places.clone()
    }
}

type InFlight = FuturesUnordered<BoxFuture<'static, ()>>;
type Looking = BoxFuture<'static, Option<Seated>>;

/// Works until told to stop and everything in flight has been put down.
pub async fn work_loop(bench: Bench, mut workers: Workers) {
    let mut in_flight = InFlight::new();
    let mut looking = look(&bench, &workers.places);
    let mut tick = Box::pin(bench.clock.sleep(LOOK_EVERY));
    let mut beat = Box::pin(bench.clock.sleep(HEARTBEAT));
    while !(workers.stop.is_cancelled() && in_flight.is_empty() && workers.places.are_free()) {
        let room = workers.places.any_free();
        let ending = workers.stop.is_cancelled() && in_flight.is_empty();
        tokio::select! {
            biased;
            () = &mut beat => {
                beat = Box::pin(bench.clock.sleep(HEARTBEAT));
                in_flight.push(keep(bench.clone(), workers.places.lane()));
            }
            () = &mut tick => {
                tick = Box::pin(bench.clock.sleep(LOOK_EVERY));
                in_flight.push(heed_brake(bench.clone()));
                if looking.is_none() { looking = look(&bench, &workers.places); }
            }
            Some(()) = in_flight.next(), if !in_flight.is_empty() => {}
            Some(seated) = workers.seated.recv() => {
                in_flight.push(carry(bench.clone(), seated, workers.places.lane()));
            }
            Some(run) = workers.hints.recv(), if room => {
                if let Some(taken) = workers.places.take() {
                    let claim = workers.places.claim(bench.clock.now());
                    in_flight.push(take_hint(bench.clone(), (claim, taken), run));
                }
            }
            found = async { match looking.as_mut() { Some(l) => l.await, None => None } },
                if looking.is_some() =>
            {
                looking = found.and_then(|seated| {
                    in_flight.push(carry(bench.clone(), seated, workers.places.lane()));
                    look(&bench, &workers.places)
                });
            }
            () = workers.stop.cancelled(), if !workers.stop.is_cancelled() => {}
            () = workers.places.freed(), if ending => {}
        }
        bench
            .metrics
            .runs_at_work
            .set(i64::try_from(bench.leases.len()).unwrap_or(i64::MAX));
    }
}

/// Looks for one due run, if there is a place for it.
fn look(bench: &Bench, places: &Places) -> Option<Looking> {
    let taken = places.take()?;
    let (store, claim) = (bench.store.clone(), places.claim(bench.clock.now()));
    let blind = is_blind(bench);
    Some(Box::pin(async move {
        if blind {
            return None;
        }
        let found = store.claim_next(claim).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "due runs could not be looked for; trying again");
            None
        });
        found.map(|claimed| (claimed, taken))
    }))
}

/// Guards that know nobody forbid everything. After a restart that means "not yet": a step that
/// took it for a no would end as denied, with the write of its dead attempt in the tenant. So
/// nothing is claimed, which also keeps the count of attempts.
fn is_blind(bench: &Bench) -> bool {
    bench.guards.load().blindness().is_some()
}

fn take_hint(bench: Bench, (claim, taken): (Claim, Taken), run: RunId) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        if is_blind(&bench) {
            return;
        }
        let keeper = claim.lane;
        match bench.store.claim_run(run, claim).await {
            Ok(Some(claimed)) => carry(bench, (claimed, taken), keeper).await,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(run.id = %run, %error, "{run} could not be claimed; it stays due");
            }
        }
    })
}

/// Keeps the leases. The work on one that is lost is dropped, so that nothing of it is sent later:
/// an undo counts on that (threat E04).
fn keep(bench: Bench, keeper: Lane) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let held = bench.leases.of(keeper);
        if held.is_empty() {
            return;
        }
        match bench
            .store
            .keep_leases(held, (bench.clock.now(), LEASE))
            .await
        {
            Ok(lost) => lost.into_iter().for_each(|lease| bench.leases.lose(lease)),
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
fn carry(bench: Bench, (claimed, taken): Seated, keeper: Lane) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let _taken = taken;
        let run = claimed.run.id;
        let kept = bench.leases.keep(claimed.lease, keeper);
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
    let mut span = bench.span(&claimed.run);
    let result = if claimed.run.state == RunState::Undoing {
        backward::put_back(bench, claimed).await
    } else {
        forward::carry_on(bench, claimed).await
    };
    let now = bench.clock.now();
    let (due, because) = match result {
        Ok(Progress::Ended) | Err(Broken::LeaseLost) => return,
        Ok(Progress::PutDown { due, because }) => {
            span.note("estop.put_down", || because.clone());
            (bench.clock.shown_at(due), because)
        }
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
        "{run} waits for a person: {because}. A lead releases it: estop runs resume {run} --reason TEXT"
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
