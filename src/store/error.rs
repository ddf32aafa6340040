//! Why the store did not do it, sorted by what to do next.

/// A refusal from the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing was stored. The queue is full or the database is locked or out of space.
    #[error("the store is busy or full: {0}")]
    Busy(String),
    /// The database went away while it committed, and nobody can say whether it is stored. Ask
    /// again: what was stored is found by its key, its state or its epoch.
    #[error("the database went away while it stored, and may have stored it: {0}")]
    InDoubt(String),
    /// The disk failed under it. What was written before may not be there either, so the writer ends
    /// the process and its next start reads what is.
    #[error("the disk failed under the store: {0}")]
    DiskFailed(String),
    /// The lease was lost: another worker, or a person, has moved on. Stop working on it.
    #[error("this lease is no longer held")]
    LeaseLost,
    /// The law of change forbids it, or what it names is not there. Nothing was stored.
    #[error("{0}")]
    Refused(String),
    /// What is stored cannot be understood: damage, or a newer version wrote it.
    #[error("a stored value cannot be read: {0}")]
    Damaged(String),
    /// Containing is stopped for the whole service by a person's brake.
    #[error("the brake is on: no writes to the tenant")]
    Braked,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::SystemIoFailure) => Self::DiskFailed(error.to_string()),
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            Some(_) | None => Self::Busy(error.to_string()),
        }
    }
}

/// The store could not be opened. For the person who starts the service.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("{path} is held by another estop process; stop it first, or use another store")]
    Held {
        /// The lock file.
        path: String,
    },
    /// What it held is elsewhere by now.
    #[error(
        "the store {path} was moved to {to}: name that one in `store`. What happened since is not in \
         this one; to open it all the same, take {mark} away"
    )]
    Moved {
        /// The database file.
        path: String,
        /// Where it went, and when.
        to: String,
        /// What says so.
        mark: String,
    },
    /// The folder or file cannot be used.
    #[error("cannot open the store {path}: {why}")]
    Unusable {
        /// The database file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The database is damaged or from a newer version.
    #[error("the store {path} cannot be used: {why}")]
    Unfit {
        /// The database file.
        path: String,
        /// What is wrong.
        why: String,
    },
}
