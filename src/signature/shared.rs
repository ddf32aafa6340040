//! A secret that is simply sent along. The weakest way: it proves nothing about the body, and
//! whoever sees one request can send any other. For senders that can do nothing better.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use subtle::ConstantTimeEq as _;

use super::keyring::{KeyId, KeyRing};
use super::read::only;
use super::refusal::Refusal;
use super::secret::Secret;

/// Longest user name of basic authentication.
const USER_MAX: usize = 128;

/// How the secret is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// In a header of this name, after this text.
    Header {
        /// The header.
        name: HeaderName,
        /// What stands before the secret, such as `Bearer `; may be empty.
        prefix: String,
    },
    /// As the password of HTTP basic authentication.
    Basic {
        /// The user name.
        user: String,
    },
}

impl Sent {
    /// Whether the user name can be sent at all.
    pub fn is_fit(&self) -> bool {
        match self {
            Self::Header { .. } => true,
            Self::Basic { user } => {
                let plain = |c: char| c.is_ascii_graphic() && c != ':';
                (1..=USER_MAX).contains(&user.len()) && user.chars().all(plain)
            }
        }
    }

    /// The header a request carries it in.
    pub fn header(&self) -> HeaderName {
        match self {
            Self::Header { name, .. } => name.clone(),
            Self::Basic { .. } => AUTHORIZATION,
        }
    }

    /// The value of that header with this secret.
    pub fn value(&self, secret: &Secret) -> Vec<u8> {
        match self {
            Self::Header { prefix, .. } => [prefix.as_bytes(), secret.bytes()].concat(),
            Self::Basic { user } => {
                let pair = [user.as_bytes(), b":", secret.bytes()].concat();
                format!("Basic {}", STANDARD.encode(pair)).into_bytes()
            }
        }
    }

    /// Which secret was sent, compared whole and in constant time.
    pub(super) fn verify(&self, keys: &KeyRing, headers: &HeaderMap) -> Result<KeyId, Refusal> {
        let sent = only(headers, &self.header())?;
        let mut all = keys.keys();
        let key = all.find(|(_, key)| self.value(key).ct_eq(sent).into());
        key.map(|(key, _)| key.clone()).ok_or(Refusal::WrongSecret)
    }
}
