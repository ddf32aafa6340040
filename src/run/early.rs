//! Early looks: whom a run strikes first is read while the run is still being stored.
//!
//! A look touches nothing, so it may come before the run is sure to begin. Where it is answered before the
//! run is stored, its first step starts with it; else whoever carries the run out hears the answer. One
//! that was in vain has cost a read that other kills may need: so few wait for their runs at a time, and
//! after one in vain there is none for a while.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use super::Bench;
use super::company::{Read, first_read};
use crate::act::{self, Context, Error, Seen};
use crate::clock::Clock;
use crate::domain::id::{DetectionId, RunId};
use crate::domain::playbook::Mode;
use crate::domain::step::Step;
use crate::store::{Glimpse, NewRun, Strike};
use crate::telemetry::crash_point;

/// How many may be on the list at a time: begun, and not yet asked for by their runs.
const LOOKS_MAX: usize = 8;
/// There is none for so long after one in vain.
const PAUSE: Duration = Duration::from_secs(1);
/// What was heard longer ago need not be what was there before we struck.
const FRESH: Duration = Duration::from_secs(1);

/// What was heard, and when by [`Clock::elapsed`].
type Heard = (Result<Seen, Error>, Duration);
type Look = Shared<BoxFuture<'static, Heard>>;

/// The early looks of this service. Cheap to clone; every clone is the same list.
#[derive(Clone, Debug, Default)]
pub struct EarlyLooks(Arc<Mutex<List>>);

#[derive(Debug, Default)]
struct List {
    /// Each with the position of the step whose entity it is at.
    looks: BTreeMap<RunId, (u16, Look)>,
    /// By [`Clock::elapsed`].
    none_until: Duration,
}

/// One look on the list. Dropping it takes it off.
#[derive(Debug)]
pub(super) struct EarlyLook {
    list: EarlyLooks,
    run: RunId,
    clock: Clock,
}

impl EarlyLooks {
    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a look at whom this step strikes on the list, if there may be one now.
    fn begin(&self, (run, position): (RunId, u16), look: Look, clock: &Clock) -> Option<EarlyLook> {
        let mut list = self.list();
        if list.looks.len() >= LOOKS_MAX || clock.elapsed() < list.none_until {
            return None;
        }
        list.looks.insert(run, (position, look));
        drop(list);
        Some(EarlyLook {
            list: self.clone(),
            run,
            clock: clock.clone(),
        })
    }

    /// What the look at whom this step strikes has heard, once: a second attempt looks for itself.
    async fn heard(&self, step: (RunId, u16), clock: &Clock) -> Option<Result<Seen, Error>> {
        let (seen, at) = self.take(step)?.await;
        (!is_stale(at, clock)).then_some(seen)
    }

    /// The step whose entity has been read by now, with what was seen, once.
    fn glimpse(&self, run: RunId, clock: &Clock) -> Option<(u16, Seen)> {
        let mut list = self.list();
        let (position, look) = list.looks.get(&run)?;
        let position = *position;
        let (seen, at) = look.peek()?.clone();
        if seen.is_err() || is_stale(at, clock) {
            return None;
        }
        let look = list.looks.remove(&run);
        drop(list);
        drop(look);
        Some((position, seen.ok()?))
    }

    fn take(&self, (run, position): (RunId, u16)) -> Option<Look> {
        let mut list = self.list();
        let its = list.looks.get(&run)?.0 == position;
        let (_, look) = its.then(|| list.looks.remove(&run))??;
        Some(look)
    }
}

fn is_stale(heard_at: Duration, clock: &Clock) -> bool {
    clock.elapsed().saturating_sub(heard_at) >= FRESH
}

impl EarlyLook {
    /// For whoever stores the run.
    pub(super) fn glimpse(&self) -> Glimpse {
        let (list, run, clock) = (self.list.clone(), self.run, self.clock.clone());
        Glimpse::new(move || {
            let (position, seen) = list.glimpse(run, &clock)?;
            crash_point("step.looked");
            let Seen { before, closes, .. } = seen;
            Some(Strike {
                position,
                before,
                closes,
            })
        })
    }
}

impl Drop for EarlyLook {
    fn drop(&mut self) {
        let mut list = self.list.list();
        let in_vain = list.looks.remove(&self.run);
        if in_vain.is_some() {
            list.none_until = self.clock.elapsed() + PAUSE;
        }
        // Ending a call takes its time: nobody waits for the list meanwhile.
        drop(list);
        drop(in_vain);
    }
}

impl Bench {
    /// Begins the look at whom this run strikes first. It goes on while either is polled: what is
    /// returned, or what [`look`] makes of it.
    pub(super) fn look_early(
        &self,
        run: &NewRun,
        detection: DetectionId,
    ) -> Option<(EarlyLook, BoxFuture<'static, ()>)> {
        if run.mode == Mode::Observe {
            return None;
        }
        let mut steps = (0..).zip(&run.plan.steps);
        let (position, step) = steps.find(|(_, step)| step.action.contains())?;
        let (bench, run, step) = (self.clone(), run.id, *step);
        let look = async move {
            let _span = bench.traces.look(run.uuid(), detection.uuid());
            let guards = bench.guards.load_full();
            let context = bench.context(&guards, run);
            let seen = act::look(&context, &step).await;
            (seen, bench.clock.elapsed())
        };
        let look = look.boxed().shared();
        let early = self
            .early
            .begin((run, position), look.clone(), &self.clock)?;
        Some((early, look.map(drop).boxed()))
    }
}

