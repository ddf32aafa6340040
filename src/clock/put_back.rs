//! Sees that the wall clock was put back.
//!
//! What counts is what was read: a clock that was fast for a moment, and read in it, has made something
//! due by what it showed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Less is slewing, which a clock that is kept right does all day.
const LEAST: Duration = Duration::from_secs(1);

/// How far the wall clock is ahead of the one that never steps, in milliseconds: the most that
/// anybody read.
#[derive(Debug)]
pub(super) struct Furthest(AtomicI64);

/// The wall clock was put back since somebody read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// By how much, and at least a second.
    pub by: Duration,
    from: i64,
    to: i64,
}

impl Default for Furthest {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Furthest {
    /// Somebody read the clock when it was so far ahead.
    pub(super) fn read(&self, ahead: i64) {
        if ahead > self.0.load(Ordering::Relaxed) {
            self.0.fetch_max(ahead, Ordering::Relaxed);
        }
    }

    /// Was it put back, if it is so far ahead now? A machine that slept shows more time than has
    /// passed, which is nothing.
    pub(super) fn put_back(&self, to: i64) -> Option<PutBack> {
        let from = self.0.load(Ordering::Relaxed);
        let by = u64::try_from(from.saturating_sub(to)).ok()?;
        let by = Duration::from_millis(by);
        (by >= LEAST).then_some(PutBack { by, from, to })
    }

    /// What was due by what it showed before is due by what it shows now. Whoever read it further
    /// ahead meanwhile is seen the next time.
    pub(super) fn put_right(&self, seen: PutBack) {
        let PutBack { from, to, .. } = seen;
        let _ = self
            .0
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::clock::Clock;
    use crate::domain::moment::Moment;

    #[test]
    fn only_a_clock_that_is_put_back_is_seen() {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(1_790_000_000_000));
        clock.now();

        hand.advance(Duration::from_secs(5));
        assert_eq!(clock.put_back(), None);
        hand.put_forward(60_000);
        clock.now();
        assert_eq!(clock.put_back(), None);
        hand.put_forward(-900);
        assert_eq!(clock.put_back(), None, "this much is slewing");
        hand.put_forward(-3_600_000);
        let seen = clock.put_back().unwrap();

        assert_eq!(seen.by, Duration::from_millis(3_600_900));
        assert_eq!(clock.put_back(), Some(seen), "nothing was put right yet");
        clock.put_right(seen);
        assert_eq!(clock.put_back(), None);
    }

    #[test]
    fn a_clock_that_was_fast_for_a_moment_counts_if_it_was_read_then() {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(1_790_000_000_000));
        clock.now();

        hand.put_forward(60_000);
        hand.put_forward(-60_000);
        let unread = clock.put_back();
        hand.put_forward(60_000);
        clock.now();
        hand.put_forward(-60_000);

        assert_eq!(unread, None);
        assert_eq!(clock.put_back().unwrap().by, Duration::from_secs(60));
    }
}
