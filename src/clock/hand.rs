//! A clock that stands still until it is moved, and chance that repeats itself.
//!
//! Who sleeps on it wakes in the order in which their times come, and those of one moment in the
//! order in which they lay down: nothing here is left to the machine.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::domain::moment::Moment;

/// What a clock moved by hand shows, and who waits for what.
#[derive(Debug)]
pub(super) struct ByHand {
    start: Moment,
    /// How far the wall clock was put forward, in milliseconds.
    put_forward: AtomicI64,
    drawn: AtomicU64,
    beds: Mutex<Beds>,
}

#[derive(Debug, Default)]
struct Beds {
    passed: Duration,
    taken: u64,
    sleepers: BTreeMap<(Duration, u64), Waker>,
}

/// Moves a clock made by [`Clock::by_hand`](super::Clock::by_hand).
#[derive(Clone, Debug)]
pub struct Hand(pub(super) Arc<ByHand>);

/// One sleeper's place. Dropping it gives the place up.
struct Bed<'a> {
    clock: &'a ByHand,
    due: Duration,
    number: Option<u64>,
}

impl From<Moment> for ByHand {
    fn from(start: Moment) -> Self {
        Self {
            start,
            put_forward: AtomicI64::new(0),
            drawn: AtomicU64::new(0),
            beds: Mutex::default(),
        }
    }
}

impl ByHand {
    pub(super) fn now(&self) -> Moment {
        let shown = self.unbent();
        let put_forward = self.put_forward.load(Ordering::Relaxed);
        Moment::from_millis(shown.as_millis().saturating_add(put_forward))
    }

    /// How far the wall clock is ahead of what has passed, in milliseconds.
    pub(super) fn ahead(&self) -> i64 {
        let put_forward = self.put_forward.load(Ordering::Relaxed);
        self.start.as_millis().saturating_add(put_forward)
    }

    /// What the clock would show had nobody put it forward.
    pub(super) fn unbent(&self) -> Moment {
        self.start.plus(self.passed())
    }

    pub(super) fn passed(&self) -> Duration {
        self.beds().passed
    }

    pub(super) fn draw(&self) -> u64 {
        scrambled(self.drawn.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) async fn until(&self, due: Duration) {
        let mut bed = Bed {
            clock: self,
            due,
            number: None,
        };
        poll_fn(|context| bed.lie(context)).await;
    }

    fn beds(&self) -> MutexGuard<'_, Beds> {
        self.beds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bed<'_> {
    fn lie(&mut self, context: &Context<'_>) -> Poll<()> {
        let mut beds = self.clock.beds();
        if beds.passed >= self.due {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            beds.taken += 1;
            beds.taken
        });
        let waker = context.waker().clone();
        beds.sleepers.insert((self.due, number), waker);
        Poll::Pending
    }
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.clock.beds().sleepers.remove(&(self.due, number));
        }
    }
}

impl Hand {
    /// Moves the clock on and wakes everyone whose time has come.
    pub fn advance(&self, span: Duration) {
        let mut beds = self.0.beds();
        beds.passed = beds.passed.saturating_add(span);
        let now = (beds.passed, u64::MAX);
        let later = beds.sleepers.split_off(&now);
        let woken = std::mem::replace(&mut beds.sleepers, later);
        drop(beds);
        woken.into_values().for_each(Waker::wake);
    }

    /// When the next sleeper's time comes, as [`Clock::elapsed`](super::Clock::elapsed) will show
    /// it.
    pub fn next_due(&self) -> Option<Duration> {
        let beds = self.0.beds();
        beds.sleepers.first_key_value().map(|((due, _), _)| *due)
    }

    /// Puts the wall clock forward, or back where `millis` is negative, as an operator or a time
    /// server does. Nobody sleeps shorter or longer for it.
    pub fn put_forward(&self, millis: i64) {
        self.0.put_forward.fetch_add(millis, Ordering::Relaxed);
    }

    /// Draws from another place than the first, so that chance falls otherwise.
    pub fn draw_from(&self, seed: u64) {
        self.0.drawn.store(scrambled(seed), Ordering::Relaxed);
    }
}

/// A fixed mixing of a counter, so that repeatable draws still look unlike each other.
fn scrambled(counter: u64) -> u64 {
    let mut z = counter.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::StreamExt as _;
    use futures_util::stream::FuturesUnordered;

    use crate::clock::Clock;
    use crate::domain::moment::Moment;

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_times() {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
        let woken = Mutex::new(Vec::new());
        let sleepers = [3, 1, 2].map(|seconds| {
            let sleep = clock.sleep(Duration::from_secs(seconds));
            let woken = &woken;
            async move {
                sleep.await;
                woken.lock().unwrap().push(seconds);
            }
        });
        // Polls whoever was woken, in that order.
        let mut all = FuturesUnordered::from_iter(sleepers);

        assert!(futures_util::poll!(all.next()).is_pending());
        assert_eq!(hand.next_due(), Some(Duration::from_secs(1)));
        hand.advance(Duration::from_secs(3));
        while all.next().await.is_some() {}

        assert_eq!(*woken.lock().unwrap(), [1, 2, 3]);
        assert_eq!(hand.next_due(), None);
    }

    #[test]
    fn a_wall_clock_that_is_put_back_makes_no_span_longer() {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(10_000));
        hand.advance(Duration::from_secs(5));

        hand.put_forward(-8_000);

        assert_eq!(clock.now(), Moment::from_millis(7_000));
        assert_eq!(clock.elapsed(), Duration::from_secs(5));
    }

    #[test]
    fn chance_repeats_itself_and_differs_by_seed() {
        let drawn = |seed| {
            let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
            hand.draw_from(seed);
            clock.random::<16>()
        };

        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }
}
