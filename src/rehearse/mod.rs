//! Try a playbook before it counts: on a simulated tenant, on what was stored, or by looking only.
//!
//! Knows: playbooks and their tests, triage, runs, people's words, the simulated tenant.
//! Never: a socket; a write to a real tenant; who asked, and how the answer is shown.
//!
//! Laws
//! * A rehearsal is played by the real triage, runs and acts; only the far end is simulated.
//! * A case that expects nothing to be carried out fails when the tenant saw a write.
//! * A simulation holds a way to Graph through which no write can leave.
//! * A replay asks the playbooks what they would have decided then, by the clock of then.
//!
//! Read next: `rehearsal`, then `stage` and `pace`, then `simulation`, then `replay`.

mod answers;
mod compare;
mod explanation;
mod folder;
mod mishaps;
mod pace;
mod people;
mod rehearsal;
mod replay;
mod simulation;
mod stage;
mod words;

#[cfg(test)]
mod tests;

pub use compare::Mismatch;
pub use explanation::{Judge, Readable};
pub use rehearsal::{CaseReport, rehearse};
pub use replay::{Change, Direction, Replay};
pub use simulation::{Looker, Simulated, WouldDo};
pub use words::reason;

/// It could not be played at all; this says nothing about the playbook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotPlayed(pub String);

impl From<crate::store::Error> for NotPlayed {
    fn from(error: crate::store::Error) -> Self {
        Self(format!("the store: {error}"))
    }
}
