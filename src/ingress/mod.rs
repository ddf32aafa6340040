//! From a stranger's bytes to a stored delivery, and the answer to "what became of it?".
//!
//! Knows: HTTP, sources and their keys, the store.
//! Never: what a delivery means; triage reads it.
//!
//! Laws
//! * Nothing is parsed, stored or looked up before the signature is checked.
//! * Nobody is thanked before the store has committed.
//! * A sender learns only: taken, refused, or try later. Every refusal is the same bytes.
//! * Addresses we give away are built from the configuration, never from what a request says.
//!
//! Read next: `door`, `verified`, `receive`, `status`, `callback`.

mod door;
mod verified;

mod receive;
mod sources;

mod comment;
mod status;

mod callback;

mod reply;
mod tally;

pub use callback::{Caller, callback_loop};
pub use door::{Door, Wake, router};
pub use sources::{Source, SourceState, Sources};
pub use tally::{Tallied, Tally};
pub use verified::{RawDelivery, VerifiedDelivery};
