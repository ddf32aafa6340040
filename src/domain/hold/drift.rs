//! What differs from how we left it, and what is done about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::moment::Moment;

/// Closings of one entity are counted within this time.
pub const REASSERT_WITHIN: Duration = Duration::from_secs(3600);

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Its own switch reads on, and nothing above it is off.
    Enabled,
    /// An agent hangs from a contained blueprint that did not before.
    NewAgent,
    /// Its blueprint has a credential that it did not have before.
    NewCredential,
}

impl What {
    /// Everything that may be seen.
    pub const ALL: [Self; 3] = [Self::Enabled, Self::NewAgent, Self::NewCredential];

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::NewAgent => "new_agent",
            Self::NewCredential => "new_credential",
        }
    }

    /// What a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.word() == word)
    }

    /// What a person reads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Enabled => "it was enabled again",
            Self::NewAgent => "a new agent hangs from it",
            Self::NewCredential => "its blueprint has a new credential",
        }
    }
}

/// What was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is closed again.
    ClosedAgain,
    /// It was closed again often enough: a person must decide.
    GivenUp,
    /// The playbook does not say that it may be closed again.
    Left,
    /// Writes are stopped; it is weighed again once they are not.
    Waits,
    /// A person was told; nothing about it is for a machine to do.
    Told,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Self; 5] = [
        Self::ClosedAgain,
        Self::GivenUp,
        Self::Left,
        Self::Waits,
        Self::Told,
    ];

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ClosedAgain => "closed_again",
            Self::GivenUp => "given_up",
            Self::Left => "left",
            Self::Waits => "waits",
            Self::Told => "told",
        }
    }

    /// The answer a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.word() == word)
    }
}

/// Whose doing its end was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverBy {
    /// We closed it again, and it was read back.
    Us,
    /// Someone else closed it: theirs is the newest word on it.
    Someone,
    /// It was closed again and did not stay so.
    Nobody,
}

impl OverBy {
    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Someone => "someone",
            Self::Nobody => "nobody",
        }
    }

    /// What a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Us, Self::Someone, Self::Nobody]
            .into_iter()
            .find(|by| by.word() == word)
    }
}

/// One difference, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// What was seen.
    pub what: What,
    /// Which agent or credential is new; empty where it is the entity's own switch.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// What was done about it.
    pub answer: Answer,
    /// When it was seen first.
    pub seen_at: Moment,
    /// When it was over.
    pub over_at: Option<Moment>,
    /// By whose doing.
    pub over_by: Option<OverBy>,
}

/// What one look at a held entity's switch said; two equal reads, a while apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// No new token is given out.
    Closed,
    /// It can get new tokens.
    Open,
}

/// Everything that counts when an entity that we hold is seen open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drifted {
    /// What was answered when it was last seen open, where that is not over.
    pub answered: Option<Answer>,
    /// The largest number that any of the runs that hold it may close it again.
    pub reassert_max: u32,
    /// How often it was closed again within [`REASSERT_WITHIN`].
    pub closed_again: u32,
    /// Are writes stopped by brake or mode?
    pub stopped: bool,
}

impl Drifted {
    /// What to do now; `None` where the last answer stands.
    pub fn answer(&self) -> Option<Answer> {
        match self.answered {
            Some(Answer::GivenUp | Answer::Left | Answer::Told) => None,
            Some(Answer::Waits) if self.stopped => None,
            Some(Answer::Waits | Answer::ClosedAgain) | None => Some(self.weigh()),
        }
    }

    fn weigh(&self) -> Answer {
        if self.reassert_max == 0 {
            Answer::Left
        } else if self.closed_again >= self.reassert_max {
            Answer::GivenUp
        } else if self.stopped {
            Answer::Waits
        } else {
            Answer::ClosedAgain
        }
    }
}
