//! One shared secret, in memory.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

/// Fewest bytes a secret may have (Standard Webhooks: 24 to 64).
const BYTES_MIN: usize = 24;
/// Most bytes a secret may have.
const BYTES_MAX: usize = 64;
/// Most bytes of a secret that a sender's page shows as text.
const TEXT_MAX: usize = 256;
/// What the text form begins with.
const PREFIX: &str = "whsec_";

/// Words that stand in examples, and so in the key of whoever copied the example.
const PLACEHOLDERS: [&str; 8] = [
    "changeme",
    "change-me",
    "change_me",
    "example",
    "placeholder",
    "password",
    "replace",
    "your-secret",
];

/// Secrets that are printed in public libraries and so are known to everyone.
const PUBLISHED: [&str; 5] = [
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "It's a Secret to Everybody",
    "8f742231b10e8888abcd99yyyzzz85a5",
    "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA=",
];

/// What a sender calls its secret, and so what the secret file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyForm {
    /// `whsec_` and the key's bytes in base64 (Standard Webhooks).
    #[default]
    Whsec,
    /// The text as it stands is the key (GitHub, Slack, Stripe).
    Text,
    /// The key's bytes in base64 (Teams).
    Base64,
}

/// A shared secret of 24 to 64 bytes. It is wiped when dropped.
///
/// It cannot be printed, serialized or compared by accident (threat W24):
///
/// ```compile_fail
/// let secret = estop::signature::Secret::fresh([7; 32]);
/// println!("{secret:?}");
/// ```
///
/// ```compile_fail
/// let secret = estop::signature::Secret::fresh([7; 32]);
/// serde_json::to_string(&secret);
/// ```
///
/// ```compile_fail
/// let (one, other) = (
///     estop::signature::Secret::fresh([7; 32]),
///     estop::signature::Secret::fresh([7; 32]),
/// );
/// assert!(one == other);
/// ```
///
/// What does compile, so that the three above fail for their own reason:
///
/// ```
/// let secret = estop::signature::Secret::fresh([7; 32]);
/// assert!(secret.is(&secret));
/// ```
pub struct Secret(SecretSlice<u8>);

/// Why a text is not a usable secret. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASecret {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// Something else stands before the base64.
    #[error("it does not begin with `whsec_`")]
    NoPrefix,
    /// The rest is not padded standard base64.
    #[error("what follows `whsec_` is not padded standard base64")]
    NotBase64,
    /// Too few bytes to be hard to guess.
    #[error("it has {0} bytes and needs at least {BYTES_MIN}")]
    TooShort(usize),
    /// More bytes than the standard allows.
    #[error("it has {0} bytes and may have at most {1}")]
    TooLong(usize, usize),
    /// An example, a word or a pattern.
    #[error("it is a placeholder or a published example, so everyone knows it")]
    Known,
}

impl Secret {
    /// Reads `whsec_` and base64; white space around it is cut, as editors add a last newline.
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        Self::parse_as(text, KeyForm::Whsec)
    }

    /// The same for a secret in the form its sender gives it.
    pub fn parse_as(text: &str, form: KeyForm) -> Result<Self, NotASecret> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(NotASecret::Empty);
        }
        let decoded = |coded| STANDARD.decode(coded).map_err(|_| NotASecret::NotBase64);
        let (shown, bytes, most) = match form {
            KeyForm::Whsec => {
                let coded = text.strip_prefix(PREFIX).ok_or(NotASecret::NoPrefix)?;
                (coded, decoded(coded)?, BYTES_MAX)
            }
            KeyForm::Base64 => (text, decoded(text)?, BYTES_MAX),
            KeyForm::Text => (text, text.as_bytes().to_vec(), TEXT_MAX),
        };
        let secret = Self(bytes.into());
        match secret.bytes().len() {
            length if length < BYTES_MIN => Err(NotASecret::TooShort(length)),
            length if length > most => Err(NotASecret::TooLong(length, most)),
            _ if PUBLISHED.contains(&shown) || is_pattern(secret.bytes()) => Err(NotASecret::Known),
            _ => Ok(secret),
        }
    }

    /// A fresh secret of 32 bytes that chance drew: `Secret::fresh(clock.random())`.
    pub fn fresh(drawn: [u8; 32]) -> Self {
        Self(drawn.to_vec().into())
    }

    /// The text form, for the one moment a person is shown a new secret or it is written to its
    /// file.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.bytes()))
    }

    /// Whether both are the same, in constant time.
    pub fn is(&self, other: &Self) -> bool {
        self.bytes().ct_eq(other.bytes()).into()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// A secret whatever its bytes: published test vectors use published secrets.
    #[cfg(test)]
    pub(super) fn unchecked(text: &str) -> Self {
        let coded = text.strip_prefix(PREFIX).unwrap();
        Self::of_bytes(&STANDARD.decode(coded).unwrap())
    }

    /// The same for bare bytes.
    #[cfg(test)]
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec().into())
    }
}

/// Whether these bytes repeat a short piece, count up, or spell a word of an example.
fn is_pattern(bytes: &[u8]) -> bool {
    let repeats = (1..=8).any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b));
    let counts = bytes
        .windows(2)
        .all(|pair| pair[0].wrapping_add(1) == pair[1]);
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    repeats || counts || PLACEHOLDERS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{NotASecret, Secret};
    use crate::clock::Clock;
    use crate::domain::moment::Moment;

    fn spelled(bytes: &[u8]) -> String {
        format!("whsec_{}", STANDARD.encode(bytes))
    }

    fn mixed(length: u8) -> Vec<u8> {
        (0..length).map(|n| n.wrapping_mul(97) ^ 0x5A).collect()
    }

    #[test]
    fn w07_an_empty_short_or_known_secret_is_refused() {
        let bad = [
            (String::new(), NotASecret::Empty),
            (" \n".to_owned(), NotASecret::Empty),
            ("whsec_".to_owned(), NotASecret::TooShort(0)),
            (STANDARD.encode(mixed(32)), NotASecret::NoPrefix),
            ("whsec_????".to_owned(), NotASecret::NotBase64),
            (format!("whsec_{}", "-_".repeat(16)), NotASecret::NotBase64),
            (spelled(&mixed(23)), NotASecret::TooShort(23)),
            (spelled(&mixed(65)), NotASecret::TooLong(65, 64)),
            (spelled(&[0; 32]), NotASecret::Known),
            (spelled(b"abcabcabcabcabcabcabcabc"), NotASecret::Known),
            (spelled(&(0..32).collect::<Vec<u8>>()), NotASecret::Known),
            (spelled(b"ChangeMe, please! 1234567"), NotASecret::Known),
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
                NotASecret::Known,
            ),
        ];

        for (text, why) in bad {
            assert_eq!(Secret::parse(&text).err(), Some(why), "{text}");
        }
    }

    #[test]
    fn a_secret_of_24_to_64_bytes_is_taken_with_its_last_newline() {
        for length in [24, 32, 64] {
            let text = format!("{}\n", spelled(&mixed(length)));

            assert!(Secret::parse(&text).is_ok(), "{length} bytes");
        }
    }

    #[test]
    fn a_fresh_secret_is_read_back_from_its_own_text() {
        let (clock, _hand) = Clock::by_hand(Moment::from_millis(0));
        let secret = Secret::fresh(clock.random());

        let again = Secret::parse(&secret.reveal()).unwrap();

        assert!(again.is(&secret));
        assert!(!again.is(&Secret::fresh(clock.random())));
    }
}
