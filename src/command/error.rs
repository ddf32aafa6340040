//! Why a word was not taken, sorted by what the person should do next.

use std::fmt;

use crate::graph;
use crate::store;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Show another credential: this one is not believed.
    Unbelieved,
    /// Ask someone who may.
    NotAllowed,
    /// Say it differently.
    Amend,
    /// Name something that is there.
    NotFound,
    /// A guard, the mode or the brake stands in the way.
    Guarded,
    /// The law of change forbids it as things stand.
    NotNow,
    /// The tenant has changed since the plan was shown: plan again.
    Stale,
    /// The same again, in a moment.
    Later,
    /// The service itself must be mended.
    Unfit,
}

/// A word that was not taken. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What to do next.
    pub sort: Sort,
    /// The word for it in the API: `mode-observe`, `plan-stale`, …
    pub code: &'static str,
    /// What is the matter, for people.
    pub why: String,
    /// What to do about it, for people.
    pub fix: String,
    /// What differs from the plan that was shown.
    pub changes: Vec<String>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.code, self.why, self.fix)
    }
}

impl std::error::Error for Error {}

impl Error {
    pub(super) fn new(sort: Sort, code: &'static str, why: String, fix: &str) -> Self {
        Self {
            sort,
            code,
            why,
            fix: fix.to_owned(),
            changes: Vec::new(),
        }
    }

    pub(super) fn amend(code: &'static str, why: String, fix: &str) -> Self {
        Self::new(Sort::Amend, code, why, fix)
    }

    /// There is no such thing.
    pub(super) fn missing(what: impl fmt::Display) -> Self {
        Self::new(
            Sort::NotFound,
            "not-found",
            format!("there is no {what}"),
            "Check the id; list what is there first",
        )
    }

    /// The credential is not believed. One text for every reason, so that it tells nothing.
    pub(super) fn unbelieved() -> Self {
        Self::new(
            Sort::Unbelieved,
            "token-refused",
            "the token is missing, unknown, expired or revoked".to_owned(),
            "Send Authorization: Bearer with a token from: estop token create",
        )
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        let why = error.to_string();
        match error {
            E::Busy(_) | E::DiskFailed(_) | E::InDoubt(_) => Self::new(
                Sort::Later,
                "store-busy",
                why,
                "Send the same again in a moment",
            ),
            E::Refused(_) | E::LeaseLost => Self::new(
                Sort::NotNow,
                "not-now",
                why,
                "Look at where it stands; someone may have been faster",
            ),
            E::Braked => Self::new(
                Sort::Guarded,
                "brake-tripped",
                why,
                "Reset the brake first: estop brake reset --reason TEXT",
            ),
            E::Damaged(_) => Self::new(
                Sort::Unfit,
                "store-damaged",
                why,
                "Run: estop audit verify; restore from a backup",
            ),
        }
    }
}

impl From<graph::Error> for Error {
    fn from(error: graph::Error) -> Self {
        use graph::Error as E;
        let why = error.to_string();
        match error {
            E::TryAgain { .. } => Self::new(
                Sort::Later,
                "graph-unreachable",
                why,
                "Send the same again in a moment",
            ),
            E::Unknown { .. } => Self::new(
                Sort::Unfit,
                "graph-not-understood",
                why,
                "Microsoft Graph answered something unexpected; look at it in Entra",
            ),
            E::NotFound { .. } => Self::new(
                Sort::NotFound,
                "target-unresolved",
                why,
                "Check the GUID; a new object can take minutes to be readable",
            ),
            E::Refused { .. } => Self::new(
                Sort::Unfit,
                "graph-refused",
                why,
                "Grant the permissions that estop needs in this tenant",
            ),
        }
    }
}
