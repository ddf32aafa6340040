//! A person whom a credential of their own stands for: who they are in Entra, and what they may.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::entity::ObjectId;
use super::name::is_name;

/// What a person may, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look and plan.
    Viewer,
    /// Contain and undo in tiers 0 and 1; ask for tiers 2 and 3.
    Responder,
    /// Decide approvals, contain in tier 2, undo anything.
    Lead,
}

impl Role {
    /// Every role, weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Responder, Self::Lead];

    /// The word for it on the command line, in JSON and in the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Responder => "responder",
            Self::Lead => "lead",
        }
    }

    /// The role a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The name of a group of approvers: 1 to 64 lower-case letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupName(String);

impl GroupName {
    /// Takes a plain name; `None` for anything else.
    pub fn new(name: &str) -> Option<Self> {
        is_name(name, &['-']).then(|| Self(name.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person, as their credential says. Two credentials of one Entra object are one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their user object in Entra.
    pub entra: ObjectId,
    /// What they may.
    pub role: Role,
    /// The groups of approvers they belong to.
    pub groups: Vec<GroupName>,
}
