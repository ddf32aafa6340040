//! Places at a worker's table: there are only so many, and every run that is worked on has one. A run
//! that is begun where it is made brings its place with it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::early::EarlyLook;
use super::worker::WorkerName;
use super::{Bench, LEASE};
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;
use crate::domain::run::Lane;
use crate::store::{AtOnce, Claim, Claimed, NewRun};
use crate::triage::Seat;

/// Runs that a worker loop for kills alone carries at the same time.
const PLACES: usize = 512;
/// And one that serves whoever comes. Runs that only look are in no hurry, and each that is at work holds some
/// 90 KiB with its connections.
const PLACES_OF_ALL: usize = 256;

/// Places of a worker loop with this slowest lane.
const fn places(lane: Lane) -> usize {
    match lane {
        Lane::Contain => PLACES,
        Lane::Bulk => PLACES_OF_ALL,
    }
}

/// The places of one worker loop. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    name: WorkerName,
    lane: Lane,
    free: Arc<Semaphore>,
    to_worker: mpsc::Sender<Seated>,
    stop: CancellationToken,
}

/// A place that is taken, and what was looked at early for the run that gets it.
#[derive(Debug)]
pub(super) struct Taken {
    _permit: OwnedSemaphorePermit,
    early: Option<EarlyLook>,
}

/// A run that was begun for this worker, with its place.
pub(super) type Seated = (Claimed, Taken);

/// A place for a run that is to be begun where it is made.
struct Place {
    claim: Claim,
    taken: Taken,
    bench: Bench,
    to_worker: mpsc::Sender<Seated>,
}

impl Places {
    /// Empty places for a worker of this name, whose slowest lane is `lane`. None is given away
    /// once `stop` is cancelled.
    pub(super) fn new(
        (name, lane): (WorkerName, Lane),
        stop: CancellationToken,
    ) -> (Self, mpsc::Receiver<Seated>) {
        let (to_worker, seated) = mpsc::channel(places(lane));
        let places = Self {
            name,
            lane,
            free: Arc::new(Semaphore::new(places(lane))),
            to_worker,
            stop,
        };
        (places, seated)
    }

    /// A place for a run that is to be begun where it is made, and worked on at this bench.
    pub fn seat(&self, bench: &Bench) -> Option<Box<dyn Seat>> {
        let taken = self.take()?;
        Some(Box::new(Place {
            claim: self.claim(bench.clock.now()),
            taken,
            bench: bench.clone(),
            to_worker: self.to_worker.clone(),
        }))
    }

    /// A place for a run that is to be claimed.
    pub(super) fn take(&self) -> Option<Taken> {
        if self.stop.is_cancelled() {
            return None;
        }
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(Taken {
            _permit: permit,
            early: None,
        })
    }

    /// Is nobody on any of them, and nobody about to be?
    pub(super) fn are_free(&self) -> bool {
        self.free.available_permits() == places(self.lane)
    }

    /// Waits until they are: a run that is being begun at this moment still comes.
    pub(super) async fn freed(&self) {
        let all = u32::try_from(places(self.lane)).unwrap_or(u32::MAX);
        // The semaphore is never closed.
        drop(self.free.acquire_many(all).await);
    }

    /// The slowest lane it serves.
    pub(super) const fn lane(&self) -> Lane {
        self.lane
    }

    pub(super) fn any_free(&self) -> bool {
        !self.stop.is_cancelled() && self.free.available_permits() > 0
    }

    /// A claim in this worker's name.
    pub(super) fn claim(&self, now: Moment) -> Claim {
        Claim {
            holder: self.name.0.clone(),
            lane: self.lane,
            now,
            until: now.plus(LEASE),
        }
    }
}

impl Seat for Place {
    fn at_once(&self) -> AtOnce {
        AtOnce {
            glimpse: self.taken.early.as_ref().map(EarlyLook::glimpse),
            ..AtOnce::new(self.claim.clone(), self.bench.limits.caps)
        }
    }

    fn look_early(&mut self, run: &NewRun, of: DetectionId) -> Option<BoxFuture<'static, ()>> {
        let (early, looking) = self.bench.look_early(run, of)?;
        self.taken.early = Some(early);
        Some(looking)
    }

    /// A worker that has ended leaves the run to the next start, which ends its lease.
    fn hand(self: Box<Self>, claimed: Claimed) {
        // There is room: nobody has a run without a place.
        let _ = self.to_worker.try_send((claimed, self.taken));
    }
}
