//! Whom to ask, how many, for how long, and what silence means.

use serde::{Deserialize, Serialize};

use crate::domain::moment::Span;
use crate::domain::person::GroupName;

/// What becomes of a provisional containment that nobody kept in time. It has no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnTimeout {
    /// It is put back, unless another detection on the entity is open.
    Undo,
    /// It stays contained.
    Keep,
}

impl OnTimeout {
    /// What a word of a playbook says.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "undo" => Some(Self::Undo),
            "keep" => Some(Self::Keep),
            _ => None,
        }
    }
}

/// Whom to ask, how many, for how long, and what silence means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalTerms {
    /// The groups whose leads may decide; empty means every lead.
    pub from: Vec<GroupName>,
    /// How many distinct people must approve.
    pub quorum: u32,
    /// How long they are asked.
    pub within: Span,
    /// What silence means for a provisional containment; a run that asks first is not begun.
    pub on_timeout: OnTimeout,
    /// Is a smaller plan offered where there is one?
    pub offer_smaller: bool,
}

impl ApprovalTerms {
    /// So many of all leads, within a day.
    pub fn any_lead(quorum: u32) -> Self {
        Self {
            from: Vec::new(),
            quorum,
            within: Span(std::time::Duration::from_secs(24 * 3600)),
            on_timeout: OnTimeout::Keep,
            offer_smaller: true,
        }
    }

    /// The same, of at least so many people.
    #[must_use]
    pub fn of_at_least(mut self, quorum: u32) -> Self {
        self.quorum = self.quorum.max(quorum);
        self
    }
}
