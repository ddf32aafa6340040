//! How long things are kept, and the case that keeps them longer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::RunId;
use super::moment::Moment;
use super::name::{NAME_MAX, is_foreign_name};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How long each kind of thing is kept after it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries with their bytes, from receipt. As long, a repeat is known for one.
    pub deliveries: Duration,
    /// Runs, with their detection, steps and evidence, from their end.
    pub runs: Duration,
    /// The record, which is cut only where its head was anchored.
    pub audit: Duration,
}

impl Retention {
    /// The shortest time a delivery may be kept: senders repeat themselves for weeks.
    pub const DELIVERIES_MIN: Duration = Duration::from_secs(30 * 24 * 3600);
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            deliveries: DAY * 90,
            runs: DAY * 400,
            audit: DAY * 400,
        }
    }
}

/// The name of a case in somebody's case system: 1 to 64 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseName(String);

impl CaseName {
    /// Takes a plain name; `None` for anything else.
    pub fn new(name: &str) -> Option<Self> {
        is_foreign_name(name).then(|| Self(name.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CaseName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::new(&name)
            .ok_or_else(|| format!("a case has 1 to {NAME_MAX} visible ASCII characters"))
    }
}

impl From<CaseName> for String {
    fn from(name: CaseName) -> Self {
        name.0
    }
}

impl std::fmt::Display for CaseName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A run that a case keeps, whatever its age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRun {
    /// Which run.
    pub run: RunId,
    /// For which case.
    pub case: CaseName,
    /// On whose word.
    pub by: String,
    /// Why, in the person's words.
    pub because: String,
    /// Since when.
    pub since: Moment,
}

#[cfg(test)]
mod tests {
    use super::CaseName;

    #[test]
    fn a_case_has_a_plain_name() {
        assert!(CaseName::new("LEGAL-2026/14").is_some());
        for unfit in ["", "two words", "line\n", "é", &"x".repeat(65)] {
            assert_eq!(CaseName::new(unfit), None, "{unfit:?}");
        }
    }
}
