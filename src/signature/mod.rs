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
//! Read next: `secret`, `keyring`, `webhook`.

mod keyring;
mod mac;
mod secret;
mod signing;
mod ticket;
mod webhook;

pub use keyring::{KEYS_MAX, KeyId, KeyRing, Unusable};
pub use mac::{Mac, hmac_sha256};
pub use secret::{NotASecret, Secret};
pub use signing::{PublicKey, SigningKey};
pub use ticket::TicketKey;
pub use webhook::{Refusal, TOLERANCE_SECONDS, header, sign, verify};
