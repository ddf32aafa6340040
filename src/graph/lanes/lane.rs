//! One lane: who waits, whose turn it is, and how long it stands still.
//!
//! There is no task behind it. Everyone who waits holds a ticket; the one whose ticket is first
//! sleeps until a turn is free, the others sleep until they are first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::sync::Notify;

use super::retry_after::retry_after;
use super::standstill::Standstill;
use super::window::Window;
use super::{Budget, Crowded, Lane, LaneReport, Priority, units};
use crate::clock::Clock;

/// Most who wait with the same priority. The rest is told to come back.
const QUEUE_LIMIT: usize = 8_192;
/// Longest wait for a turn: a storm of 10,000 writes is through in 450 s.
const WAIT_LIMIT: Duration = Duration::from_secs(600);

type Place = (Priority, Rank, u64);

/// Who goes first among those as urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Has its turn in its own lane already. It waits for the budget, not out a pause: whether
    /// writes are welcome is said in the lane of writes.
    Passing,
    /// Has this lane alone to wait for.
    Own,
}

/// What is wanted of a lane.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    priority: Priority,
    rank: Rank,
    turns: u32,
}

/// The turns of one lane.
#[derive(Debug)]
pub(in crate::graph) struct Turns {
    lane: Lane,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    window: Window,
    tickets: BTreeMap<Place, Arc<Notify>>,
    next: u64,
    standstill: Standstill,
    waiting: [usize; 5],
    turns: u64,
    crowded: u64,
}

/// A place in the queue. Dropping it, with or without a turn, lets the next one move up.
struct Ticket<'a> {
    turns: &'a Turns,
    place: Place,
    wanted: Wanted,
    moved_up: Arc<Notify>,
}

impl Turns {
    pub(super) fn new(lane: Lane, budget: Budget, clock: Clock) -> Self {
        let state = State {
            window: Window::new(budget),
            tickets: BTreeMap::new(),
            next: 0,
            standstill: Standstill::default(),
            waiting: [0; 5],
            turns: 0,
            crowded: 0,
        };
        Self {
            lane,
            clock,
            state: Mutex::new(state),
        }
    }

    /// Waits for so many turns: not at all when they are free and nobody as urgent waits before us.
    pub(in crate::graph) async fn turn(
        &self,
        priority: Priority,
        turns: u32,
    ) -> Result<(), Crowded> {
        let rank = Rank::Own;
        self.wait(Wanted {
            priority,
            rank,
            turns,
        })
        .await
    }

    /// The same for a call that has its turn in another lane: before those who have only this one.
    pub(in crate::graph) async fn pass(
        &self,
        priority: Priority,
        turns: u32,
    ) -> Result<(), Crowded> {
        let rank = Rank::Passing;
        self.wait(Wanted {
            priority,
            rank,
            turns,
        })
        .await
    }

    async fn wait(&self, wanted: Wanted) -> Result<(), Crowded> {
        let Some(ticket) = self.enter(wanted)? else {
            return Ok(());
        };
        let waited = self.clock.within(WAIT_LIMIT, ticket.wait()).await;
        waited.map_err(|_| self.turned_away(wanted.priority))
    }

