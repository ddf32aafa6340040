//! Why an access token is not believed.

use crate::domain::entity::ObjectId;

/// What a caller gets no further with. For our log, never for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There is no `Authorization: Bearer`, or more than one.
    NoToken,
    /// It is not three parts of base64url with a header and the claims we need.
    Malformed,
    /// It is not signed with RS256.
    Algorithm,
    /// No signing key of the tenant has this name.
    UnknownKey,
    /// The signature is not by the key it names.
    Signature,
    /// Another authority made it, or for another version than it says.
    Issuer,
    /// It is of another tenant.
    Tenant,
    /// It is meant for somebody else.
    Audience,
    /// Its time is over.
    Ended,
    /// Its time has not come.
    NotYet,
    /// A person's, or not surely an application's own.
    NotAnApplication,
    /// This service principal is not on the list.
    Caller,
    /// This application is not on the list.
    Application,
    /// It holds no role that is asked for.
    Role,
}

impl Doubt {
    /// The word for it in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoToken => "no_access_token",
            Self::Malformed => "access_token_malformed",
            Self::Algorithm => "access_token_algorithm",
            Self::UnknownKey => "access_token_unknown_key",
            Self::Signature => "access_token_signature",
            Self::Issuer => "access_token_issuer",
            Self::Tenant => "access_token_tenant",
            Self::Audience => "access_token_audience",
            Self::Ended => "access_token_ended",
            Self::NotYet => "access_token_not_yet",
            Self::NotAnApplication => "access_token_not_an_application",
            Self::Caller => "access_token_caller",
            Self::Application => "access_token_application",
            Self::Role => "access_token_role",
        }
    }
}

/// No caller. Sorted by what the door answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It is refused, whatever is tried again.
    Refused {
        /// Why.
        doubt: Doubt,
        /// Who it was, where the signature was good: an object id for the log.
        caller: Option<ObjectId>,
    },
    /// The tenant's signing keys are out of reach: the caller should try again.
    CannotTell(String),
}

impl From<Doubt> for Denial {
    fn from(doubt: Doubt) -> Self {
        Self::Refused {
            doubt,
            caller: None,
        }
    }
}
