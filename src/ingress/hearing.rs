//! What the door heard lately, for whoever connects a sender, and the word that a configured
//! source is not believed.
//!
//! A stranger can fill neither: the ring forgets its oldest line, and a source is spoken of once
//! an hour at most.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::domain::detection::SourceName;
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;

/// Lines that are kept.
const LINES_MAX: usize = 256;
/// How long after somebody looked every delivery is noted, and not refusals alone.
const WATCHED_FOR: Duration = Duration::from_secs(30);
/// How often a person is told that a source is refused.
const TOLD_EVERY: Duration = Duration::from_secs(3600);

/// One delivery, as the door heard it. Holds nothing a stranger wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// Counts up; ask for what came after it.
    pub number: u64,
    /// When.
    pub at: Moment,
    /// The configured source; none where it is unknown or disabled.
    pub source: Option<SourceName>,
    /// Length of the body, where it was read.
    pub bytes: Option<usize>,
    /// What the sender was told.
    pub status: u16,
    /// `taken`, `repeated`, `conflict`, or why it was not believed.
    pub verdict: &'static str,
    /// Which key verified it.
    pub key: Option<String>,
    /// What became of it.
    pub detection: Option<DetectionId>,
    /// How many seconds ago it was sent by its own word; less than none when that is ahead of us.
    pub skew_seconds: Option<i64>,
    /// How long the answer took.
    pub took_millis: u64,
    /// What the one who connects the sender should look at.
    pub hint: Option<String>,
}

/// A request that is being answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// When it came, by the clock that only goes on.
    pub(super) since: Duration,
    /// How many seconds ago it was sent by its own word, where somebody looks.
    pub(super) skew_seconds: Option<i64>,
}

impl Arrival {
    /// How long it has taken so far.
    pub(super) fn took_millis(self, elapsed: Duration) -> u64 {
        millis(elapsed.saturating_sub(self.since))
    }
}

/// The last lines, and who was told of.
#[derive(Debug, Default)]
pub struct Hearing {
    ring: Mutex<Ring>,
    // Zero until somebody looks; else one more than the millisecond until which it is watched.
    watched_until: AtomicU64,
    told: Mutex<BTreeMap<SourceName, Duration>>,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<Heard>,
    last: u64,
}

impl Hearing {
    /// What was heard after this number, oldest first, and the number to ask with next. From now
    /// on everything is noted for a while.
    pub fn after(&self, number: u64, elapsed: Duration) -> (Vec<Heard>, u64) {
        self.watched_until
            .store(millis(elapsed + WATCHED_FOR) + 1, Ordering::Relaxed);
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        // A number of another life of this process is none.
        let from = if number > ring.last { 0 } else { number };
        let lines = ring.lines.iter().filter(|line| line.number > from);
        (lines.cloned().collect(), ring.last)
    }

    /// Whether somebody looks.
    pub(super) fn is_watched(&self, elapsed: Duration) -> bool {
        self.watched_until.load(Ordering::Relaxed) > millis(elapsed)
    }

    /// Notes one line.
    pub(super) fn note(&self, mut line: Heard) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.last += 1;
        line.number = ring.last;
        if ring.lines.len() == LINES_MAX {
            ring.lines.pop_front();
        }
        ring.lines.push_back(line);
    }

    /// Whether a person is due to be told that this source is refused. Says yes once an hour, and
    /// only configured sources are asked about.
    pub(super) fn is_news(&self, source: &SourceName, elapsed: Duration) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told
            .get(source)
            .is_none_or(|last| elapsed.saturating_sub(*last) >= TOLD_EVERY);
        if due {
            told.insert(source.clone(), elapsed);
        }
        due
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Heard, Hearing, LINES_MAX};
    use crate::domain::detection::SourceName;
    use crate::domain::moment::Moment;

    fn line() -> Heard {
        Heard {
            number: 0,
            at: Moment::from_millis(0),
            source: None,
            bytes: None,
            status: 401,
            verdict: "wrong_signature",
            key: None,
            detection: None,
            skew_seconds: None,
            took_millis: 0,
            hint: None,
        }
    }

    #[test]
    fn the_ring_forgets_its_oldest_lines_and_numbers_the_rest() {
        let hearing = Hearing::default();
        (0..LINES_MAX + 10).for_each(|_| hearing.note(line()));

        let (all, last) = hearing.after(0, Duration::ZERO);
        let (newest, _) = hearing.after(last - 1, Duration::ZERO);
        let (of_another_life, _) = hearing.after(last + 500, Duration::ZERO);

        assert_eq!((all.len(), all[0].number), (LINES_MAX, 11));
        assert_eq!(newest.len(), 1);
        assert_eq!(of_another_life.len(), LINES_MAX);
    }

    #[test]
    fn everything_is_noted_only_while_somebody_looks() {
        let hearing = Hearing::default();
        let at = Duration::from_secs;
        assert!(!hearing.is_watched(at(5)));

        hearing.after(0, at(5));

        assert!(hearing.is_watched(at(34)) && !hearing.is_watched(at(36)));
    }

    #[test]
    fn w26_a_source_that_is_refused_is_spoken_of_once_an_hour() {
        let hearing = Hearing::default();
        let lab = SourceName::new("lab").unwrap();
        let news = |seconds| hearing.is_news(&lab, Duration::from_secs(seconds));

        let told = (0..7_300).filter(|second| news(*second)).count();

        assert_eq!(told, 3);
    }
}
