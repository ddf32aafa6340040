//! Why a delivery is not believed.

use http::HeaderName;

/// Why a delivery is not believed. Told to our log, never to the sender (threat W25).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This header is absent.
    Missing(HeaderName),
    /// This header stands there more than once.
    Repeated(HeaderName),
    /// The id holds something else than 1 to 128 letters, digits, `-` and `_`.
    BadId,
    /// The timestamp is not in the one form it should have.
    BadTimestamp,
    /// The timestamp lies too far in the past.
    TooOld,
    /// The timestamp lies too far in the future.
    TooNew,
    /// The signature header is not text, not in its form, or has more than five entries.
    BadSignature,
    /// No entry is the signature of these bytes by a key of this source.
    WrongSignature,
    /// What was sent is not the secret of this source.
    WrongSecret,
}

impl Refusal {
    /// One word for logs and counters.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Missing(_) => "header_missing",
            Self::Repeated(_) => "header_repeated",
            Self::BadId => "bad_id",
            Self::BadTimestamp => "bad_timestamp",
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::BadSignature => "bad_signature",
            Self::WrongSignature => "wrong_signature",
            Self::WrongSecret => "wrong_secret",
        }
    }
}
