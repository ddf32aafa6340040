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
use super::window::Window;
use super::{Budget, Crowded, Lane, LaneReport, Priority};
use crate::clock::Clock;

/// Most who wait with the same priority. The rest is told to come back.
const QUEUE_LIMIT: usize = 8_192;
/// Longest wait for a turn: a storm of 10,000 writes is through in 450 s.
const WAIT_LIMIT: Duration = Duration::from_secs(600);
/// Longest pause that containing takes part in, whatever Graph asks for.
const CONTAIN_PAUSE: Duration = Duration::from_secs(60);
/// First and longest backoff where Graph names no time.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The same for ID Protection, which never names one: 2, 4, then 8 s.
const BACKOFF_PROTECTION: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(8));
/// Longest text that is kept from a header.
const WORD_LIMIT: usize = 128;

type Place = (Priority, u64);

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
    paused_until: Duration,
    contain_paused_until: Duration,
    throttled_in_a_row: u32,
    waiting: [usize; 5],
    turns: u64,
    crowded: u64,
    throttled: u64,
    limit_share: Option<f64>,
    scope: Option<String>,
}

/// A place in the queue. Dropping it, with or without a turn, lets the next one move up.
struct Ticket<'a> {
    turns: &'a Turns,
    place: Place,
    moved_up: Arc<Notify>,
}

impl Turns {
    pub(super) fn new(lane: Lane, budget: Budget, clock: Clock) -> Self {
        let state = State {
            window: Window::new(budget),
            tickets: BTreeMap::new(),
            next: 0,
            paused_until: Duration::ZERO,
            contain_paused_until: Duration::ZERO,
            throttled_in_a_row: 0,
            waiting: [0; 5],
            turns: 0,
            crowded: 0,
            throttled: 0,
            limit_share: None,
            scope: None,
        };
        Self {
            lane,
            clock,
            state: Mutex::new(state),
        }
    }

    /// Waits for a turn: not at all when one is free and nobody as urgent waits before us.
    pub(in crate::graph) async fn turn(&self, priority: Priority) -> Result<(), Crowded> {
        let Some(ticket) = self.enter(priority)? else {
            return Ok(());
        };
        let waited = self.clock.within(WAIT_LIMIT, ticket.wait()).await;
        waited.map_err(|_| self.turned_away(priority))
    }

    /// Takes a turn at once, or a place in the queue.
    fn enter(&self, priority: Priority) -> Result<Option<Ticket<'_>>, Crowded> {
        let mut state = self.state();
        let place = (priority, state.next);
        let first = state
            .tickets
            .first_key_value()
            .is_none_or(|(other, _)| *other > place);
        if first && state.take(self.clock.elapsed(), priority).is_zero() {
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
        let mut state = self.state();
        state.wait(self.clock.elapsed(), priority)
    }

    /// Learns from an answer: a 429 pauses the lane, anything but "too many" clears the backoff.
    pub(in crate::graph) fn heard(&self, status: StatusCode, headers: &HeaderMap) {
        let throttled = status == StatusCode::TOO_MANY_REQUESTS;
        let named = retry_after(headers, self.clock.now());
        let mut state = self.state();
        state.limit_share = share(headers).or(state.limit_share);
        if throttled || (status == StatusCode::SERVICE_UNAVAILABLE && named.is_some()) {
            let now = self.clock.elapsed();
            // Calls that were under way together are throttled together: that is one time.
            let again = state.paused_until <= now;
            let pause = match named {
                Some(named) => named,
                None if again => self.backoff(state.throttled_in_a_row),
                None => Duration::ZERO,
            };
            state.throttled += 1;
            state.throttled_in_a_row = state.throttled_in_a_row.saturating_add(u32::from(again));
            state.scope = scope(headers);
            state.stand_still(now, pause);
            tracing::warn!(
                lane = self.lane.word(),
                retry_seconds = pause.as_secs(),
                "Graph is throttling the {} lane",
                self.lane
            );
        } else {
            state.throttled_in_a_row = 0;
        }
    }

    pub(super) fn report(&self) -> LaneReport {
        let state = self.state();
        LaneReport {
            lane: self.lane,
            waiting: state.waiting,
            turns: state.turns,
            crowded: state.crowded,
            throttled: state.throttled,
            paused: state.paused_until.saturating_sub(self.clock.elapsed()),
            limit_share: state.limit_share,
            scope: state.scope.clone(),
        }
    }

    fn backoff(&self, before: u32) -> Duration {
        let (first, longest) = match self.lane {
            Lane::IdentityProtection => BACKOFF_PROTECTION,
            Lane::DirectoryWrites | Lane::DirectoryReads | Lane::Reports => BACKOFF,
        };
        let most = first.saturating_mul(1 << before.min(8)).min(longest);
        self.clock.jitter(most)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long until a turn of this priority is free.
    fn wait(&mut self, now: Duration, priority: Priority) -> Duration {
        let paused_until = match priority {
            Priority::Contain => self.contain_paused_until,
            Priority::Verify | Priority::Undo | Priority::Enrich | Priority::Watch => {
                self.paused_until
            }
        };
        self.window
            .wait(now, priority)
            .max(paused_until.saturating_sub(now))
    }

    /// Takes a turn if one is free, else says how long to wait.
    fn take(&mut self, now: Duration, priority: Priority) -> Duration {
        let wait = self.wait(now, priority);
        if wait.is_zero() {
            self.window.give(now);
            self.turns += 1;
        }
        wait
    }

    fn stand_still(&mut self, now: Duration, pause: Duration) {
        self.paused_until = self.paused_until.max(now + pause);
        let contain = now + pause.min(CONTAIN_PAUSE);
        self.contain_paused_until = self.contain_paused_until.max(contain);
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
        Some(state.take(self.turns.clock.elapsed(), self.place.0))
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

fn share(headers: &HeaderMap) -> Option<f64> {
    let text = headers
        .get("x-ms-throttle-limit-percentage")?
        .to_str()
        .ok()?;
    let share: f64 = text.parse().ok()?;
    share.is_finite().then_some(share)
}

fn scope(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("x-ms-throttle-scope")?.to_str().ok()?;
    Some(text.chars().take(WORD_LIMIT).collect())
}
