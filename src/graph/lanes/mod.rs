//! Lanes: one per limit family of Graph, the more urgent first.
//!
//! Knows: published limits, what an answer says about load, who waits.
//! Never: what a call is about.
//!
//! Laws
//! * A turn that is free is given at once, on the caller's own task.
//! * A directory write needs a turn among the writes and its unit among the reads.
//! * No window of a lane ever holds more than its budget, however the turns are spread.
//! * A 429 pauses the whole lane; for containing never longer than a minute.
//! * Whoever stops waiting gives its place to the next.
//!
//! Read next: `budget`, then `lane`, then `window`.

mod budget;
mod lane;
mod report;
mod retry_after;
mod standstill;
mod units;
mod window;

use std::fmt;
use std::time::Duration;

pub use budget::{Budget, Budgets, TenantSize};
pub(super) use lane::Turns;
pub use report::{Cause, LaneReport};
pub(super) use retry_after::sent_at;
pub(super) use units::units;

use crate::clock::Clock;

/// How urgent a call is, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Taking away an entity's power to get tokens.
    Contain,
    /// Reading back whether it is gone.
    Verify,
    /// Putting back what was.
    Undo,
    /// Looking up what people and plans need to know.
    Enrich,
    /// Looking around on our own account.
    Watch,
}

impl Priority {
    /// Every priority, most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Contain,
        Self::Verify,
        Self::Undo,
        Self::Enrich,
        Self::Watch,
    ];

    /// The word for it in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contain => "contain",
            Self::Verify => "verify",
            Self::Undo => "undo",
            Self::Enrich => "enrich",
            Self::Watch => "watch",
        }
    }
}

/// A family of calls that share one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Directory changes: 3,000 in 150 s for one app in one tenant.
    DirectoryWrites,
    /// Directory reads, counted in resource units: at least 3,500 in 10 s.
    DirectoryReads,
    /// ID Protection and Conditional Access: 1 in 1 s for the tenant, all apps together.
    IdentityProtection,
    /// Audit and sign-in reports: 5 in 10 s.
    Reports,
    /// Alerts of the security API: 150 in a minute.
    Security,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 5] = [
        Self::DirectoryWrites,
        Self::DirectoryReads,
        Self::IdentityProtection,
        Self::Reports,
        Self::Security,
    ];

    /// The word for it in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DirectoryWrites => "directory_writes",
            Self::DirectoryReads => "directory_reads",
            Self::IdentityProtection => "identity_protection",
            Self::Reports => "reports",
            Self::Security => "security",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))
    }
}

/// No turn: too many wait already, or it took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crowded {
    pub(super) after: Duration,
}

/// The lanes of one tenant.
#[derive(Debug)]
pub(super) struct Lanes {
    writes: Turns,
    reads: Turns,
    protection: Turns,
    reports: Turns,
    security: Turns,
}

impl Lanes {
    pub(super) fn new(clock: &Clock, budgets: &Budgets) -> Self {
        let turns = |lane, budget| Turns::new(lane, budget, clock.clone());
        Self {
            writes: turns(Lane::DirectoryWrites, budgets.directory_writes),
            reads: turns(Lane::DirectoryReads, budgets.directory_reads),
            protection: turns(Lane::IdentityProtection, budgets.identity_protection),
            reports: turns(Lane::Reports, budgets.reports),
            security: turns(Lane::Security, budgets.security),
        }
    }

    pub(super) fn of(&self, lane: Lane) -> &Turns {
        match lane {
            Lane::DirectoryWrites => &self.writes,
            Lane::DirectoryReads => &self.reads,
            Lane::IdentityProtection => &self.protection,
            Lane::Reports => &self.reports,
            Lane::Security => &self.security,
        }
    }

    pub(super) fn reports(&self) -> Vec<LaneReport> {
        Lane::ALL
            .iter()
            .map(|lane| self.of(*lane).report())
            .collect()
    }
}
