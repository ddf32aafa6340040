//! Whom a playbook tells.

use serde::{Deserialize, Serialize};

/// Whom a playbook tells beside the people on call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Who answers for the agent.
    Sponsors,
    /// The incident that the detection came from.
    Incident,
}

impl Audience {
    /// Everyone a playbook may name.
    pub const ALL: [Self; 2] = [Self::Sponsors, Self::Incident];

    /// The word for it in YAML and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sponsors => "sponsors",
            Self::Incident => "incident",
        }
    }

    /// Whom a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}
