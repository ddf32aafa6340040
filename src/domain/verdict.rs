//! What a person says about risk when a confirmed entity is put back.

use serde::{Deserialize, Serialize};

/// What a person tells Entra ID Protection when a confirmed entity is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskVerdict {
    /// It was never compromised: `confirmSafe`.
    Safe,
    /// The risk no longer matters: `dismiss`.
    Dismiss,
    /// Say nothing; the entity stays at high risk.
    Leave,
}

impl RiskVerdict {
    /// Every verdict, as the command line offers them.
    pub const ALL: [Self; 3] = [Self::Safe, Self::Dismiss, Self::Leave];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Dismiss => "dismiss",
            Self::Leave => "leave",
        }
    }

    /// The verdict a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }
}
