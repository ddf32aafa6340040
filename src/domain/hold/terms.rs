//! What a playbook says about what it holds.

use serde::{Deserialize, Serialize};

use crate::domain::moment::Span;

/// How long a containment is held, and what then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldFor {
    /// Counted from containment.
    pub span: Span,
    /// What becomes of it when the time is over.
    pub then: HoldThen,
    /// How often within an hour a containment that someone opened is closed again.
    pub reassert_max: Option<u32>,
}

/// What becomes of a containment whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldThen {
    /// A person is asked.
    Ask,
    /// It is put back.
    Undo,
    /// It stays.
    Keep,
}

impl HoldThen {
    /// What a word of a playbook says.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "ask" => Some(Self::Ask),
            "undo" => Some(Self::Undo),
            "keep" => Some(Self::Keep),
            _ => None,
        }
    }
}
