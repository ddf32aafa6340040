//! Names for our own things: a prefix and 26 letters.
//!
//! An id is 16 bytes (a version 7 UUID) in the store and `run_06b2…` everywhere else: a prefix that
//! says what it names, then lower-case Crockford base32, which has no letters that look alike.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LETTERS: usize = 26;

/// This text is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}_ and 26 letters and digits")]
pub struct NotAnId {
    text: String,
    prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text form begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Names the thing that carries this UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The 16 bytes the store keeps.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, spell(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix(Self::PREFIX)
                    .and_then(|rest| rest.strip_prefix('_'))
                    .and_then(read)
                    .map(Self)
                    .ok_or_else(|| NotAnId { text: text.chars().take(64).collect(), prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// One signed POST, as received.
    DeliveryId = "dlv";
    /// One sensor's claim. Shares its UUID with the delivery that brought it first.
    DetectionId = "det";
    /// One playbook being carried out for one entity of one detection.
    RunId = "run";
    /// One person's word: contain, undo, resume, stop, mode, brake.
    OrderId = "ord";
    /// One thing a person should be told.
    NoticeId = "ntc";
    /// One drill.
    DrillId = "drl";
    /// One thing that takes two people.
    MotionId = "mot";
    /// One freeze of the tenant. Shares its UUID with the motion that proposed it.
    FreezeId = "frz";
    /// One API token; also the part of it that looks it up.
    TokenId = "tok";
    /// One question to people about a run.
    ApprovalId = "apr";
    /// One person's own credential; also the part of it that looks it up.
    PersonId = "per";
    /// One announced change, during which noisy detections are asked about.
    ExpectationId = "exp";
}

impl From<DeliveryId> for DetectionId {
    fn from(delivery: DeliveryId) -> Self {
        Self(delivery.0)
    }
}

fn spell(uuid: Uuid) -> String {
    let mut rest = uuid.as_u128();
    let mut letters = [b'0'; LETTERS];
    for letter in letters.iter_mut().rev() {
        *letter = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    String::from_utf8_lossy(&letters).into_owned()
}

fn read(letters: &str) -> Option<Uuid> {
    if letters.len() != LETTERS {
        return None;
    }
    let mut value: u128 = 0;
    for (place, letter) in letters.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|known| *known == letter)?;
        // 26 letters hold 130 bits: the first may use only three of its five.
        if place == 0 && digit > 7 {
            return None;
        }
        value = (value << 5) | digit as u128;
    }
    Some(Uuid::from_u128(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{DeliveryId, DetectionId, RunId};

    proptest! {
        #[test]
        fn an_id_is_read_back_from_its_own_text(bits: u128) {
            let id = RunId::from_uuid(Uuid::from_u128(bits));

            prop_assert_eq!(id.to_string().parse::<RunId>(), Ok(id));
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let delivery = DeliveryId::from_uuid(Uuid::from_u128(7));

        assert!(delivery.to_string().parse::<RunId>().is_err());
    }

    #[test]
    fn a_detection_shares_its_letters_with_its_delivery() {
        let delivery = DeliveryId::from_uuid(Uuid::from_u128(7));

        let detection = DetectionId::from(delivery).to_string();

        assert_eq!(
            detection.strip_prefix("det_"),
            delivery.to_string().strip_prefix("dlv_")
        );
    }
}
