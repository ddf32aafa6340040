//! What the tenant said, as a proof or as a refusal sorted by what to do next.

use std::fmt;
use std::time::Duration;

use http::Method;

use super::place::Place;

/// Proof that a call was answered with success, for a step's evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Method and path with shortened ids: `PATCH /servicePrincipals/7b1d…e2a0/…`.
    pub call: String,
    /// The HTTP status.
    pub status: u16,
    /// Microsoft's `request-id`, to be named in a support case.
    pub request_id: Option<String>,
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.call, self.status)?;
        match &self.request_id {
            Some(id) => write!(f, ", request-id {id}"),
            None => Ok(()),
        }
    }
}

/// Why there is no success. The variants are not HTTP codes: they are what a caller can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Throttled, unreachable or crowded out. Nothing changed: try again after the pause.
    #[error("not now, in {}: {because}", Pause(*after))]
    TryAgain {
        /// How long to wait first.
        after: Duration,
        /// The call was answered so. Else it was not sent at all.
        answered: bool,
        /// The call and what was heard, for evidence and log.
        because: String,
    },
    /// The answer is lost or makes no sense. A write may have taken effect: look before trying
    /// again. A read that ends so found something it does not understand.
    #[error("unknown: {because}")]
    Unknown {
        /// The call and what was heard, for evidence and log.
        because: String,
    },
    /// The entity is not there: gone, of another kind, or so new that it is not everywhere yet
    /// (Microsoft: minutes).
    #[error("not found: {because}")]
    NotFound {
        /// The call, for evidence and log.
        because: String,
    },
    /// We are not allowed, or we asked for nonsense. A person must look.
    #[error("refused, {code}: {because}")]
    Refused {
        /// Graph's error code (`Authorization_RequestDenied`), an `AADSTS` code, or `HTTP 403`.
        /// Branch on nothing else but the status.
        code: String,
        /// The HTTP status, if the call was sent: 403 speaks about us, 400 about this call.
        status: Option<u16>,
        /// The call and Graph's message, for people.
        because: String,
    },
}

struct Pause(Duration);

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

impl Error {
    pub(super) fn unknown(call: &str, why: impl fmt::Display) -> Self {
        Self::Unknown {
            because: format!("{call}: {why}"),
        }
    }

    pub(super) fn try_again(after: Duration, call: &str, why: impl fmt::Display) -> Self {
        Self::TryAgain {
            after,
            answered: false,
            because: format!("{call}: {why}"),
        }
    }
}

/// How a call is named in evidence.
pub(super) fn spoken(method: &Method, place: &Place) -> String {
    format!("{method} {}", place.shown())
}
