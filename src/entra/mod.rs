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
//! * A token of another tenant is none.
//!
//! Read next: `source`, then `credential`.

mod assertion;
mod certificate;
mod credential;
mod error;
mod private;
mod rights;
mod source;
mod token;
mod wire;

pub use assertion::{CertificateFiles, Standing};
pub use credential::Authority;
pub use error::Error;
pub use rights::denied;
pub use source::{Fetched, TokenSource};
pub use token::{AccessToken, Claims, Identity};

#[cfg(test)]
pub(crate) mod minted;
#[cfg(test)]
mod tests;
