//! The published limits, counted over a moving window.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::moment::{Moment, Span};

/// What a call counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Resource units of reads, per app and tenant.
    DirectoryReads,
    /// Writes, per app and tenant.
    DirectoryWrites,
    /// ID Protection: per tenant, all apps together; its 429 carries no `Retry-After`.
    IdentityProtection,
    /// Sign-ins and directory changes, per app and tenant.
    Reports,
    /// Alerts of the security API, per app and tenant.
    Security,
}

/// So many within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Calls, or resource units for reads.
    pub count: u32,
    /// The moving window.
    pub window: Span,
}

/// The limits of one tenant; `None` means unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Resource units of directory reads.
    pub directory_reads: Option<Limit>,
    /// Directory writes.
    pub directory_writes: Option<Limit>,
    /// ID Protection calls.
    pub identity_protection: Option<Limit>,
    /// Calls about logs.
    #[serde(default)]
    pub reports: Option<Limit>,
    /// Calls about alerts.
    #[serde(default)]
    pub security: Option<Limit>,
}

impl Limits {
    /// What Microsoft publishes: 3,500 resource units per 10 s (a small tenant), 3,000 writes per
    /// 150 s, one ID Protection request per second, five about logs in 10 s, 150 about alerts a
    /// minute.
    pub fn published() -> Self {
        Self {
            directory_reads: Some(Limit::of(3_500, 10)),
            directory_writes: Some(Limit::of(3_000, 150)),
            identity_protection: Some(Limit::of(1, 1)),
            reports: Some(Limit::of(5, 10)),
            security: Some(Limit::of(150, 60)),
        }
    }

    /// No limits, for tests about something else and for measurements.
    pub fn off() -> Self {
        Self {
            directory_reads: None,
            directory_writes: None,
            identity_protection: None,
            reports: None,
            security: None,
        }
    }

    fn of(&self, family: Family) -> Option<Limit> {
        match family {
            Family::DirectoryReads => self.directory_reads,
            Family::DirectoryWrites => self.directory_writes,
            Family::IdentityProtection => self.identity_protection,
            Family::Reports => self.reports,
            Family::Security => self.security,
        }
    }
}

impl Limit {
    /// `count` within `seconds`.
    pub fn of(count: u32, seconds: u64) -> Self {
        Self {
            count,
            window: Span(Duration::from_secs(seconds)),
        }
    }
}

/// What has been spent within the window of each family.
#[derive(Debug, Default)]
pub(super) struct Meters {
    reads: Meter,
    writes: Meter,
    protection: Meter,
    reports: Meter,
    security: Meter,
}

#[derive(Debug, Default)]
struct Meter {
    spent: VecDeque<(Moment, u32)>,
    sum: u32,
}

impl Meters {
    /// Counts a call. `Err` is how long until its window has room. Calls that are turned away
    /// count too, as Microsoft says they do.
    pub(super) fn spend(
        &mut self,
        limits: &Limits,
        (family, cost): (Family, u32),
        now: Moment,
    ) -> Result<(), Duration> {
        let Some(limit) = limits.of(family) else {
            return Ok(());
        };
        let meter = self.of(family);
        meter.forget(now, limit.window.0);
        meter.add(now, cost);
        if meter.sum <= limit.count {
            return Ok(());
        }
        let oldest = meter.spent.front().map_or(now, |(at, _)| *at);
        Err(oldest.plus(limit.window.0).since(now))
    }

    /// What was spent within the window that ends now.
    pub(super) fn spent(&mut self, limits: &Limits, family: Family, now: Moment) -> u32 {
        let window = limits
            .of(family)
            .map_or(Duration::ZERO, |limit| limit.window.0);
        let meter = self.of(family);
        meter.forget(now, window);
        meter.sum
    }

    /// How much of a limit is used: 1 is all of it.
    pub(super) fn share(&mut self, limits: &Limits, family: Family) -> f64 {
        let limit = limits.of(family).map_or(u32::MAX, |limit| limit.count);
        f64::from(self.of(family).sum) / f64::from(limit.max(1))
    }

    fn of(&mut self, family: Family) -> &mut Meter {
        match family {
            Family::DirectoryReads => &mut self.reads,
            Family::DirectoryWrites => &mut self.writes,
            Family::IdentityProtection => &mut self.protection,
            Family::Reports => &mut self.reports,
            Family::Security => &mut self.security,
        }
    }
}

impl Meter {
    /// One line per millisecond, so that the window bounds the length.
    fn add(&mut self, now: Moment, cost: u32) {
        match self.spent.back_mut() {
            Some((at, spent)) if *at == now => *spent = spent.saturating_add(cost),
            _ => self.spent.push_back((now, cost)),
        }
        self.sum = self.sum.saturating_add(cost);
    }

    fn forget(&mut self, now: Moment, window: Duration) {
        while let Some((at, cost)) = self.spent.front().copied() {
            if now.since(at) < window {
                break;
            }
            self.spent.pop_front();
            self.sum = self.sum.saturating_sub(cost);
        }
    }
}
