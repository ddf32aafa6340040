//! Standard Webhooks: over `{id}.{timestamp}.{body}`, as raw bytes, HMAC-SHA256 (version 1) or
//! Ed25519 (version 1a).
//!
//! Knows: three headers, raw bytes, our clock's word.
//! Never: the body's meaning, which header a proxy added.
//!
//! Laws
//! * Exactly one of each header; an id has no dot; a timestamp is plain digits within 300 s.
//! * A signature is 32 whole bytes in strict base64, compared in constant time; or 64, checked
//!   against a public key.
//!
//! Source: the Standard Webhooks specification; its published vectors are tests here.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};

use crate::domain::moment::Moment;

use super::keyring::{KEYS_MAX, KeyId, KeyRing, Unusable, stem_of, unusable};
use super::mac::{Mac, hmac_sha256};
use super::read::{TimeForm, only, plain_id};
use super::refusal::Refusal;
use super::secret::Secret;
use super::signing::{PublicKey, SigningKey};

/// How far a timestamp may lie from our clock, either way, in seconds.
pub const TOLERANCE_SECONDS: u64 = 300;
/// Most entries of a signature list.
const ENTRIES_MAX: usize = 5;
/// Most bytes of a public key file.
const PUBLIC_FILE_MAX: u64 = 4096;

/// The three headers, in the lower case that HTTP compares them in.
pub mod header {
    /// Names the delivery, the same on every retry.
    pub const ID: &str = "webhook-id";
    /// Unix seconds of this attempt.
    pub const TIMESTAMP: &str = "webhook-timestamp";
    /// A list of `v1,` and base64, separated by spaces.
    pub const SIGNATURE: &str = "webhook-signature";
}

/// Under which names the three headers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    Standard,
    /// `svix-id`, `svix-timestamp`, `svix-signature`.
    Svix,
}

impl Names {
    /// The names of id, timestamp and signature.
    pub const fn all(self) -> [HeaderName; 3] {
        match self {
            Self::Standard => [
                HeaderName::from_static(header::ID),
                HeaderName::from_static(header::TIMESTAMP),
                HeaderName::from_static(header::SIGNATURE),
            ],
            Self::Svix => [
                HeaderName::from_static("svix-id"),
                HeaderName::from_static("svix-timestamp"),
                HeaderName::from_static("svix-signature"),
            ],
        }
    }
}

/// What a source signs with: secrets, public keys, or both while one replaces the other.
pub struct Webhooks {
    names: Names,
    secrets: Option<KeyRing>,
    publics: Vec<(KeyId, PublicKey)>,
}

impl Webhooks {
    /// One way to sign at least.
    pub fn new(
        names: Names,
        secrets: Option<KeyRing>,
        publics: Vec<(KeyId, PublicKey)>,
    ) -> Result<Self, Unusable> {
        if publics.len() > KEYS_MAX || (secrets.is_none() && publics.is_empty()) {
            return Err(unusable(
                format!("{} public keys are named, and no secret", publics.len()),
                "Name a secret file or a public key, two of a kind at most",
            ));
        }
        Ok(Self {
            names,
            secrets,
            publics,
        })
    }

    /// How many seconds ago a delivery was sent by its own word, and how many are allowed.
    pub(super) fn age(&self, headers: &HeaderMap, now: Moment) -> Option<(i64, u64)> {
        let [_, name, _] = self.names.all();
        let age = TimeForm::Seconds.age(only(headers, &name).ok()?, now)?;
        Some((age, TOLERANCE_SECONDS))
    }

    /// The names of its headers.
    pub(super) const fn names(&self) -> Names {
        self.names
    }

    /// Its secrets, where it has some.
    pub(super) fn secrets(&self) -> Option<&KeyRing> {
        self.secrets.as_ref()
    }

    /// Which key signed exactly these bytes within the tolerance, and the delivery's own id.
    pub(super) fn verify<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<(KeyId, &'a str), Refusal> {
        let heard = Heard::of(self.names, headers, now)?;
        if let Some(key) = self
            .secrets
            .as_ref()
            .and_then(|ring| heard.signed_by(ring, body))
        {
            return Ok((key, heard.id));
        }
        for (key, public) in &self.publics {
            if heard.is_by(public, body) {
                return Ok((key.clone(), heard.id));
            }
        }
        Err(Refusal::WrongSignature)
    }
}

