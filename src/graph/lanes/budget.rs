//! How much each lane gives: the published limits, less what keeps us clear of them.

use std::time::Duration;

/// How many turns a lane gives in any window of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Turns, or resource units for directory reads; at least 1 is always given.
    pub turns: u32,
    /// In any window of this length.
    pub window: Duration,
}

/// How many users a directory has, by which Microsoft sets its limit of resource units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TenantSize {
    /// Under 50: 3,500 units in 10 s. What every tenant has at least.
    #[default]
    Small,
    /// 50 to 500: 5,000 units in 10 s.
    Medium,
    /// More than 500: 8,000 units in 10 s.
    Large,
}

/// The budgets of all lanes, and how many confirmations one call may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// For [`Lane::DirectoryWrites`](super::Lane::DirectoryWrites).
    pub directory_writes: Budget,
    /// For [`Lane::DirectoryReads`](super::Lane::DirectoryReads), in resource units. Writes cost
    /// one too.
    pub directory_reads: Budget,
    /// For [`Lane::IdentityProtection`](super::Lane::IdentityProtection).
    pub identity_protection: Budget,
    /// For [`Lane::Reports`](super::Lane::Reports).
    pub reports: Budget,
    /// For [`Lane::Security`](super::Lane::Security).
    pub security: Budget,
    /// Most ids in one confirmation. Microsoft names no limit for agents; 60 is where the call for
    /// users is known to stop.
    pub ids_per_verdict: usize,
}

impl TenantSize {
    /// The size a word of `estop.yaml` names.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "small" => Some(Self::Small),
            "medium" => Some(Self::Medium),
            "large" => Some(Self::Large),
            _ => None,
        }
    }

    /// Resource units in 10 s, as Microsoft publishes them.
    const fn published(self) -> u32 {
        match self {
            Self::Small => 3_500,
            Self::Medium => 5_000,
            Self::Large => 8_000,
        }
    }
}

impl Budgets {
    /// The published limits for a tenant of this size, less a tenth for directory calls and for
    /// the clock's own width.
    pub fn for_tenant(size: TenantSize) -> Self {
        let budget = |turns, millis| Budget {
            turns,
            window: Duration::from_millis(millis),
        };
        Self {
            directory_writes: budget(2_700, 150_000),
            directory_reads: budget(size.published() / 10 * 9, 10_000),
            identity_protection: budget(1, 1_100),
            reports: budget(5, 10_000),
            security: budget(135, 60_000),
            ids_per_verdict: 60,
        }
    }
}

impl Default for Budgets {
    /// For the smallest tenant: right everywhere, and enough for a storm of a thousand.
    fn default() -> Self {
        Self::for_tenant(TenantSize::Small)
    }
}
