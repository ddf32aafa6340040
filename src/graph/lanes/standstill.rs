//! How long a lane stands still because Graph said so, and what Graph said.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;

use super::report::{Cause, scope, share};
use super::{Lane, Priority};

/// Longest pause that containing takes part in, whatever Graph asks for.
const CONTAIN_PAUSE: Duration = Duration::from_secs(60);
/// First and longest backoff where Graph names no time.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The same for ID Protection, which never names one: 2, 4, then 8 s.
const BACKOFF_PROTECTION: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(8));

/// One lane's pauses and their causes.
#[derive(Debug, Default)]
pub(super) struct Standstill {
    pub(super) until: Duration,
    contain_until: Duration,
    in_a_row: u32,
    pub(super) throttled: u64,
    pub(super) causes: BTreeMap<Cause, u64>,
    pub(super) limit_share: Option<f64>,
    pub(super) scope: Option<String>,
}

impl Standstill {
    /// Until when those of this priority stand still.
    pub(super) fn until(&self, priority: Priority) -> Duration {
        match priority {
            Priority::Contain => self.contain_until,
            Priority::Verify | Priority::Undo | Priority::Enrich | Priority::Watch => self.until,
        }
    }

    /// An answer that was not about load clears the backoff.
    pub(super) fn welcomed(&mut self, headers: &HeaderMap) {
        self.limit_share = share(headers).or(self.limit_share);
        self.in_a_row = 0;
    }

    /// An answer that said "too many": stands still as long as it names, else for `backoff` of
    /// the longest that is due now. Answers how long.
    pub(super) fn throttled(
        &mut self,
        now: Duration,
        (lane, headers): (Lane, &HeaderMap),
        named: Option<Duration>,
        backoff: impl FnOnce(Duration) -> Duration,
    ) -> Duration {
        // Calls that were under way together are throttled together: that is one time.
        let again = self.until <= now;
        let pause = match named {
            Some(named) => named,
            None if again => backoff(longest(lane, self.in_a_row)),
            None => Duration::ZERO,
        };
        self.in_a_row = self.in_a_row.saturating_add(u32::from(again));
        self.until = self.until.max(now + pause);
        let contain = now + pause.min(CONTAIN_PAUSE);
        self.contain_until = self.contain_until.max(contain);
        self.throttled += 1;
        self.limit_share = share(headers).or(self.limit_share);
        self.scope = scope(headers);
        *self.causes.entry(Cause::said(headers)).or_default() += 1;
        pause
    }
}

fn longest(lane: Lane, before: u32) -> Duration {
    let (first, longest) = match lane {
        Lane::IdentityProtection => BACKOFF_PROTECTION,
        Lane::DirectoryWrites | Lane::DirectoryReads | Lane::Reports | Lane::Security => BACKOFF,
    };
    first.saturating_mul(1 << before.min(8)).min(longest)
}
