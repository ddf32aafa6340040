//! Keys, and whether bytes were really signed with them.
//!
//! Knows: bytes, moments, files that hold a key.
//! Never: HTTP replies, sources, what a delivery says.
//!
//! Laws
//! * A key cannot be printed, serialized or compared with `==`; a MAC is compared in constant time.
//! * A signature is over the raw bytes, and is checked before anything reads them.
//! * A key that is short, empty or known to the world does not start a service.
//!
//! Read next: `secret`, `keyring`, `webhook`, `scheme`, `shared`, and `profile` over them.

mod diagnose;
mod keyring;
mod mac;
mod profile;
mod read;
mod refusal;
mod scheme;
mod secret;
mod shared;
mod signing;
mod ticket;
mod webhook;

pub use keyring::{KEYS_MAX, KeyId, KeyRing, Unusable, foreign_key, private_text};
pub use mac::{Digest, Mac, hmac_sha256};
pub use profile::{Profile, Repeat, Witness};
pub use read::TimeForm;
pub use refusal::Refusal;
pub use scheme::{BadScheme, Encoding, Layout, Scheme, Template, TimePlace, TimeRule};
pub use secret::{KeyForm, NotASecret, Secret};
pub use shared::Sent;
pub use signing::{PublicKey, Purpose, SigningKey};
pub use ticket::TicketKey;
pub use webhook::{
    Names, TOLERANCE_SECONDS, Webhooks, header, public_key_in, sign, sign_v1a, verify,
};
