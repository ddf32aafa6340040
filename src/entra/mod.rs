//! The access tokens we hold: asked for early, kept through an outage, never shown.
//!
//! Knows: how this process proves who it is, and when a token ends.
//! Never: what a token is used for.
//!
//! Laws
//! * A valid token is handed out at once: nobody who holds one waits for the next.
//! * A failed refresh takes nothing away; the held token serves until a minute before its end.
//! * One asks, the others wait for the same answer.
//! * What a token says about us is read, never believed for others, and may be absent.
//!
//! Read next: `source`, then `credential`.

mod credential;
mod error;
mod source;
mod token;
mod wire;

pub use credential::Authority;
pub use error::Error;
pub use source::{Fetched, TokenSource};
pub use token::{AccessToken, Claims, Identity};

#[cfg(test)]
mod tests;
