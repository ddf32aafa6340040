//! How a step ended, going forward and going back.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::step::StepState;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The tenant accepted the change.
    Done,
    /// It was so before us.
    AlreadyDone,
    /// Observe mode: it would have been done.
    Observed,
    /// The entity is not there.
    NotFound,
    /// Some of it took effect.
    Partial,
    /// The tenant does not know this action.
    Unsupported,
    /// The tenant refused, or asked for what we must not do.
    Refused,
    /// A person said no.
    Denied,
    /// It was tried and did not work.
    Failed,
    /// Nobody knows whether it took effect.
    Unknown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::AlreadyDone,
        Self::Observed,
        Self::NotFound,
        Self::Partial,
        Self::Unsupported,
        Self::Refused,
        Self::Denied,
        Self::Failed,
        Self::Unknown,
    ];

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadyDone => "already_done",
            Self::Observed => "observed",
            Self::NotFound => "not_found",
            Self::Partial => "partial",
            Self::Unsupported => "unsupported",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The outcome a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    /// The state a step is in once it has ended so.
    pub(super) const fn leaves(self) -> StepState {
        match self {
            Self::Done | Self::AlreadyDone => StepState::Ok,
            Self::Observed | Self::Denied => StepState::Skipped,
            Self::NotFound | Self::Unsupported | Self::Refused | Self::Failed => StepState::Failed,
            Self::Partial | Self::Unknown => StepState::Unknown,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))
    }
}

/// What became of putting one step back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UndoOutcome {
    /// What was is back, and was read back.
    Restored,
    /// It was so before us, or someone has put it back already.
    NothingToRestore,
    /// The person chose to leave it, or it has no way back.
    Left,
    /// A person must look.
    Stuck,
}

impl UndoOutcome {
    /// Every undo outcome.
    pub const ALL: [Self; 4] = [
        Self::Restored,
        Self::NothingToRestore,
        Self::Left,
        Self::Stuck,
    ];

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Restored => "restored",
            Self::NothingToRestore => "nothing_to_restore",
            Self::Left => "left",
            Self::Stuck => "stuck",
        }
    }

    /// The undo outcome a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, UndoOutcome};

    /// The store keeps the words, so they stay what they are.
    #[test]
    fn every_outcome_is_read_back_from_its_word() {
        assert_eq!(
            Outcome::ALL.map(Outcome::word),
            [
                "done",
                "already_done",
                "observed",
                "not_found",
                "partial",
                "unsupported",
                "refused",
                "denied",
                "failed",
                "unknown"
            ]
        );
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_word(outcome.word()), Some(outcome));
        }
        assert_eq!(Outcome::from_word("xyzzy"), None);
        assert_eq!(
            UndoOutcome::ALL.map(UndoOutcome::word),
            ["restored", "nothing_to_restore", "left", "stuck"]
        );
        for outcome in UndoOutcome::ALL {
            assert_eq!(UndoOutcome::from_word(outcome.word()), Some(outcome));
        }
        assert_eq!(UndoOutcome::from_word("xyzzy"), None);
    }

    #[test]
    fn people_read_an_outcome_in_words() {
        assert_eq!(Outcome::AlreadyDone.to_string(), "already done");
    }
}
