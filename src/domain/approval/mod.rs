//! What people are asked about a run, what their words bind to, and how the question ends.
//!
//! Knows: people, runs, what was seen of the tenant.
//! Never: who is asked how, what a word then changes.
//!
//! Laws
//! * An approval moves once, away from `asked`.
//! * Only a lead who is asked decides, and never whoever asked for the run.
//! * A yes counts for exactly what was shown.
//!
//! Read next: `terms`, `world`.

use std::fmt;

use serde::{Deserialize, Serialize};

mod terms;
mod world;

pub use terms::{ApprovalTerms, OnTimeout};
pub use world::{Switched, World};

use super::entity::ObjectId;
use super::id::{ApprovalId, RunId};
use super::moment::Moment;
use super::order::Operator;
use super::person::{GroupName, Person, Role};

/// Most times the end of one approval may be moved.
pub const EXTENSIONS_MAX: u32 = 5;

/// What people are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// May the run begin?
    Begin,
    /// Does what the run contained provisionally stay contained?
    Keep,
    /// The time of what the run holds is over: does it stay contained?
    Hold,
}

impl About {
    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Keep => "keep",
            Self::Hold => "hold",
        }
    }

    /// What a word asks.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Begin, Self::Keep, Self::Hold]
            .into_iter()
            .find(|about| about.word() == word)
    }
}

/// Where an approval stands. It moves once, away from `asked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// People are being asked.
    Asked,
    /// Enough of them said yes.
    Approved,
    /// One of them said no.
    Denied,
    /// Its time was over first.
    Expired,
    /// The question went away: the run was stopped or undone.
    Void,
}

impl ApprovalState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Asked,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Void,
    ];

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Void => "void",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl fmt::Display for ApprovalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What one person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who, in Entra.
    pub person: ObjectId,
    /// Who, as the record names them.
    pub name: String,
    /// When.
    pub at: Moment,
    /// What was shown to them.
    pub plan_digest: String,
}

/// Who asked for the run, where a person did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// As the record names them.
    pub name: String,
    /// In Entra.
    pub person: ObjectId,
}

/// One question to people, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its name.
    pub id: ApprovalId,
    /// About which run.
    pub run: RunId,
    /// What is asked of it.
    pub about: About,
    /// Where it stands.
    pub state: ApprovalState,
    /// Why people are asked.
    pub because: String,
    /// Whom, how many, for how long.
    pub terms: ApprovalTerms,
    /// Who asked for the run, and so may not decide.
    pub requester: Option<Requester>,
    /// What was seen first, once anyone looked.
    pub world: Option<World>,
    /// Since when.
    pub asked_at: Moment,
    /// Until when.
    pub expires_at: Moment,
    /// How often its end was moved.
    pub extensions: u32,
    /// When it ended.
    pub decided_at: Option<Moment>,
    /// How it ended, and what follows.
    pub result: Option<String>,
    /// Who said yes, to what.
    pub votes: Vec<Vote>,
}

/// Why this operator has no say in an approval.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSay {
    /// API tokens, and whoever else no Entra object stands behind, never approve (threat C03).
    #[error("only a person's own credential decides an approval, never a token")]
    NotAPerson,
    /// Their role does not reach.
    #[error("deciding needs the role lead, and this is a {0}")]
    NotALead(Role),
    /// Others are asked.
    #[error("the leads of {0} are asked")]
    OtherGroup(String),
    /// Nobody approves their own request.
    #[error("whoever asked for it does not decide it")]
    Requester,
}

impl Approval {
    /// The person behind this operator, if they may decide here.
    pub fn decider<'o>(&self, operator: &'o Operator) -> Result<&'o Person, NoSay> {
        let person = operator.person.as_ref().ok_or(NoSay::NotAPerson)?;
        if self.requester.as_ref().map(|it| it.person) == Some(person.entra) {
            return Err(NoSay::Requester);
        }
        if person.role != Role::Lead {
            return Err(NoSay::NotALead(person.role));
        }
        let from = &self.terms.from;
        if from.is_empty() || person.groups.iter().any(|group| from.contains(group)) {
            return Ok(person);
        }
        let names: Vec<_> = from.iter().map(GroupName::as_str).collect();
        Err(NoSay::OtherGroup(names.join(", ")))
    }

    /// Is it over at this moment? The last instant is outside.
    pub fn is_over(&self, now: Moment) -> bool {
        self.state != ApprovalState::Asked || now >= self.expires_at
    }

    /// How many distinct people said yes to exactly this.
    pub fn in_favour(&self, plan_digest: &str) -> u32 {
        let votes = self.votes.iter();
        let same = votes.filter(|vote| vote.plan_digest == plan_digest).count();
        u32::try_from(same).unwrap_or(u32::MAX)
    }

    /// What happens when nobody answers, for people.
    pub const fn then(&self) -> &'static str {
        match (self.about, self.terms.on_timeout) {
            (About::Begin, _) => "nothing is done",
            (About::Keep, OnTimeout::Undo) => "it is put back",
            (About::Keep, OnTimeout::Keep) => "it stays contained",
            (About::Hold, _) => "it stays contained, and is asked about again",
        }
    }
}

#[cfg(test)]
mod tests;
