//! How one source proves itself, whichever way it is.

use http::HeaderMap;

use super::keyring::{KeyId, KeyRing};
use super::refusal::Refusal;
use super::scheme::Scheme;
use super::shared::Sent;
use super::webhook::Webhooks;
use crate::domain::moment::Moment;

/// A way to sign, and the keys for it.
pub enum Profile {
    /// Standard Webhooks, under either name.
    Webhooks(Webhooks),
    /// HMAC in a sender's own manner.
    Hmac(KeyRing, Scheme),
    /// A secret that is sent along: the weakest.
    Shared(KeyRing, Sent),
}

/// Who signed, and what finds the delivery again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness<'a> {
    /// The key that verified it.
    pub key: KeyId,
    /// What finds a repeat.
    pub repeat: Repeat<'a>,
}

/// What a repeat of a delivery is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat<'a> {
    /// The delivery's id, which is signed.
    Signed(&'a str),
    /// Only the bytes: no header is signed, and with a header a captured delivery could be made
    /// to look new.
    Bytes,
    /// What headers say: whoever has the secret may say anything anyway.
    Headers,
}

impl Profile {
    /// Believes these bytes when a key of the source says so.
    pub fn verify<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Witness<'a>, Refusal> {
        match self {
            Self::Webhooks(webhooks) => {
                let (key, id) = webhooks.verify(headers, body, now)?;
                let repeat = Repeat::Signed(id);
                Ok(Witness { key, repeat })
            }
            Self::Hmac(keys, scheme) => {
                let (key, id) = scheme.verify(keys, (headers, body), now)?;
                let repeat = id.map_or(Repeat::Bytes, Repeat::Signed);
                Ok(Witness { key, repeat })
            }
            Self::Shared(keys, sent) => {
                let key = sent.verify(keys, headers)?;
                let repeat = Repeat::Headers;
                Ok(Witness { key, repeat })
            }
        }
    }

    /// Which secret these headers carry, for a request without a body. A way that signs carries
    /// none: it proves a body, and nothing here.
    pub fn carried(&self, headers: &HeaderMap) -> Option<KeyId> {
        match self {
            Self::Webhooks(_) | Self::Hmac(_, _) => None,
            Self::Shared(keys, sent) => sent.verify(keys, headers).ok(),
        }
    }

    /// Its shared secrets, where it has some.
    pub fn secrets(&self) -> Option<&KeyRing> {
        match self {
            Self::Webhooks(webhooks) => webhooks.secrets(),
            Self::Hmac(keys, _) | Self::Shared(keys, _) => Some(keys),
        }
    }
}
