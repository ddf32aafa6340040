//! How a source proves itself, decided once at the start, and the proof of one delivery.

use http::HeaderMap;

use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;
use crate::entra::{Caller, CallerCheck, Denial};
use crate::signature::{KeyRing, Profile, Refusal, Repeat};

/// How a source's deliveries are believed.
pub enum Verifier {
    /// By a signature or a secret.
    Signed(Profile),
    /// By an access token of our tenant, and by a signature besides where there is one.
    Entra(Box<CallerCheck>, Option<Profile>),
}

/// Why a delivery is not believed, sorted by what the sender is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Unbelieved {
    /// Refused.
    Refused {
        /// One word for the log.
        why: &'static str,
        /// Who it was, where an access token says so: for the log.
        caller: Option<ObjectId>,
    },
    /// We cannot tell, and the sender is not wrong.
    CannotTell(String),
}

/// Who sent it, and what a repeat is found by.
pub(super) struct Proof<'a> {
    /// The stem of a key file, or the caller.
    pub(super) key_id: String,
    pub(super) repeat: Repeat<'a>,
}

impl Verifier {
    /// Its shared secrets, where it has some.
    pub(super) fn secrets(&self) -> Option<&KeyRing> {
        match self {
            Self::Signed(profile) => profile.secrets(),
            Self::Entra(_, besides) => besides.as_ref()?.secrets(),
        }
    }

    /// What the one who connects the sender should look at.
    pub(super) fn hint(&self, headers: &HeaderMap, body: &[u8], now: Moment) -> Option<String> {
        match self {
            Self::Signed(profile) => profile.hint(headers, body, now),
            Self::Entra(_, besides) => besides.as_ref()?.hint(headers, body, now),
        }
    }

    /// How many seconds ago it was sent by its own word, where it says so.
    pub(super) fn skew(&self, headers: &HeaderMap, now: Moment) -> Option<i64> {
        match self {
            Self::Signed(profile) => profile.skew(headers, now),
            Self::Entra(_, besides) => besides.as_ref()?.skew(headers, now),
        }
    }

    /// Whether these headers alone carry the credential of this source: its access token, or the
    /// secret it sends along. Who must sign a body carries none. The error is why we cannot tell.
    pub(super) async fn is_carried(
        &self,
        headers: &HeaderMap,
        now: Moment,
    ) -> Result<bool, String> {
        match self {
            Self::Signed(profile) => Ok(profile.carried(headers).is_some()),
            Self::Entra(_, Some(_)) => Ok(false),
            Self::Entra(check, None) => match check.check(headers, now).await {
                Ok(_) => Ok(true),
                Err(Denial::Refused { .. }) => Ok(false),
                Err(Denial::CannotTell(why)) => Err(why),
            },
        }
    }

    pub(super) async fn verify<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Proof<'a>, Unbelieved> {
        match self {
            Self::Signed(profile) => {
                let witness = profile.verify(headers, body, now)?;
                Ok(Proof {
                    key_id: witness.key.as_str().to_owned(),
                    repeat: witness.repeat,
                })
            }
            Self::Entra(check, besides) => {
                let caller = check.check(headers, now).await?;
                let repeat = match besides {
                    // What is signed counts for more than what is merely said.
                    Some(profile) => profile.verify(headers, body, now)?.repeat,
                    None => Repeat::Headers,
                };
                Ok(Proof {
                    key_id: named(&caller),
                    repeat,
                })
            }
        }
    }
}

/// The caller and the access token, which one delivery after another may carry (threat J11).
fn named(caller: &Caller) -> String {
    format!("entra:{}/{}", caller.object_id(), caller.token_id())
}

impl From<Refusal> for Unbelieved {
    fn from(refusal: Refusal) -> Self {
        Self::Refused {
            why: refusal.word(),
            caller: None,
        }
    }
}

impl From<Denial> for Unbelieved {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Refused { doubt, caller } => Self::Refused {
                why: doubt.word(),
                caller,
            },
            Denial::CannotTell(why) => Self::CannotTell(why),
        }
    }
}
