//! Sees that the wall clock was put back.

use std::time::Duration;

use super::Clock;
use crate::domain::moment::Moment;

/// Less is slewing, which a clock that is kept right does all day.
const LEAST: Duration = Duration::from_secs(1);

/// What the wall clock showed, and how much time had passed then by the one that never steps.
#[derive(Clone, Copy, Debug)]
pub struct PutBack {
    shown: Moment,
    elapsed: Duration,
}

impl PutBack {
    /// Watches from now on.
    pub fn watching(clock: &Clock) -> Self {
        Self {
            shown: clock.now(),
            elapsed: clock.elapsed(),
        }
    }

    /// By how much the wall clock was put back since the watch began. A machine that slept shows
    /// more time than has passed, which is nothing.
    pub fn seen(&self, clock: &Clock) -> Option<Duration> {
        let passed = clock.elapsed().saturating_sub(self.elapsed);
        let back = self.shown.plus(passed).since(clock.now());
        (back >= LEAST).then_some(back)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::PutBack;
    use crate::clock::Clock;
    use crate::domain::moment::Moment;

    #[test]
    fn only_a_clock_that_is_put_back_is_seen() {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(1_790_000_000_000));
        let watch = PutBack::watching(&clock);

        hand.advance(Duration::from_secs(5));
        assert_eq!(watch.seen(&clock), None);
        hand.put_forward(60_000);
        assert_eq!(watch.seen(&clock), None);
        hand.put_forward(-60_900);
        assert_eq!(watch.seen(&clock), None, "this much is slewing");
        hand.put_forward(-3_600_000);
        assert_eq!(watch.seen(&clock), Some(Duration::from_millis(3_600_900)));
    }
}
