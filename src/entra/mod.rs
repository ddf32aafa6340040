//! The access tokens we hold: asked for early, kept through an outage, never shown. And those
//! that others bring us: believed only as [`CallerCheck`] says.
//!
//! Knows: how this process proves who it is, when a token ends, whose tokens are genuine.
//! Never: what a token is used for.
//!
//! Laws
//! * A valid token is handed out at once: nobody who holds one waits for the next.
//! * A failed refresh takes nothing away; the held token serves until a minute before its end.
//! * One asks, the others wait for the same answer.
//! * What a token says about us is read, never believed for others, and may be absent.
//! * A token of another tenant is none.
//!
//! Read next: `source`, then `credential`; `caller` for the tokens of others.

mod assertion;
mod caller;
mod certificate;
mod credential;
mod error;
mod private;
mod rights;
mod source;
mod token;
mod wire;

pub use assertion::{CertificateFiles, Standing};
pub use caller::{
    AppMark, BadRules, Caller, CallerCheck, CallerRules, Denial, Doubt, Issuers, SigningKeys,
    bearer,
};
pub use credential::Authority;
pub use error::Error;
pub use rights::{denied, writing};
pub use source::{Fetched, TokenSource};
pub use token::{AccessToken, Claims, Identity};

#[cfg(test)]
pub(crate) mod minted;
#[cfg(test)]
mod tests;
