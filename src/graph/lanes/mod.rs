//! Lanes: one per limit family of Graph, the more urgent first.
//!
//! Knows: published limits, what an answer says about load, who waits.
//! Never: what a call is about.
//!
//! Laws
//! * A turn that is free is given at once, on the caller's own task.
//! * No window of a lane ever holds more than its budget, however the turns are spread.
//! * A 429 pauses the whole lane; for containing never longer than a minute.
//! * Whoever stops waiting gives its place to the next.
//!
//! Read next: `lane`, then `window`, then `retry_after`.

mod lane;
mod retry_after;
mod window;

use std::fmt;
use std::time::Duration;

pub(super) use lane::Turns;

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
    /// Directory reads: at least 3,500 resource units in 10 s.
    DirectoryReads,
    /// ID Protection and Conditional Access: 1 in 1 s for the tenant, all apps together.
    IdentityProtection,
    /// Audit and sign-in reports: 5 in 10 s.
    Reports,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [
        Self::DirectoryWrites,
        Self::DirectoryReads,
        Self::IdentityProtection,
        Self::Reports,
    ];

    /// The word for it in metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DirectoryWrites => "directory_writes",
            Self::DirectoryReads => "directory_reads",
            Self::IdentityProtection => "identity_protection",
            Self::Reports => "reports",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))
    }
}

/// How many turns a lane gives in any window of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Turns; at least 1 is always given.
    pub turns: u32,
    /// In any window of this length.
    pub window: Duration,
}

/// The budgets of all lanes, and how many confirmations one call may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// For [`Lane::DirectoryWrites`].
    pub directory_writes: Budget,
    /// For [`Lane::DirectoryReads`]; each of our reads costs one resource unit.
    pub directory_reads: Budget,
    /// For [`Lane::IdentityProtection`].
    pub identity_protection: Budget,
    /// For [`Lane::Reports`].
    pub reports: Budget,
    /// Most ids in one confirmation. Microsoft names no limit for agents; 60 is where the call for
    /// users is known to stop.
    pub ids_per_verdict: usize,
}

impl Default for Budgets {
    /// The published limits, less a tenth for directory calls and for the clock's own width.
    fn default() -> Self {
        let budget = |turns, millis| Budget {
            turns,
            window: Duration::from_millis(millis),
        };
        Self {
            directory_writes: budget(2_700, 150_000),
            directory_reads: budget(3_150, 10_000),
            identity_protection: budget(1, 1_100),
            reports: budget(5, 10_000),
            ids_per_verdict: 60,
        }
    }
}

/// How one lane stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneReport {
    /// Which.
    pub lane: Lane,
    /// Who waits, by [`Priority::ALL`].
    pub waiting: [usize; 5],
    /// Turns given since the start.
    pub turns: u64,
    /// Turns refused because too many waited.
    pub crowded: u64,
    /// Answers that said "too many" since the start.
    pub throttled: u64,
    /// How long the lane still stands still; zero when it moves.
    pub paused: Duration,
    /// The last `x-ms-throttle-limit-percentage` (0.8 to 1.8; sent only from 0.8 on).
    pub limit_share: Option<f64>,
    /// The last `x-ms-throttle-scope`, for people.
    pub scope: Option<String>,
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
}

impl Lanes {
    pub(super) fn new(clock: &Clock, budgets: &Budgets) -> Self {
        let turns = |lane, budget| Turns::new(lane, budget, clock.clone());
        Self {
            writes: turns(Lane::DirectoryWrites, budgets.directory_writes),
            reads: turns(Lane::DirectoryReads, budgets.directory_reads),
            protection: turns(Lane::IdentityProtection, budgets.identity_protection),
            reports: turns(Lane::Reports, budgets.reports),
        }
    }

    pub(super) fn of(&self, lane: Lane) -> &Turns {
        match lane {
            Lane::DirectoryWrites => &self.writes,
            Lane::DirectoryReads => &self.reads,
            Lane::IdentityProtection => &self.protection,
            Lane::Reports => &self.reports,
        }
    }

    pub(super) fn reports(&self) -> Vec<LaneReport> {
        Lane::ALL
            .iter()
            .map(|lane| self.of(*lane).report())
            .collect()
    }
}