/// Reads a public key: `whpk_` and base64. Its stem names it; it is no secret.
pub fn public_key_in(path: &Path) -> Result<(KeyId, PublicKey), Unusable> {
    use std::io::Read as _;

    let shown = path.display();
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(PUBLIC_FILE_MAX).read_to_string(&mut text));
    let bad = |why: String| unusable(format!("{shown}: {why}"), "Put the sender's `whpk_…` there");
    read.map_err(|error| bad(error.to_string()))?;
    let key = text.trim_ascii().parse().map_err(bad)?;
    Ok((stem_of(path)?, key))
}

/// Signs as a sender does: the value of the signature header, `v1,` and base64.
pub fn sign(key: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    let mac = mac_of(key, id, &timestamp.to_string(), body);
    format!("v1,{}", STANDARD.encode(mac.bytes()))
}

/// The same with a private key: `v1a,` and base64.
pub fn sign_v1a(key: &SigningKey, id: &str, timestamp: i64, body: &[u8]) -> String {
    let message = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    format!("v1a,{}", key.sign(&message))
}

/// Whether one of these keys signed exactly these bytes within the tolerance, and which.
pub fn verify(
    keys: &KeyRing,
    headers: &HeaderMap,
    body: &[u8],
    now: Moment,
) -> Result<KeyId, Refusal> {
    let heard = Heard::of(Names::Standard, headers, now)?;
    heard.signed_by(keys, body).ok_or(Refusal::WrongSignature)
}

/// The three headers, read and still to be proved.
struct Heard<'a> {
    id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

impl<'a> Heard<'a> {
    fn of(names: Names, headers: &'a HeaderMap, now: Moment) -> Result<Self, Refusal> {
        let [id, timestamp, signature] = names.all();
        let id = plain_id(only(headers, &id)?)?;
        let tolerance = Duration::from_secs(TOLERANCE_SECONDS);
        let timestamp = only(headers, &timestamp)?;
        let timestamp = TimeForm::Seconds.fresh(timestamp, now, tolerance)?;
        let signatures = only(headers, &signature)?;
        let signatures = str::from_utf8(signatures).map_err(|_| Refusal::BadSignature)?;
        if signatures.split(' ').count() > ENTRIES_MAX {
            return Err(Refusal::BadSignature);
        }
        Ok(Self {
            id,
            timestamp,
            signatures,
        })
    }

    fn signed_by(&self, keys: &KeyRing, body: &[u8]) -> Option<KeyId> {
        let signatures: Vec<[u8; 32]> = self.entries("v1,").collect();
        let genuine = |key: &Secret| {
            let mac = mac_of(key, self.id, self.timestamp, body);
            signatures.iter().any(|signature| mac.is(signature))
        };
        let mut all = keys.keys();
        all.find(|(_, key)| genuine(key)).map(|(id, _)| id.clone())
    }

    fn is_by(&self, key: &PublicKey, body: &[u8]) -> bool {
        let mut signatures = self.entries::<64>("v1a,").peekable();
        if signatures.peek().is_none() {
            return false;
        }
        let start = format!("{}.{}.", self.id, self.timestamp);
        let message = [start.as_bytes(), body].concat();
        signatures.any(|signature| key.verifies(&message, &signature))
    }

    /// The well-formed entries of one version; other versions and broken entries are passed over.
    fn entries<const N: usize>(&self, version: &'static str) -> impl Iterator<Item = [u8; N]> {
        let entries = self.signatures.split(' ');
        let coded = entries.filter_map(move |entry| entry.strip_prefix(version));
        // The engine refuses missing padding and trailing bits, so that one code has one spelling.
        let decoded = coded.filter_map(|coded| STANDARD.decode(coded).ok());
        decoded.filter_map(|bytes| bytes.try_into().ok())
    }
}

fn mac_of(key: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Mac {
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    hmac_sha256(key, &parts)
}

#[cfg(test)]
mod tests;
