//! How often a source usually speaks, and when its silence is no longer usual.
//!
//! Silence is the one fault of a sender that nothing arrives to tell of. What is usual is learned:
//! the longest gap of the days that are remembered, so that nights and weekends count.

use std::time::Duration;

use super::moment::Moment;

/// How long a source must be known before its gaps say what is usual: a whole week has been seen.
pub const KNOWN_AFTER: Duration = Duration::from_secs(7 * DAY);
/// How many days of gaps are remembered.
pub const DAYS_KEPT: i64 = 30;
/// Shortest silence that is ever told of a source that did not say itself how long is too long.
const AT_LEAST: Duration = Duration::from_secs(3600);

const DAY: u64 = 24 * 3600;

/// When a source spoke, as far as we remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// Since when it is listened to.
    pub first_at: Moment,
    /// When it last spoke, or since when it is listened to.
    pub last_at: Moment,
    /// The longest gap between two words of it, where there were two.
    pub longest: Option<Duration>,
}

/// A silence that is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// How long it lasts already.
    pub lasts: Duration,
    /// How long it might have lasted.
    pub limit: Duration,
}

impl Pulse {
    /// Is it silent for too long? `told` is the limit its configuration names; without one it is
    /// twice the longest gap, once a week has been seen. `heard_from` is since when we listen
    /// without a break: while we were away nobody could be heard.
    pub fn silence(
        &self,
        now: Moment,
        told: Option<Duration>,
        heard_from: Moment,
    ) -> Option<Silence> {
        let limit = told.or_else(|| self.learned(now))?;
        let lasts = now.since(self.last_at.max(heard_from));
        (lasts > limit).then_some(Silence { lasts, limit })
    }

    fn learned(&self, now: Moment) -> Option<Duration> {
        if now.since(self.first_at) < KNOWN_AFTER {
            return None;
        }
        Some((self.longest? * 2).max(AT_LEAST))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DAY, Moment, Pulse};

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(hours: u64) -> Moment {
        Moment::from_millis(0).plus(HOUR * u32::try_from(hours).unwrap())
    }

    #[test]
    fn silence_is_told_beyond_twice_the_longest_gap_of_a_known_week() {
        let pulse = Pulse {
            first_at: at(0),
            last_at: at(200),
            longest: Some(HOUR * 60),
        };
        let long_ago = at(0);

        assert_eq!(pulse.silence(at(320), None, long_ago), None);
        let silence = pulse.silence(at(321), None, long_ago).unwrap();
        assert_eq!((silence.lasts, silence.limit), (HOUR * 121, HOUR * 120));
    }

    #[test]
    fn a_source_that_is_new_is_not_judged_unless_it_said_how_long_is_too_long() {
        let pulse = Pulse {
            first_at: at(0),
            last_at: at(1),
            longest: Some(Duration::from_secs(5)),
        };
        let soon = Moment::from_millis(0).plus(Duration::from_secs(6 * DAY));

        assert_eq!(pulse.silence(soon, None, at(0)), None);
        assert!(pulse.silence(soon, Some(HOUR), at(0)).is_some());
    }

    #[test]
    fn while_we_were_away_nobody_could_be_heard() {
        let pulse = Pulse {
            first_at: at(0),
            last_at: at(1),
            longest: None,
        };

        assert_eq!(pulse.silence(at(50), Some(HOUR), at(49)), None);
        assert!(pulse.silence(at(51), Some(HOUR), at(49)).is_some());
    }
}
