//! How often the door said what, and a log that a stranger cannot fill.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::telemetry::Metrics;

/// Most log lines about deliveries that were not taken, in one minute (threat W26).
const LINES_PER_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// What the door said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tallied {
    /// Stored.
    Taken,
    /// Known already.
    Repeated,
    /// The key of another body: stored apart.
    Conflict,
    /// Not believed.
    Refused,
    /// Wrong form: encoding, type, size, pace.
    Malformed,
    /// Could not be stored.
    Unable,
}

impl Tallied {
    /// Everything the door says.
    pub const ALL: [Self; 6] = [
        Self::Taken,
        Self::Repeated,
        Self::Conflict,
        Self::Refused,
        Self::Malformed,
        Self::Unable,
    ];

    /// The word for it in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Repeated => "repeated",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::Unable => "unable",
        }
    }
}

/// Counts since start, by source in the metrics and in all here.
#[derive(Debug, Default)]
pub struct Tally {
    metrics: Arc<Metrics>,
    counts: [AtomicU64; Tallied::ALL.len()],
    minute: Mutex<Minute>,
}

#[derive(Debug, Default)]
struct Minute {
    began: Duration,
    lines: u32,
    unsaid: u64,
}

impl Tally {
    /// Counts into these metrics too.
    pub fn into_metrics(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            ..Self::default()
        }
    }

    /// Counts one. `source` is a configured name or `unknown`, so that a stranger makes no labels.
    pub fn add(&self, source: &str, what: Tallied) {
        self.metrics.delivery(source, what.word());
        self.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    pub fn count(&self, what: Tallied) -> u64 {
        self.counts[what as usize].load(Ordering::Relaxed)
    }

    /// Whether a log line may still be written in this minute, and how many were left out since
    /// the last one. `elapsed` is the clock's.
    pub(super) fn line(&self, elapsed: Duration) -> Option<u64> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if elapsed.saturating_sub(minute.began) >= MINUTE {
            minute.began = elapsed;
            minute.lines = 0;
        }
        if minute.lines == LINES_PER_MINUTE {
            minute.unsaid += 1;
            return None;
        }
        minute.lines += 1;
        Some(std::mem::take(&mut minute.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LINES_PER_MINUTE, Tallied, Tally};

    #[test]
    fn w26_a_flood_of_junk_writes_fewer_than_100_lines_a_minute() {
        let tally = Tally::default();
        let at = |millis| Duration::from_millis(millis);

        let lines = (0..60_000)
            .filter(|millis| tally.line(at(*millis)).is_some())
            .count();
        let next = tally.line(at(60_000));

        assert!(lines < 100 && lines == LINES_PER_MINUTE as usize);
        assert_eq!(next, Some(60_000 - u64::from(LINES_PER_MINUTE)));
    }

    #[test]
    fn each_word_has_its_own_count() {
        let tally = Tally::default();

        tally.add("lab", Tallied::Unable);

        let counts = Tallied::ALL.map(|what| tally.count(what));
        assert_eq!(counts.iter().sum::<u64>(), 1);
        assert_eq!(tally.count(Tallied::Unable), 1);
    }
}
