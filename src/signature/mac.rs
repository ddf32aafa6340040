//! HMAC, and the only way to compare one.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::secret::Secret;

/// A message authentication code. Compared only by [`Mac::is`], in constant time (threat W24):
///
/// ```compile_fail
/// let key = estop::signature::Secret::fresh([7; 32]);
/// let mac = || estop::signature::hmac_sha256(&key, &[b"x"]);
/// assert!(mac() == mac());
/// ```
///
/// ```
/// let key = estop::signature::Secret::fresh([7; 32]);
/// let mac = || estop::signature::hmac_sha256(&key, &[b"x"]);
/// assert!(mac().is(mac().bytes()));
/// ```
pub struct Mac([u8; 32]);

impl Mac {
    /// Whether these are the same bytes, in constant time; other lengths are never the same.
    pub fn is(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }

    /// The code itself, to be stored or spelled.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// HMAC-SHA256 of the parts joined without anything between them: where a border matters, the
/// caller puts a byte there that no part can hold.
#[expect(
    clippy::expect_used,
    reason = "HMAC takes a key of any length (RFC 2104)"
)]
pub fn hmac_sha256(key: &Secret, parts: &[&[u8]]) -> Mac {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("any length is a key");
    for part in parts {
        mac.update(part);
    }
    Mac(mac.finalize().into_bytes().into())
}

/// Which hash a sender's HMAC is made with. SHA-1 is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// HMAC-SHA256.
    #[default]
    Sha256,
    /// HMAC-SHA512.
    Sha512,
}

/// A code of either length, compared in constant time.
pub(super) struct Code {
    bytes: [u8; 64],
    length: usize,
}

impl Code {
    /// Whether these are the same bytes.
    pub(super) fn is(&self, other: &[u8]) -> bool {
        self.bytes().ct_eq(other).into()
    }

    /// The code itself, to be spelled.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Digest {
    /// The HMAC of the parts joined without anything between them.
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length (RFC 2104)"
    )]
    pub(super) fn code<'a>(self, key: &Secret, parts: impl Iterator<Item = &'a [u8]>) -> Code {
        let mut bytes = [0; 64];
        let length = match self {
            Self::Sha256 => {
                let mut mac =
                    Hmac::<Sha256>::new_from_slice(key.bytes()).expect("any length is a key");
                parts.for_each(|part| mac.update(part));
                bytes[..32].copy_from_slice(&mac.finalize().into_bytes());
                32
            }
            Self::Sha512 => {
                let mut mac =
                    Hmac::<Sha512>::new_from_slice(key.bytes()).expect("any length is a key");
                parts.for_each(|part| mac.update(part));
                bytes.copy_from_slice(&mac.finalize().into_bytes());
                64
            }
        };
        Code { bytes, length }
    }
}

#[cfg(test)]
mod tests {
    use super::{Secret, hmac_sha256};
    use crate::clock::Clock;
    use crate::domain::moment::Moment;

    #[test]
    fn w24_a_mac_is_itself_and_nothing_shorter_longer_or_bent() {
        let (clock, _hand) = Clock::by_hand(Moment::from_millis(0));
        let key = Secret::fresh(clock.random());
        let mac = hmac_sha256(&key, &[b"one", b"two"]);
        let right = *hmac_sha256(&key, &[b"onetwo"]).bytes();

        let mut bent = right;
        bent[31] ^= 1;

        assert!(mac.is(&right));
        assert!(!mac.is(&bent));
        assert!(!mac.is(&right[..31]));
        assert!(!mac.is(&[]));
    }
}
