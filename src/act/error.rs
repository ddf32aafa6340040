//! Why an act was not carried out, sorted by what to do next.

use std::time::Duration;

use crate::{foundry, graph};

/// The tenant's refusal, or our own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing changed: try again after the pause.
    #[error("{because}")]
    TryAgain {
        /// How long to wait first.
        after: Duration,
        /// The call was answered so, which speaks for the one copy of it that is answered: what
        /// lies on the way may have carried another. Else it was not sent at all.
        answered: bool,
        /// What was heard.
        because: String,
    },
    /// It may have taken effect: look, then act again.
    #[error("{because}")]
    Unknown {
        /// What was heard.
        because: String,
    },
    /// The entity is not there, or not there yet.
    #[error("{because}")]
    NotFound {
        /// What was asked.
        because: String,
    },
    /// A person must look.
    #[error("{code}: {because}")]
    Refused {
        /// Graph's error code.
        code: String,
        /// What was heard.
        because: String,
    },
    /// Our own guards forbid it. It was not tried.
    #[error("{because}")]
    Forbidden {
        /// Which guard.
        because: String,
    },
}

impl From<graph::Error> for Error {
    fn from(error: graph::Error) -> Self {
        match error {
            graph::Error::TryAgain {
                after,
                answered,
                because,
            } => Self::TryAgain {
                after,
                answered,
                because,
            },
            graph::Error::Unknown { because } => Self::Unknown { because },
            graph::Error::NotFound { because } => Self::NotFound { because },
            graph::Error::Refused { code, because, .. } => Self::Refused { code, because },
        }
    }
}

impl From<foundry::Error> for Error {
    fn from(error: foundry::Error) -> Self {
        match error {
            foundry::Error::TryAgain {
                after,
                answered,
                because,
            } => Self::TryAgain {
                after,
                answered,
                because,
            },
            foundry::Error::Unknown { because } => Self::Unknown { because },
            foundry::Error::NotFound { because } => Self::NotFound { because },
            foundry::Error::Refused { code, because } => Self::Refused { code, because },
        }
    }
}
