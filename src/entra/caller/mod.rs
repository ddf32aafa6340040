//! Access tokens that others bring to us, and whether to believe them.
//!
//! Knows: one tenant's issuers and signing keys, and what is demanded of whoever calls.
//! Never: paths, bodies, what a caller asks for.
//!
//! Laws
//! * The algorithm and the keys come from us, never from the access token.
//! * Only claims inside the checked signature are read, each typed and each required.
//! * A signature and an audience authorise nobody: a rule must say who may call (threat J09).
//! * Junk from the key endpoint never replaces good keys, and no stranger makes us ask it often.
//! * That we cannot tell is never told as a refusal.
//!
//! Read next: `check`, then `claims`, then `keys`.

mod bearer;
mod check;
mod claims;
mod doubt;
mod jwks;
mod keys;
mod rules;

pub use bearer::bearer;
pub use check::{Caller, CallerCheck};
pub use doubt::{Denial, Doubt};
pub use keys::SigningKeys;
pub use rules::{AppMark, BadRules, CallerRules, Issuers};
