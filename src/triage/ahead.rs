//! Decided before it is stored: what a door has verified is read and weighed there and then, and one
//! transaction stores it with everything that follows.
//!
//! It spares a commit, a second writing of the body, and threads that wake each other. Only what is
//! plain is decided so. Everything else is stored first and read after, as it is where many come at
//! once, where others share the store, and where a reading may have ended the process.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

use super::Triage;
use super::seat::{Due, looking};
use super::settle::{Ground, Settled};
use crate::domain::delivery::NewDelivery;
use crate::domain::id::RunId;
use crate::domain::reach::Caller;
use crate::domain::reading::{self, Reading};
use crate::domain::run::Lane;
use crate::store::{Error, LastEnd, Taken};
use crate::telemetry::crash_point;

/// Deliveries decided so at the same time.
const AT_ONCE: usize = 64;
/// Largest body that is, in bytes.
const BODY_MAX: usize = 64 * 1024;
/// How long a decision may keep a delivery from being stored.
const WITHIN: Duration = Duration::from_millis(100);
/// A delivery whose reading ended the process is sent again. For so long after such an end, which is as long as
/// senders try, everything is stored before it is read, so that readings can be counted (threat E06).
const CAUTION: Duration = Duration::from_secs(24 * 3600);

/// Decides ahead. Cheap to clone; clones share its places.
#[derive(Clone)]
pub struct Ahead {
    triage: Triage,
    places: Arc<Semaphore>,
    /// By [`crate::clock::Clock::elapsed`].
    none_until: Duration,
    tell: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
}

impl Ahead {
    /// `tell` hears of every run that is made and not begun. None where services share the store: every
    /// look at it is a way to a server then, and no mark tells how the one before ended.
    pub fn new(triage: Triage, tell: Arc<dyn Fn(RunId, Lane) + Send + Sync>) -> Option<Self> {
        let none_until = cautious_until(triage.store.last_end()?, triage.clock.elapsed());
        Some(Self {
            triage,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            none_until,
            tell,
        })
    }

    /// Decides on a verified delivery and stores it with what follows, or finds the one it repeats.
    /// `None`: it is neither, and is to be stored as it is and read after that.
    pub async fn take(&self, new: &NewDelivery) -> Option<Taken> {
        let triage = &self.triage;
        let cautious = triage.clock.elapsed() < self.none_until;
        if cautious || triage.is_blind() || new.body.len() > BODY_MAX {
            return None;
        }
        let _place = self.places.try_acquire().ok()?;
        let mut span = triage.traces.triage(new.id.uuid());
        let Some(settled) = self.decided(new).await else {
            span.forget();
            return None;
        };
        let Settled {
            triaged,
            looks,
            after,
        } = settled;
        let tell = Arc::clone(&self.tell);
        let go_on = move |taken, made| {
            if let Taken::New { .. } = taken {
                let due = after.stored(made).into_iter();
                due.for_each(|(run, lane): Due| tell(run, lane));
            }
        };
        let stored = triage.store.take_triaged((new.clone(), triaged), go_on);
        match looking(stored, looks).await {
            Ok(taken) => Some(taken),
            Err(error) => {
                let id = new.id;
                tracing::warn!(delivery.id = %id, %error, "{id} could not be stored with what follows");
                span.forget();
                None
            }
        }
    }

    /// What follows from it, where that can be said at once.
    async fn decided(&self, new: &NewDelivery) -> Option<Settled> {
        let deciding = AssertUnwindSafe(self.decide(new)).catch_unwind();
        match self.triage.clock.within(WITHIN, deciding).await.ok()? {
            Ok(decided) => decided.ok()?,
            Err(_) => {
                let id = new.id;
                tracing::error!(delivery.id = %id, "reading {id} broke down; it is stored to be read again");
                None
            }
        }
    }

    async fn decide(&self, new: &NewDelivery) -> Result<Option<Settled>, Error> {
        let triage = &self.triage;
        let terms = triage.sources.get(&new.source);
        let Some(terms) = terms.filter(|_| Caller::of(&new.source).is_none()) else {
            return Ok(None);
        };
        let to_read = triage.store.handed_to_read(new.received()).await?;
        let Some(service) = triage.decides(to_read.mode) else {
            return Ok(None);
        };
        let context = triage.context(&to_read.delivery, terms);
        let read = reading::read(terms.reader, &new.body, &context);
        crash_point("triage.read");
        let Ok(Reading::Detection(detection)) = read else {
            return Ok(None);
        };
        let ground = Ground {
            terms,
            service,
            epoch: to_read.epoch,
        };
        triage.settled(new.id, *detection, &ground).await.map(Some)
    }
}

fn cautious_until(last_end: LastEnd, now: Duration) -> Duration {
    match last_end {
        LastEnd::InOrder => now,
        LastEnd::CutOff => now.saturating_add(CAUTION),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CAUTION, cautious_until};
    use crate::store::LastEnd;

    #[test]
    fn only_who_finds_that_the_one_before_was_cut_off_is_cautious() {
        let now = Duration::from_secs(7);

        assert_eq!(cautious_until(LastEnd::InOrder, now), now);
        assert_eq!(cautious_until(LastEnd::CutOff, now), now + CAUTION);
    }
}
