//! One line for each check, and the whole.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::moment::Moment;

/// How a check ended, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Ok,
    /// It does not apply here; the line says why.
    Skipped,
    /// It could not be read, so nobody knows.
    Unknown,
    /// It works, and less than it could.
    Warn,
    /// Something will not work when it is needed.
    Fail,
}

impl State {
    /// The word people and scripts see.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The check's name: `token`, `risk_policy`, …
    pub check: String,
    /// How it ended.
    pub state: State,
    /// What was found, in a sentence.
    pub said: String,
    /// What to do; `None` only where nothing is to be done.
    pub fix: Option<String>,
}

impl Line {
    pub(super) fn ok(check: &str, said: impl Into<String>) -> Self {
        Self {
            check: check.to_owned(),
            state: State::Ok,
            said: said.into(),
            fix: None,
        }
    }

    pub(super) fn of(
        check: &str,
        state: State,
        said: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            check: check.to_owned(),
            state,
            said: said.into(),
            fix: Some(fix.into()),
        }
    }
}

/// Every check of one look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When.
    pub at: Moment,
    /// In the order a person wants to read them.
    pub lines: Vec<Line>,
}

impl Report {
    /// The gravest state in it.
    pub fn state(&self) -> State {
        let states = self.lines.iter().map(|line| line.state);
        states.max().unwrap_or(State::Unknown)
    }

    /// How many lines ended so.
    pub fn count(&self, state: State) -> usize {
        self.lines.iter().filter(|line| line.state == state).count()
    }

    /// One check's line.
    pub fn line(&self, check: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.check == check)
    }
}
