//! HMAC in a sender's own manner: which header, how spelled, over what.
//!
//! Promise: one description serves every sender that signs with a shared secret, and the known
//! ones are written down in `known`.
//!
//! Laws
//! * Exactly one header holds the signature; five signatures at most stand in it.
//! * A timestamp that is read is signed, or it would be worth nothing.
//! * An id that is not signed finds no repeat: then the bytes do.

mod fit;
mod known;
mod template;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use serde::Deserialize;

use super::keyring::{KeyId, KeyRing};
use super::mac::Digest;
use super::read::{TimeForm, only, plain_id};
use super::refusal::Refusal;
use super::secret::{KeyForm, Secret};
use crate::domain::moment::Moment;

use template::Filling;
pub use template::Template;

/// Most entries of a header that holds a list.
const ENTRIES_MAX: usize = 8;
/// Most signatures that are tried.
const SIGNATURES_MAX: usize = 5;

/// How the bytes of a code are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Two hex digits a byte.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// How the signature stands in its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// This text and then the code, such as `sha256=` before it.
    Whole {
        /// What stands before the code; may be empty.
        prefix: String,
    },
    /// A comma list of `name=value`; the code stands under this name, perhaps more than once.
    List {
        /// The name, such as `v1`.
        name: String,
    },
}

/// Where the time of sending stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimePlace {
    /// In a header of its own.
    Header(HeaderName),
    /// In the signature's list, under this name.
    Entry(String),
}

/// When a delivery is too old, or too new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeRule {
    /// Where it stands.
    pub place: TimePlace,
    /// How it is written.
    pub form: TimeForm,
    /// How far from our clock it may lie, either way.
    pub tolerance: Duration,
}

/// One sender's manner of signing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// The hash.
    pub digest: Digest,
    /// The header with the signature.
    pub header: HeaderName,
    /// How it stands there.
    pub layout: Layout,
    /// How it is spelled.
    pub encoding: Encoding,
    /// The time of sending, where the sender says it.
    pub time: Option<TimeRule>,
    /// The header with the delivery's id, where it is signed.
    pub id: Option<HeaderName>,
    /// What is signed.
    pub signed: Template,
    /// What the secret file holds.
    pub key: KeyForm,
}

/// The scheme cannot be used. Says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadScheme(pub &'static str);

impl Scheme {
    /// Which key signed exactly these bytes, and the delivery's id where it is signed.
    pub(super) fn verify<'a>(
        &self,
        keys: &KeyRing,
        (headers, body): (&'a HeaderMap, &[u8]),
        now: Moment,
    ) -> Result<(KeyId, Option<&'a str>), Refusal> {
        let value = only(headers, &self.header)?;
        let value = str::from_utf8(value).map_err(|_| Refusal::BadSignature)?;
        let timestamp = match &self.time {
            Some(rule) => {
                let written = match &rule.place {
                    TimePlace::Header(name) => only(headers, name)?,
                    TimePlace::Entry(name) => single(value, name)?.as_bytes(),
                };
                Some(rule.form.fresh(written, now, rule.tolerance)?)
            }
            None => None,
        };
        let id = match &self.id {
            Some(name) => Some(plain_id(only(headers, name)?)?),
            None => None,
        };
        let codes = self.codes(value)?;
        let filling = Filling {
            id: id.unwrap_or_default(),
            timestamp: timestamp.unwrap_or_default(),
            body,
        };
        let genuine = |key: &Secret| {
            let code = self.digest.code(key, self.signed.filled(&filling));
            codes.iter().any(|sent| code.is(sent))
        };
        let mut all = keys.keys();
        let key = all.find(|(_, key)| genuine(key));
        key.map(|(key, _)| (key.clone(), id))
            .ok_or(Refusal::WrongSignature)
    }

    /// How many seconds ago it was sent by its own word, and how many are allowed.
    pub(super) fn age(&self, headers: &HeaderMap, now: Moment) -> Option<(i64, u64)> {
        let rule = self.time.as_ref()?;
        let written = match &rule.place {
            TimePlace::Header(name) => only(headers, name).ok()?,
            TimePlace::Entry(name) => {
                let value = str::from_utf8(only(headers, &self.header).ok()?).ok()?;
                single(value, name).ok()?.as_bytes()
            }
        };
        Some((rule.form.age(written, now)?, rule.tolerance.as_secs()))
    }

    /// Signs as the sender does: the headers to send.
    pub fn sign(
        &self,
        key: &Secret,
        (id, at): (&str, Moment),
        body: &[u8],
    ) -> Vec<(HeaderName, String)> {
        let timestamp = self.time.as_ref().map(|rule| rule.form.write(at));
        let filling = Filling {
            id,
            timestamp: timestamp.as_deref().unwrap_or_default(),
            body,
        };
        let code = self.digest.code(key, self.signed.filled(&filling));
        let code = match self.encoding {
            Encoding::Hex => hex::encode(code.bytes()),
            Encoding::Base64 => STANDARD.encode(code.bytes()),
        };
        let mut headers = Vec::new();
        let value = match (&self.layout, self.time.as_ref().map(|rule| &rule.place)) {
            (Layout::Whole { prefix }, _) => format!("{prefix}{code}"),
            (Layout::List { name }, Some(TimePlace::Entry(time))) => {
                format!("{time}={},{name}={code}", filling.timestamp)
            }
            (Layout::List { name }, Some(TimePlace::Header(_)) | None) => format!("{name}={code}"),
        };
        headers.push((self.header.clone(), value));
        if let Some(TimePlace::Header(name)) = self.time.as_ref().map(|rule| &rule.place) {
            headers.push((name.clone(), filling.timestamp.to_owned()));
        }
        if let Some(name) = &self.id {
            headers.push((name.clone(), id.to_owned()));
        }
        headers
    }

    /// The codes in the header, decoded; what is not in its form is passed over in a list and
    /// ends it otherwise.
    fn codes(&self, value: &str) -> Result<Vec<Vec<u8>>, Refusal> {
        match &self.layout {
            Layout::Whole { prefix } => {
                let code = value.strip_prefix(prefix.as_str());
                let code = code.and_then(|code| self.decoded(code));
                code.map(|code| vec![code]).ok_or(Refusal::BadSignature)
            }
            Layout::List { name } => {
                let codes: Vec<_> = entries(value)?
                    .filter(|(key, _)| *key == name.as_str())
                    .take(SIGNATURES_MAX)
                    .filter_map(|(_, code)| self.decoded(code))
                    .collect();
                if codes.is_empty() {
                    return Err(Refusal::BadSignature);
                }
                Ok(codes)
            }
        }
    }

    fn decoded(&self, code: &str) -> Option<Vec<u8>> {
        match self.encoding {
            Encoding::Hex => hex::decode(code).ok(),
            Encoding::Base64 => STANDARD.decode(code).ok(),
        }
    }
}

fn entries(value: &str) -> Result<impl Iterator<Item = (&str, &str)>, Refusal> {
    if value.split(',').count() > ENTRIES_MAX {
        return Err(Refusal::BadSignature);
    }
    Ok(value.split(',').filter_map(|entry| entry.split_once('=')))
}

/// The one entry of this name: with two, two readers might each believe another.
fn single<'a>(value: &'a str, name: &str) -> Result<&'a str, Refusal> {
    let mut found = entries(value)?.filter(|(key, _)| *key == name);
    match (found.next(), found.next()) {
        (Some((_, written)), None) => Ok(written),
        (_, _) => Err(Refusal::BadTimestamp),
    }
}

#[cfg(test)]
mod tests;
