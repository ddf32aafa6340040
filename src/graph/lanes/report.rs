//! How a lane stands, and what Graph says when it throttles one.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;

use super::Lane;

/// Longest text that is kept from a header.
const WORD_LIMIT: usize = 128;

/// How one lane stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneReport {
    /// Which.
    pub lane: Lane,
    /// Who waits, by [`Priority::ALL`](super::Priority::ALL).
    pub waiting: [usize; 5],
    /// Turns given since the start; in the lane of directory reads, those of writes too.
    pub turns: u64,
    /// Turns refused because too many waited.
    pub crowded: u64,
    /// Answers that said "too many" since the start.
    pub throttled: u64,
    /// The same, by what was said to be the cause.
    pub causes: BTreeMap<Cause, u64>,
    /// How long the lane still stands still; zero when it moves.
    pub paused: Duration,
    /// The last `x-ms-throttle-limit-percentage` (0.8 to 1.8; sent only from 0.8 on).
    pub limit_share: Option<f64>,
    /// The last `x-ms-throttle-scope`, for people.
    pub scope: Option<String>,
    /// What was spent in the window that ends now: turns, or resource units for directory reads.
    pub spent: u32,
}

/// Whose limit was reached, and of what: words from closed lists, `other` for anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// `tenant_application`, `tenant` or `application`: whose calls were counted together.
    pub whose: &'static str,
    /// `read`, `write` or `read_write`: which calls.
    pub calls: &'static str,
    /// `cpu`, `writes` or `resource_units`: what ran out.
    pub what: &'static str,
}

impl Cause {
    /// From `x-ms-throttle-scope` (`Scope/Limit/AppId/TenantOrId`) and
    /// `x-ms-throttle-information`. A header that is not there is `unnamed`.
    pub(super) fn said(headers: &HeaderMap) -> Self {
        let scope = text(headers, "x-ms-throttle-scope");
        let mut pieces = scope.split('/');
        let (whose, calls) = (pieces.next().unwrap_or(""), pieces.next().unwrap_or(""));
        Self {
            whose: match whose {
                "" => "unnamed",
                "Tenant_Application" => "tenant_application",
                "Tenant" => "tenant",
                "Application" => "application",
                _ => "other",
            },
            calls: match calls {
                "" => "unnamed",
                "Read" => "read",
                "Write" => "write",
                "ReadWrite" => "read_write",
                _ => "other",
            },
            what: match text(headers, "x-ms-throttle-information") {
                "" => "unnamed",
                "CPULimitExceeded" => "cpu",
                "WriteLimitExceeded" => "writes",
                "ResourceUnitLimitExceeded" => "resource_units",
                _ => "other",
            },
        }
    }
}

/// The share of the limit that is used, where Graph says it.
pub(super) fn share(headers: &HeaderMap) -> Option<f64> {
    let share: f64 = text(headers, "x-ms-throttle-limit-percentage")
        .parse()
        .ok()?;
    share.is_finite().then_some(share)
}

/// The scope as it was sent, cut for people.
pub(super) fn scope(headers: &HeaderMap) -> Option<String> {
    let text = text(headers, "x-ms-throttle-scope");
    (!text.is_empty()).then(|| text.chars().take(WORD_LIMIT).collect())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().trim()
}
