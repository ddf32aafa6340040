//! Ed25519: what we sign so that anyone can check it without us.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::mac::hmac_sha256;
use super::secret::Secret;

/// Length of a public key, in bytes.
const PUBLIC_BYTES: usize = 32;
/// What the text forms of Standard Webhooks begin with.
const PRIVATE: &str = "whsk_";
const PUBLIC: &str = "whpk_";

/// What a key signs. Each use makes another key of the same secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Bundles of evidence.
    Evidence,
    /// Heads of the record.
    Anchors,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Evidence => b"estop evidence key v1",
            Self::Anchors => b"estop anchor key v1",
        }
    }
}

/// A private key. It cannot be printed or serialized.
pub struct SigningKey(Ed25519KeyPair);

/// The public half, written as 44 characters of base64; read with `whpk_` before them, too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC_BYTES]);

impl SigningKey {
    /// The key that belongs to a secret and a use, always the same one. `None` if the library
    /// refuses it, which it does for no secret.
    pub fn new(secret: &Secret, purpose: Purpose) -> Option<Self> {
        let seed = hmac_sha256(secret, &[purpose.label()]);
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes()).ok()?;
        Some(Self(pair))
    }

    /// Reads `whsk_` and base64 of the private and the public half, as Standard Webhooks writes a
    /// private key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let unfit = || "a private key is `whsk_` and 88 characters of base64".to_owned();
        let coded = text.trim_ascii().strip_prefix(PRIVATE).ok_or_else(unfit)?;
        let bytes = STANDARD.decode(coded).map_err(|_| unfit())?;
        let (seed, public) = bytes.split_at_checked(PUBLIC_BYTES).ok_or_else(unfit)?;
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public);
        pair.map(Self).map_err(|_| unfit())
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; PUBLIC_BYTES];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs these bytes: 64 bytes, in base64.
    pub fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.0.sign(message))
    }
}

impl PublicKey {
    /// Did the private half sign exactly these bytes?
    pub fn holds(&self, message: &[u8], signature: &str) -> bool {
        let signature = STANDARD.decode(signature);
        signature.is_ok_and(|signature| self.verifies(message, &signature))
    }

    /// The same for the signature's bytes.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        key.verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let coded = text.strip_prefix(PUBLIC).unwrap_or(text);
        let bytes = STANDARD.decode(coded).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| "a public key is 44 characters of base64".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{PublicKey, Purpose, SigningKey};
    use crate::signature::Secret;

    fn key(seed: u8) -> SigningKey {
        let drawn = std::array::from_fn(|n| seed.wrapping_add((n as u8).wrapping_mul(97)));
        SigningKey::new(&Secret::fresh(drawn), Purpose::Evidence).unwrap()
    }

    #[test]
    fn a_signature_holds_for_its_own_key_and_bytes_only() {
        let signed = key(1).sign(b"what was read");

        assert!(key(1).public().holds(b"what was read", &signed));
        assert!(!key(1).public().holds(b"what was Read", &signed));
        assert!(!key(2).public().holds(b"what was read", &signed));
        assert!(!key(1).public().holds(b"what was read", "AAAA"));
    }

    /// A signature of one use must not pass for another's, and the keys outlive every release.
    #[test]
    fn each_use_has_a_key_of_its_own_and_it_stays_the_same() {
        let secret = || Secret::of_bytes(&[7; 32]);
        let public = |purpose| SigningKey::new(&secret(), purpose).unwrap().public();

        assert_eq!(
            public(Purpose::Evidence).to_string(),
            "KCY3/ZS83EWaLC1TGoZaJ3JSCv1nHOjhMqmdL32Y4ME="
        );
        assert_eq!(
            public(Purpose::Anchors).to_string(),
            "kliBU3Ol7UW35jISovTzxcNTviPrJ2HY3wkH0optTKU="
        );
    }

    #[test]
    fn a_public_key_is_read_back_from_its_own_text() {
        let public = key(1).public();

        assert_eq!(public.to_string().parse::<PublicKey>(), Ok(public));
        assert_eq!(format!("whpk_{public}").parse::<PublicKey>(), Ok(public));
        assert!("AAAA".parse::<PublicKey>().is_err());
        assert_eq!(format!("{public:?}"), format!("PublicKey({public})"));
    }
}