/// Whom the step is about, as it was read early or as it reads now, and what that says of its
/// switches. What was read early says nothing of others who struck meanwhile.
pub(super) async fn look(
    bench: &Bench,
    context: &Context<'_>,
    (run, step): (RunId, &Step),
) -> Result<(Seen, Read), Error> {
    let heard = bench.early.heard((run, step.position), &bench.clock);
    if let Some(seen) = heard.await {
        return seen.map(|seen| (seen, Read::NotYet));
    }
    let seen = act::look(context, &step.plan).await?;
    let read = first_read(&seen.before);
    Ok((seen, read))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use uuid::Uuid;

    use std::time::Duration;

    use super::{EarlyLook, EarlyLooks, FRESH, LOOKS_MAX, Look, PAUSE};
    use crate::act::{Error, Seen};
    use crate::clock::{Clock, Hand};
    use crate::domain::id::RunId;
    use crate::domain::moment::Moment;
    use crate::domain::step::Before;

    fn list() -> (EarlyLooks, Clock, Hand) {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
        (EarlyLooks::default(), clock, hand)
    }

    fn run(number: usize) -> RunId {
        RunId::from_uuid(Uuid::from_u128(number as u128))
    }

    /// One that is answered when it is first polled.
    fn answered(clock: &Clock) -> Look {
        let clock = clock.clone();
        let seen = Seen {
            before: Before::Nothing,
            closes: Vec::new(),
            evidence: "it was read".to_owned(),
        };
        async move { (Ok(seen), clock.elapsed()) }.boxed().shared()
    }

    fn begun(list: &EarlyLooks, number: usize, clock: &Clock) -> Option<EarlyLook> {
        list.begin((run(number), 0), answered(clock), clock)
    }

    #[tokio::test]
    async fn a_look_is_heard_once_and_by_its_own_step_only() {
        let (list, clock, _hand) = list();
        let _early = begun(&list, 1, &clock).unwrap();

        assert_eq!(list.heard((run(1), 1), &clock).await, None);
        assert_eq!(list.heard((run(2), 0), &clock).await, None);
        assert!(list.heard((run(1), 0), &clock).await.unwrap().is_ok());
        assert_eq!(list.heard((run(1), 0), &clock).await, None);
    }

    #[tokio::test]
    async fn what_was_heard_too_long_ago_is_not_what_was_there_before() {
        let (list, clock, hand) = list();
        let look = answered(&clock);
        let _early = list.begin((run(1), 0), look.clone(), &clock).unwrap();
        look.await.0.unwrap();

        hand.advance(FRESH);

        assert_eq!(list.heard((run(1), 0), &clock).await, None);
    }

    #[tokio::test]
    async fn what_has_been_read_by_now_is_glimpsed_once_and_was_not_in_vain() {
        let (list, clock, hand) = list();
        let look = answered(&clock);
        let early = list.begin((run(1), 3), look.clone(), &clock).unwrap();
        let glimpse = || list.glimpse(run(1), &clock).map(|(step, _)| step);

        let unread = glimpse();
        look.await.0.unwrap();

        assert_eq!(unread, None);
        assert_eq!(glimpse(), Some(3));
        assert_eq!(glimpse(), None);
        assert_eq!(list.heard((run(1), 3), &clock).await, None);
        drop(early);
        let second = answered(&clock);
        let _early = list.begin((run(1), 3), second.clone(), &clock).unwrap();
        second.await.0.unwrap();
        hand.advance(FRESH);
        assert_eq!(glimpse(), None, "it is too old");
    }

    #[tokio::test]
    async fn a_look_that_failed_is_heard_by_its_worker_alone() {
        let (list, clock, _hand) = list();
        let failed = Error::Unknown {
            because: "no answer".to_owned(),
        };
        let look = async move { (Err(failed), Duration::ZERO) }
            .boxed()
            .shared();
        let _early = list.begin((run(1), 0), look.clone(), &clock).unwrap();
        look.await.0.unwrap_err();

        assert!(list.glimpse(run(1), &clock).is_none());
        assert!(list.heard((run(1), 0), &clock).await.unwrap().is_err());
    }

    #[test]
    fn only_so_many_go_on_at_a_time() {
        let (list, clock, _hand) = list();
        let mut going: Vec<_> = (0..LOOKS_MAX)
            .map(|number| begun(&list, number, &clock).unwrap())
            .collect();

        let one_more = begun(&list, LOOKS_MAX, &clock);

        assert!(one_more.is_none());
        let first = list.take((run(0), 0));
        assert!(first.is_some());
        drop(going.remove(0));
        assert!(begun(&list, LOOKS_MAX, &clock).is_some());
    }

    #[test]
    fn after_one_in_vain_there_is_none_for_a_while() {
        let (list, clock, hand) = list();

        drop(begun(&list, 1, &clock).unwrap());

        assert!(begun(&list, 2, &clock).is_none());
        hand.advance(PAUSE);
        assert!(begun(&list, 2, &clock).is_some());
    }
}
