//! Standard Webhooks, version 1: HMAC-SHA256 over `{id}.{timestamp}.{body}`, as raw bytes.
//!
//! Knows: three headers, raw bytes, our clock's word.
//! Never: the body's meaning, which header a proxy added.
//!
//! Laws
//! * Exactly one of each header; an id has no dot; a timestamp is plain digits within 300 s.
//! * A signature is 32 whole bytes in strict base64, compared in constant time.
//!
//! Source: the Standard Webhooks specification; its published vectors are tests here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use crate::domain::moment::Moment;

use super::keyring::{KeyId, KeyRing};
use super::mac::{Mac, hmac_sha256};
use super::secret::Secret;

/// How far a timestamp may lie from our clock, either way, in seconds.
pub const TOLERANCE_SECONDS: u64 = 300;
/// Most characters of an id.
const ID_MAX: usize = 128;
/// Most digits of a timestamp.
const DIGITS_MAX: usize = 12;
/// Most entries of a signature list.
const ENTRIES_MAX: usize = 5;

/// The three headers, in the lower case that HTTP compares them in.
pub mod header {
    /// Names the delivery, the same on every retry.
    pub const ID: &str = "webhook-id";
    /// Unix seconds of this attempt.
    pub const TIMESTAMP: &str = "webhook-timestamp";
    /// A list of `v1,` and base64, separated by spaces.
    pub const SIGNATURE: &str = "webhook-signature";
}

/// Why a delivery is not believed. Told to our log, never to the sender (threat W25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This header is absent.
    Missing(&'static str),
    /// This header stands there more than once.
    Repeated(&'static str),
    /// The id holds something else than 1 to 128 letters, digits, `-` and `_`.
    BadId,
    /// The timestamp is not plain decimal seconds.
    BadTimestamp,
    /// The timestamp lies more than [`TOLERANCE_SECONDS`] in the past.
    TooOld,
    /// The timestamp lies more than [`TOLERANCE_SECONDS`] in the future.
    TooNew,
    /// The signature list is not text, or has more than five entries.
    BadSignature,
    /// No entry is the signature of these bytes by a key of this source.
    WrongSignature,
}

impl Refusal {
    /// One word for logs and counters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing(_) => "header_missing",
            Self::Repeated(_) => "header_repeated",
            Self::BadId => "bad_id",
            Self::BadTimestamp => "bad_timestamp",
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::BadSignature => "bad_signature",
            Self::WrongSignature => "wrong_signature",
        }
    }
}

/// Signs as a sender does: the value of the signature header, `v1,` and base64.
pub fn sign(key: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mac = mac_of(key, id, &timestamp.to_string(), body);
    format!("v1,{}", STANDARD.encode(mac.bytes()))
}

/// Whether one of these keys signed exactly these bytes within the tolerance, and which.
pub fn verify(
    keys: &KeyRing,
    headers: &HeaderMap,
    body: &[u8],
    now: Moment,
) -> Result<KeyId, Refusal> {
    let id = plain_id(only(headers, header::ID)?)?;
    let timestamp = fresh_timestamp(only(headers, header::TIMESTAMP)?, now)?;
    let signatures = signatures(only(headers, header::SIGNATURE)?)?;
    for (key_id, key) in keys.keys() {
        let mac = mac_of(key, id, timestamp, body);
        if signatures.iter().any(|signature| mac.is(signature)) {
            return Ok(key_id.clone());
        }
    }
    Err(Refusal::WrongSignature)
}

/// The one value of a header: with two, a proxy and we might each believe another (threat W05).
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a [u8], Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().ok_or(Refusal::Missing(name))?;
    match values.next() {
        Some(_) => Err(Refusal::Repeated(name)),
        None => Ok(first.as_bytes()),
    }
}

/// An id without a dot, or it could shift the border between id, timestamp and body (threat W10).
fn plain_id(value: &[u8]) -> Result<&str, Refusal> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let fits = (1..=ID_MAX).contains(&value.len()) && value.iter().all(plain);
    let id = fits.then(|| str::from_utf8(value).ok()).flatten();
    id.ok_or(Refusal::BadId)
}

fn fresh_timestamp(value: &[u8], now: Moment) -> Result<&str, Refusal> {
    let digits = (1..=DIGITS_MAX).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    // Two spellings of one number would be two signed texts with one meaning.
    let plain = digits && (value.len() == 1 || value[0] != b'0');
    let text = plain.then(|| str::from_utf8(value).ok()).flatten();
    let text = text.ok_or(Refusal::BadTimestamp)?;
    let sent: i64 = text.parse().map_err(|_| Refusal::BadTimestamp)?;
    let age = now.as_seconds().checked_sub(sent);
    match age.ok_or(Refusal::BadTimestamp)? {
        age if age.unsigned_abs() <= TOLERANCE_SECONDS => Ok(text),
        age if age > 0 => Err(Refusal::TooOld),
        _ => Err(Refusal::TooNew),
    }
}

/// The well-formed version 1 entries; other versions and broken entries are passed over.
fn signatures(value: &[u8]) -> Result<Vec<[u8; 32]>, Refusal> {
    let text = str::from_utf8(value).map_err(|_| Refusal::BadSignature)?;
    if text.split(' ').count() > ENTRIES_MAX {
        return Err(Refusal::BadSignature);
    }
    let entries = text
        .split(' ')
        .filter_map(|entry| entry.strip_prefix("v1,"));
    // The engine refuses missing padding and trailing bits, so that one code has one spelling.
    let decoded = entries.filter_map(|coded| STANDARD.decode(coded).ok());
    Ok(decoded.filter_map(|bytes| bytes.try_into().ok()).collect())
}

fn mac_of(key: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Mac {
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    hmac_sha256(key, &parts)
}

#[cfg(test)]
mod tests;
