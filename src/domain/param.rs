//! What a person says when they call a playbook. Clauses may ask for it; no target comes from it.

use serde::{Deserialize, Serialize};

/// Longest value of a parameter, in characters.
pub const PARAM_MAX: usize = 200;

/// What a parameter must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamKind {
    /// A text of at most [`PARAM_MAX`] characters.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Truth,
}

impl ParamKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Text, Self::Number, Self::Truth];

    /// The word for it in YAML and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Truth => "truth",
        }
    }

    /// The kind a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// The value that a person wrote, if it is one of this kind.
    pub fn read(self, written: &str) -> Option<Param> {
        match self {
            Self::Text if written.is_empty() || written.chars().count() > PARAM_MAX => None,
            Self::Text => Some(Param::Text(written.to_owned())),
            Self::Number => written.parse().ok().map(Param::Number),
            Self::Truth => written.parse().ok().map(Param::Truth),
        }
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Param {
    /// `true` or `false`.
    Truth(bool),
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}
