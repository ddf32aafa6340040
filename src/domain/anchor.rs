//! An anchor: the head of the record at one moment, signed, and kept where whoever changes the store
//! cannot reach it.

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::record::Seal;

/// A signed head of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The record it ends with.
    pub number: i64,
    /// That record's seal, in hex.
    #[serde(with = "hex_seal")]
    pub seal: Seal,
    /// When.
    pub at: Moment,
    /// The public key (Ed25519, base64).
    pub key: String,
    /// What it signed is [`statement`] (base64).
    pub signature: String,
}

/// The exact bytes that are signed.
pub fn statement(number: i64, seal: Seal, at: Moment) -> String {
    let (seal, at) = (seal.hex(), at.as_millis());
    format!("estop anchor 1\n{number}\n{seal}\n{at}\n")
}

mod hex_seal {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::Seal;

    pub(super) fn serialize<S: Serializer>(seal: &Seal, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&seal.hex())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Seal, D::Error> {
        let text = String::deserialize(from)?;
        Seal::from_hex(&text).ok_or_else(|| D::Error::custom("a seal is 64 hex digits"))
    }
}
