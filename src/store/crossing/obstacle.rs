//! Why a store is not moved, sorted by what to do next.

use crate::store::error::{Error, OpenError};

/// What sort of thing stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Something is there that must not be walked over. Nothing was changed.
    InTheWay,
    /// The file or the server is not one that can be used. Nothing was changed.
    Unfit,
    /// The server cannot be reached, or was lost. Nothing is left of it there.
    Away,
    /// The copy is not what the file holds, or the file itself does not hold. Nothing is left of it.
    NotProved,
    /// The connection was cut while it committed: nobody knows yet.
    InDoubt,
}

/// Why a store was not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct CrossError {
    /// What sort of thing.
    pub sort: Obstacle,
    /// What it is.
    pub why: String,
    /// What to do.
    pub fix: String,
}

impl CrossError {
    pub(super) fn new(sort: Obstacle, why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            sort,
            why: why.into(),
            fix: fix.into(),
        }
    }

    /// The file cannot be read.
    pub(super) fn of_file(error: Error) -> Self {
        let fix = "look whether it is the right file, and whether its disk is well";
        Self::new(Obstacle::Unfit, format!("the store: {error}"), fix)
    }

    /// The server said no, or nothing.
    pub(super) fn of_server(error: Error) -> Self {
        match error {
            Error::Busy(why) | Error::InDoubt(why) | Error::DiskFailed(why) => {
                let fix = "nothing is left of it there: see to the server and begin again";
                Self::new(Obstacle::Away, why, fix)
            }
            Error::Refused(why) | Error::Damaged(why) => {
                let fix = "deploy/postgres.md says how a database is set up";
                Self::new(Obstacle::Unfit, format!("the database: {why}"), fix)
            }
            lost @ (Error::LeaseLost | Error::Braked) => {
                Self::new(Obstacle::NotProved, lost.to_string(), "begin again")
            }
        }
    }
}

impl From<OpenError> for CrossError {
    fn from(error: OpenError) -> Self {
        let why = error.to_string();
        match error {
            OpenError::Held { .. } => {
                let fix = "stop the service that works on it, then begin again";
                Self::new(Obstacle::InTheWay, why, fix)
            }
            OpenError::Unusable { .. } | OpenError::Unfit { .. } | OpenError::Moved { .. } => {
                Self::new(Obstacle::Unfit, why, "look whether it is the right file")
            }
        }
    }
}
