//! Bodies at rest, closed with a key that lies outside the database.
//!
//! Knows: a file of keys, AES-256-GCM.
//! Never: what a body says, where it is stored.
//!
//! Laws
//! * A body is opened only as the delivery it was closed for: the delivery's id is part of what is
//!   authenticated, so that two bodies cannot be swapped.
//! * No two bodies are closed with the same nonce: 96 random bits each, and a key is for fewer than
//!   2^32 of them (NIST SP 800-38D).
//! * A key cannot be printed.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::signature::private_text;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Most keys in a file: the one in use and those before it.
const KEYS_MAX: usize = 16;

/// The keys: the first closes, each opens what it closed.
pub struct Vault(Vec<Key>);

struct Key {
    id: String,
    key: RandomizedNonceKey,
}

/// A body as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Which key closed it; `None` where it lies open.
    pub key: Option<String>,
    /// Nonce, what was enciphered, tag; or the body itself.
    pub bytes: Vec<u8>,
}

/// A body cannot be closed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key that closed it is not in the file.
    #[error("a body is closed with the key {0}, which is not in the file `store_key_file` names")]
    NoKey(String),
    /// It was changed, or belongs to another delivery.
    #[error("a body does not open with its key: it was changed, or is another delivery's")]
    Changed,
}

/// A file of keys cannot be used. Says nothing of the keys themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It cannot be read, or others may read it.
    #[error("{0}")]
    Unreadable(String),
    /// It has no key.
    #[error(
        "it has no key: write 32 random bytes in base64, such as from `openssl rand -base64 32`"
    )]
    Empty,
    /// It has more keys than anyone needs.
    #[error("it has more than {KEYS_MAX} keys")]
    TooMany,
    /// A line is no key.
    #[error("line {0} is no key: 32 bytes in base64, which are 44 characters")]
    NotAKey(usize),
}

impl Vault {
    /// No key: bodies lie open.
    pub const fn open_door() -> Self {
        Self(Vec::new())
    }

    /// Reads a file of keys, one a line; lines that begin with `#` are for people.
    pub fn from_file(path: &Path) -> Result<Self, Unfit> {
        let text = private_text(path).map_err(|why| Unfit::Unreadable(why.to_string()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, Unfit> {
        let mut keys = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            keys.push(Key::parse(line).ok_or(Unfit::NotAKey(number))?);
        }
        match keys.len() {
            0 => Err(Unfit::Empty),
            1..=KEYS_MAX => Ok(Self(keys)),
            _ => Err(Unfit::TooMany),
        }
    }

    /// Closes a body for the delivery with this id.
    pub fn close(&self, body: &[u8], delivery: &[u8; 16]) -> Result<Closed, Error> {
        let Some(Key { id, key }) = self.0.first() else {
            return Ok(Closed {
                key: None,
                bytes: body.to_vec(),
            });
        };
        let mut closed = body.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(delivery), &mut closed);
        let nonce = nonce.map_err(|_| Error::Changed)?;
        let mut bytes = nonce.as_ref().to_vec();
        bytes.append(&mut closed);
        Ok(Closed {
            key: Some(id.clone()),
            bytes,
        })
    }

    /// Opens the body of this delivery.
    pub fn open(&self, closed: Closed, delivery: &[u8; 16]) -> Result<Vec<u8>, Error> {
        let Some(id) = closed.key else {
            return Ok(closed.bytes);
        };
        let Some(Key { key, .. }) = self.0.iter().find(|key| key.id == id) else {
            return Err(Error::NoKey(id));
        };
        let (nonce, rest) = closed
            .bytes
            .split_at_checked(NONCE_LEN)
            .ok_or(Error::Changed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Changed)?;
        let mut body = rest.to_vec();
        let opened = key.open_in_place(nonce, Aad::from(delivery), &mut body);
        let length = opened.map_err(|_| Error::Changed)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// Is this one of the keys?
    pub fn has(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id == id)
    }
}

impl Key {
    fn parse(line: &str) -> Option<Self> {
        let bytes = STANDARD.decode(line).ok()?;
        let bytes: [u8; KEY_BYTES] = bytes.try_into().ok()?;
        let mut named = Sha256::new();
        named.update(b"estop body key 1\n");
        named.update(bytes);
        Some(Self {
            id: hex::encode(&named.finalize()[..4]),
            key: RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()?,
        })
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids = self.0.iter().map(|key| &key.id);
        f.debug_list().entries(ids).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, STANDARD, Unfit, Vault};
    use base64::Engine as _;

    fn line(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    #[test]
    fn a_closed_body_opens_for_its_own_delivery_and_key_only() {
        let vault = Vault::parse(&line(1)).unwrap();
        let other = Vault::parse(&line(2)).unwrap();
        let closed = vault.close(b"what was sent", &[7; 16]).unwrap();

        assert!(!closed.bytes.windows(4).any(|part| part == b"what"));
        assert_eq!(
            vault.open(closed.clone(), &[7; 16]).unwrap(),
            b"what was sent"
        );
        assert_eq!(vault.open(closed.clone(), &[8; 16]), Err(Error::Changed));
        let id = closed.key.clone().unwrap();
        assert_eq!(other.open(closed.clone(), &[7; 16]), Err(Error::NoKey(id)));
        let mut changed = closed;
        *changed.bytes.last_mut().unwrap() ^= 1;
        assert_eq!(vault.open(changed, &[7; 16]), Err(Error::Changed));
    }

    #[test]
    fn a_new_key_closes_and_the_old_one_still_opens() {
        let old = Vault::parse(&line(1)).unwrap();
        let both = Vault::parse(&format!("# new\n{}\n{}\n", line(2), line(1))).unwrap();
        let closed = old.close(b"before", &[7; 16]).unwrap();

        assert_eq!(both.open(closed.clone(), &[7; 16]).unwrap(), b"before");
        assert_ne!(both.close(b"after", &[7; 16]).unwrap().key, closed.key);
    }

    #[test]
    fn without_a_key_a_body_lies_open() {
        let closed = Vault::open_door().close(b"as it is", &[7; 16]).unwrap();

        assert_eq!(closed.key, None);
        assert_eq!(
            Vault::open_door().open(closed, &[7; 16]).unwrap(),
            b"as it is"
        );
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line() {
        let unfit = |text: &str| Vault::parse(text).unwrap_err();

        assert_eq!(unfit("# nothing\n"), Unfit::Empty);
        assert_eq!(unfit(&format!("{}\nAAAA\n", line(1))), Unfit::NotAKey(2));
        assert_eq!(unfit(&"A".repeat(43)), Unfit::NotAKey(1));
        assert_eq!(unfit(&format!("{}\n", line(1)).repeat(17)), Unfit::TooMany);
    }
}
