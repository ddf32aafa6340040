//! The words of a test file.

use super::{Decided, Mishap, RehearsedMode, Say};
use crate::domain::decision::Verdict;

impl Say {
    /// Every answer.
    pub const ALL: [Self; 2] = [Self::Approve, Self::Deny];

    /// The word for it in a test file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

impl RehearsedMode {
    pub(in crate::catalog) const WORDS: [&'static str; 2] = ["as_recommended", "as_written"];
}

impl Mishap {
    /// Every mishap.
    pub const ALL: [Self; 7] = [
        Self::Throttled,
        Self::Refused,
        Self::Unavailable,
        Self::AnswerLost,
        Self::Unreachable,
        Self::NoEffect,
        Self::Stale,
    ];

    /// The word for it in a test file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::AnswerLost => "answer_lost",
            Self::Unreachable => "unreachable",
            Self::NoEffect => "no_effect",
            Self::Stale => "stale",
        }
    }
}

impl Decided {
    /// Every answer.
    pub const ALL: [Self; 5] = [
        Self::Respond,
        Self::Provisional,
        Self::Observe,
        Self::AskFirst,
        Self::StandDown,
    ];

    /// Is anything carried out before a person was asked?
    pub const fn acts(self) -> bool {
        match self {
            Self::Respond | Self::Provisional => true,
            Self::Observe | Self::AskFirst | Self::StandDown => false,
        }
    }

    /// The word for it in a test file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Respond => "respond",
            Self::Provisional => "provisional",
            Self::Observe => "observe",
            Self::AskFirst => "ask_first",
            Self::StandDown => "stand_down",
        }
    }

    /// What this verdict is, in a word.
    pub const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Respond { .. } => Self::Respond,
            Verdict::Provisional { .. } => Self::Provisional,
            Verdict::Observe { .. } => Self::Observe,
            Verdict::AskFirst { .. } => Self::AskFirst,
            Verdict::StandDown { .. } => Self::StandDown,
        }
    }
}