    /// Takes its turns at once, or a place in the queue.
    fn enter(&self, wanted: Wanted) -> Result<Option<Ticket<'_>>, Crowded> {
        let mut state = self.state();
        let priority = wanted.priority;
        let place = (priority, wanted.rank, state.next);
        let first = state
            .tickets
            .first_key_value()
            .is_none_or(|(other, _)| *other > place);
        if first && state.take(self.clock.elapsed(), wanted).is_zero() {
            return Ok(None);
        }
        if state.waiting[priority as usize] >= QUEUE_LIMIT {
            drop(state);
            return Err(self.turned_away(priority));
        }
        state.next += 1;
        state.waiting[priority as usize] += 1;
        let moved_up = Arc::new(Notify::new());
        state.tickets.insert(place, Arc::clone(&moved_up));
        Ok(Some(Ticket {
            turns: self,
            place,
            wanted,
            moved_up,
        }))
    }

    fn turned_away(&self, priority: Priority) -> Crowded {
        self.state().crowded += 1;
        Crowded {
            after: self.pause(priority),
        }
    }

    /// How long a caller that was sent away should stay away.
    pub(in crate::graph) fn pause(&self, priority: Priority) -> Duration {
        let (rank, turns) = (Rank::Own, 1);
        let wanted = Wanted {
            priority,
            rank,
            turns,
        };
        self.state().wait(self.clock.elapsed(), wanted)
    }

    /// Puts right what a call has cost, once the tenant has said it.
    pub(in crate::graph) fn settle(&self, counted: u32, headers: &HeaderMap) {
        let Some(cost) = units::said(headers) else {
            return;
        };
        let mut state = self.state();
        match cost.checked_sub(counted) {
            Some(0) => {}
            // Whatever it was for, what it cost beyond its turn is not what containing will want.
            Some(more) => state
                .window
                .give(self.clock.elapsed(), Priority::Watch, more),
            None => state.window.take_back(counted - cost),
        }
    }

    /// Learns from an answer: a 429 pauses the lane, anything but "too many" clears the backoff.
    pub(in crate::graph) fn heard(&self, status: StatusCode, headers: &HeaderMap) {
        let throttled = status == StatusCode::TOO_MANY_REQUESTS;
        let named = retry_after(headers, self.clock.now());
        let mut state = self.state();
        if !throttled && (status != StatusCode::SERVICE_UNAVAILABLE || named.is_none()) {
            state.standstill.welcomed(headers);
            return;
        }
        let (now, said) = (self.clock.elapsed(), (self.lane, headers));
        let jitter = |most| self.clock.jitter(most);
        let pause = state.standstill.throttled(now, said, named, jitter);
        tracing::warn!(
            lane = self.lane.word(),
            retry_seconds = pause.as_secs(),
            "Graph is throttling the {} lane",
            self.lane
        );
    }

    pub(super) fn report(&self) -> LaneReport {
        let mut state = self.state();
        let now = self.clock.elapsed();
        LaneReport {
            lane: self.lane,
            spent: state.window.spent(now),
            waiting: state.waiting,
            turns: state.turns,
            crowded: state.crowded,
            throttled: state.standstill.throttled,
            causes: state.standstill.causes.clone(),
            paused: state.standstill.until.saturating_sub(now),
            limit_share: state.standstill.limit_share,
            scope: state.standstill.scope.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long until what is wanted is free.
    fn wait(&mut self, now: Duration, wanted: Wanted) -> Duration {
        let paused_until = match wanted.rank {
            Rank::Passing => Duration::ZERO,
            Rank::Own => self.standstill.until(wanted.priority),
        };
        self.window
            .wait(now, wanted.priority, wanted.turns)
            .max(paused_until.saturating_sub(now))
    }

    /// Takes what is wanted if it is free, else says how long to wait.
    fn take(&mut self, now: Duration, wanted: Wanted) -> Duration {
        let wait = self.wait(now, wanted);
        if wait.is_zero() {
            self.window.give(now, wanted.priority, wanted.turns);
            self.turns += 1;
        }
        wait
    }
}

impl Ticket<'_> {
    async fn wait(&self) {
        loop {
            match self.look() {
                Some(wait) if wait.is_zero() => return,
                Some(wait) => self.turns.clock.sleep(wait).await,
                None => self.moved_up.notified().await,
            }
        }
    }

    /// Takes a turn if we are first and one is free; `None` when others are first.
    fn look(&self) -> Option<Duration> {
        let mut state = self.turns.state();
        let (first, _) = state.tickets.first_key_value()?;
        if *first != self.place {
            return None;
        }
        Some(state.take(self.turns.clock.elapsed(), self.wanted))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.tickets.remove(&self.place);
        state.waiting[self.place.0 as usize] -= 1;
        if let Some((_, next)) = state.tickets.first_key_value() {
            next.notify_one();
        }
    }
}
