//! How many verified deliveries are taken in a second, from one source and in all.
//!
//! Counted only after a delivery is verified: a stranger who names a source uses up nothing of
//! it. What a stranger may do at all is bounded by the listener's caps.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use governor::clock::Clock as Ticks;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::clock::Clock;
use crate::domain::detection::SourceName;

/// Deliveries in a second from one source, unless configured: far above what a sender means.
const SOURCE_USUAL: u32 = 20_000;
/// And in all.
const TOTAL_USUAL: u32 = 50_000;

/// How many deliveries are taken in a second; as many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerSecond {
    /// From one source.
    pub source: NonZeroU32,
    /// In all.
    pub total: NonZeroU32,
}

impl Default for PerSecond {
    fn default() -> Self {
        Self {
            source: NonZeroU32::new(SOURCE_USUAL).unwrap_or(NonZeroU32::MIN),
            total: NonZeroU32::new(TOTAL_USUAL).unwrap_or(NonZeroU32::MIN),
        }
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, OurTicks, NoOpMiddleware<Nanos>>;

/// The quotas of the configured sources, and of all together.
pub struct Quotas {
    sources: BTreeMap<SourceName, Limiter>,
    total: Limiter,
}

/// Our clock, as the limiter reads it.
#[derive(Clone, Debug)]
struct OurTicks(Clock);

impl Ticks for OurTicks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

impl Quotas {
    /// One for each of these sources, and one over them.
    pub fn new<'a>(
        names: impl Iterator<Item = &'a SourceName>,
        limits: PerSecond,
        clock: &Clock,
    ) -> Self {
        let limiter = |most| {
            let ticks = OurTicks(clock.clone());
            RateLimiter::direct_with_clock(Quota::per_second(most), ticks)
        };
        Self {
            sources: names
                .map(|name| (name.clone(), limiter(limits.source)))
                .collect(),
            total: limiter(limits.total),
        }
    }

    /// Whether one more verified delivery of this source is taken now.
    pub(super) fn admit(&self, source: &SourceName) -> bool {
        let own = self.sources.get(source);
        own.is_none_or(|own| own.check().is_ok()) && self.total.check().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::{PerSecond, Quotas};
    use crate::clock::Clock;
    use crate::domain::detection::SourceName;
    use crate::domain::moment::Moment;

    #[test]
    fn a_source_has_its_own_quota_and_all_have_one_together() {
        let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
        let [a, b] = ["a", "b"].map(|name| SourceName::new(name).unwrap());
        let limits = PerSecond {
            source: NonZeroU32::new(10).unwrap(),
            total: NonZeroU32::new(15).unwrap(),
        };
        let quotas = Quotas::new([&a, &b].into_iter(), limits, &clock);
        let taken = |name| (0..100).filter(|_| quotas.admit(name)).count();

        assert_eq!((taken(&a), taken(&b)), (10, 5));
        hand.advance(Duration::from_secs(1));
        assert_eq!((taken(&b), taken(&a)), (10, 5));
    }
}
