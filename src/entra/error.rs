//! Why we hold no token, sorted by what to do next.

/// No access token. The texts hold status numbers and `AADSTS` codes, never an answer's body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The authority is busy, slow or out of reach. Asking again later may work.
    #[error("no access token yet: {because}")]
    TryAgain {
        /// For the log.
        because: String,
    },
    /// The authority knows us and said no (400 or 401). Asking again changes nothing: a person
    /// must look at the credential.
    #[error("no access token: the authority refused ({code})")]
    Refused {
        /// `AADSTS7000215` and the like, else `HTTP 401`.
        code: String,
    },
    /// The credential cannot even be asked with: a file is missing, a setting is wrong.
    #[error("no access token: {because}")]
    Misconfigured {
        /// For the person who configured it.
        because: String,
    },
}

impl Error {
    pub(super) fn try_again(because: impl Into<String>) -> Self {
        Self::TryAgain {
            because: because.into(),
        }
    }

    pub(super) fn misconfigured(because: impl Into<String>) -> Self {
        Self::Misconfigured {
            because: because.into(),
        }
    }
}
