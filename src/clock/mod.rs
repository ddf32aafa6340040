//! Time and chance: the one place that knows what time it is and that rolls dice.
//!
//! Knows: moments.
//! Never: why someone waits.
//!
//! Laws
//! * Whoever waits, waits here, so that a test moves time by hand and never sleeps.
//! * Ids and random bytes come from here too, so that the same seed gives the same run.

mod hand;
mod put_back;

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

pub use hand::Hand;
pub use put_back::PutBack;

use crate::domain::moment::Moment;
use hand::ByHand;
use put_back::Furthest;

/// Now, sleep and chance. Cheap to clone; every clone tells the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    kind: Arc<Kind>,
    furthest: Arc<Furthest>,
}

#[derive(Debug)]
enum Kind {
    System { started: Instant },
    Hand(Arc<ByHand>),
}

/// A moment to come, by the clock that never steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ahead(Duration);

/// The work was not finished within its limit and was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not finished in time")]
pub struct TooLate;

impl Clock {
    /// The machine's own clock and randomness.
    #[expect(clippy::disallowed_methods, reason = "this is the home of time")]
    pub fn system() -> Self {
        Self::from(Kind::System {
            started: Instant::now(),
        })
    }

    /// A clock that stands still until its [`Hand`] moves it, with chance drawn from a counter.
    pub fn by_hand(start: Moment) -> (Self, Hand) {
        let by_hand = Arc::new(ByHand::from(start));
        let clock = Self::from(Kind::Hand(Arc::clone(&by_hand)));
        (clock, Hand(by_hand))
    }

    /// The wall-clock time. It may step; measure lengths with [`Clock::elapsed`].
    pub fn now(&self) -> Moment {
        match &*self.kind {
            Kind::System { started } => {
                // Whoever is held up in between makes it look less far ahead, which counts for nothing.
                let shown = shown();
                self.furthest.read(ahead(shown, started.elapsed()));
                shown
            }
            Kind::Hand(by_hand) => {
                self.furthest.read(by_hand.ahead());
                by_hand.now()
            }
        }
    }

    /// That the wall clock was put back since somebody read it, and until that was put right. It
    /// is seen however short it was fast (threat E09).
    pub fn put_back(&self) -> Option<PutBack> {
        let to = match &*self.kind {
            Kind::System { started } => {
                let elapsed = started.elapsed();
                ahead(shown(), elapsed)
            }
            Kind::Hand(by_hand) => by_hand.ahead(),
        };
        self.furthest.put_back(to)
    }

    /// Nothing is due any more by what the wall clock showed before this.
    pub fn put_right(&self, seen: PutBack) {
        self.furthest.put_right(seen);
    }

    /// The time that a clock others share tells us, where it counts instead of ours. A hand moves
    /// that one, too.
    pub fn told(&self, by_the_other: Moment) -> Moment {
        match &*self.kind {
            Kind::System { .. } => by_the_other,
            Kind::Hand(by_hand) => by_hand.unbent(),
        }
    }

    /// Time since this clock was made, by a clock that never steps back.
    pub fn elapsed(&self) -> Duration {
        match &*self.kind {
            Kind::System { started } => started.elapsed(),
            Kind::Hand(by_hand) => by_hand.passed(),
        }
    }

    /// So long from now. Whoever waits in memory keeps this, and not what the wall clock will show.
    pub fn ahead(&self, span: Duration) -> Ahead {
        Ahead(self.elapsed().saturating_add(span))
    }

    /// What the wall clock will show then, as it goes now.
    pub fn shown_at(&self, then: Ahead) -> Moment {
        self.now().plus(then.0.saturating_sub(self.elapsed()))
    }

    /// Waits for `span` to pass on this clock, counted from this call.
    pub fn sleep(&self, span: Duration) -> impl Future<Output = ()> + Send + 'static {
        let kind = Arc::clone(&self.kind);
        let due = self.elapsed().saturating_add(span);
        async move { kind.wait_until(due, span).await }
    }

    /// Waits until `then`.
    pub fn sleep_until(&self, then: Ahead) -> impl Future<Output = ()> + Send + 'static {
        self.sleep(then.0.saturating_sub(self.elapsed()))
    }

    /// Runs `work`, but drops it when `limit` has passed on this clock.
    pub async fn within<F: Future>(&self, limit: Duration, work: F) -> Result<F::Output, TooLate> {
        tokio::select! {
            biased;
            output = work => Ok(output),
            () = self.sleep(limit) => Err(TooLate),
        }
    }

    /// A fresh version 7 UUID, ordered by this clock's time.
    #[expect(clippy::disallowed_methods, reason = "this is the home of chance")]
    pub fn uuid(&self) -> Uuid {
        match &*self.kind {
            Kind::System { .. } => Uuid::now_v7(),
            Kind::Hand(_) => {
                let millis = u64::try_from(self.now().as_millis()).unwrap_or(0);
                uuid::Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
            }
        }
    }

    /// `N` random bytes, fit for secrets on the system clock and repeatable on a hand-moved one.
    #[expect(clippy::disallowed_methods, reason = "this is the home of chance")]
    #[expect(
        clippy::expect_used,
        reason = "no randomness means no secrets: better no service"
    )]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &*self.kind {
            Kind::System { .. } => {
                getrandom::fill(&mut bytes).expect("the system has a source of randomness");
            }
            Kind::Hand(by_hand) => {
                for chunk in bytes.chunks_mut(8) {
                    let next = by_hand.draw().to_be_bytes();
                    chunk.copy_from_slice(&next[..chunk.len()]);
                }
            }
        }
        bytes
    }

    /// A random length between nothing and `most`: full jitter, so that a herd does not form.
    pub fn jitter(&self, most: Duration) -> Duration {
        let share = f64::from(u32::from_be_bytes(self.random())) / f64::from(u32::MAX);
        most.mul_f64(share)
    }
}

impl From<Kind> for Clock {
    fn from(kind: Kind) -> Self {
        Self {
            kind: Arc::new(kind),
            furthest: Arc::default(),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the home of time")]
fn shown() -> Moment {
    Moment::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// How far a wall clock that shows this is ahead of one that shows what has passed, in milliseconds.
fn ahead(shown: Moment, passed: Duration) -> i64 {
    let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    shown.as_millis().saturating_sub(passed)
}

impl Kind {
    #[expect(clippy::disallowed_methods, reason = "this is the home of time")]
    async fn wait_until(&self, due: Duration, span: Duration) {
        match self {
            Self::System { .. } => tokio::time::sleep(span).await,
            Self::Hand(by_hand) => by_hand.until(due).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clock, TooLate};
    use crate::domain::moment::Moment;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_hand_has_moved_far_enough() {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
        let sleeper = clock.sleep(Duration::from_secs(10));
        tokio::pin!(sleeper);

        hand.advance(Duration::from_secs(9));
        let early = futures_util::poll!(&mut sleeper).is_ready();
        hand.advance(Duration::from_secs(1));
        sleeper.await;

        assert!(!early);
        assert_eq!(clock.now(), Moment::from_millis(10_000));
    }

    #[tokio::test]
    async fn work_that_outlives_its_limit_is_dropped() {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
        let waiting = clock.within(Duration::from_secs(1), std::future::pending::<()>());
        tokio::pin!(waiting);
        let _ = futures_util::poll!(&mut waiting);

        hand.advance(Duration::from_secs(1));

        assert_eq!(waiting.await, Err(TooLate));
    }
}
