//! From a stranger's bytes to a stored delivery, and the answer to "what became of it?".
//!
//! Knows: HTTP, sources and how they prove themselves, the store.
//! Never: what a delivery means; triage reads it.
//!
//! Laws
//! * Nothing is parsed, stored or looked up before the delivery is verified.
//! * Nobody is thanked before the store has committed.
//! * A sender learns only: taken, refused, or try later. Every refusal is the same bytes.
//! * Addresses we give away are built from the configuration, never from what a request says.
//!
//! Read next: `door`, `verifier`, `verified`, `receive`, `quota`, `refuse`, `status`, `callback`.

mod door;
mod verified;
mod verifier;

mod quota;
mod receive;
mod refuse;
mod sources;

mod status;

mod callback;
mod copilot;

mod hearing;
mod reply;
mod tally;

pub use callback::{Caller, callback_loop};
pub use copilot::{CopilotDoor, Environment, Fallback, copilot_router};
pub use door::{Door, Wake, router};
pub use hearing::{Heard, Hearing};
pub use quota::{PerSecond, Quotas};
pub use receive::is_plain_json;
pub use refuse::OnRefusal;
pub use sources::{Source, SourceState, Sources};
pub use tally::{Tallied, Tally};
pub use verified::{RawDelivery, VerifiedDelivery};
pub use verifier::{Unbelieved, Verifier};
