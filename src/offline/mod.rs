//! The break-glass: contain with the server and its database away, and tell them later.
//!
//! Knows: the acts, a journal of its own.
//! Never: the store, an approval, a playbook.
//!
//! Laws
//! * What is about to be done is on disk before it leaves; what cannot be written down is not done.
//! * Guards hold here too: what is never touched is not, and one person does not touch what is
//!   protected.
//! * Nothing is put back offline.
//!
//! Read next: `journal`, then `strike`.

mod journal;
mod strike;

pub use journal::{Journal, Read, read};
pub use strike::{Glass, Report};
