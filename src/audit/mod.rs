//! Who did what, on whose word, and the proof that nothing of it was changed.
//!
//! Knows: the record chain, its form as an export and in OCSF's words.
//! Never: what a record means for a run.
//!
//! Laws
//! * An export carries the exact bytes that were sealed.
//! * A proof needs no server and no store, only the export.
//! * The first bad record is named; what follows it is not judged.
//! * A missing end cannot be seen from the chain alone: a head noted before can be held against it.
//!
//! Read next: `chain`, then `export`; `ocsf` and `ship` hand it on in others' words.

mod chain;
mod export;
mod ocsf;
mod ship;

#[cfg(test)]
mod tests;

pub use chain::{Bad, Head, Walk, head, page, verify_store};
pub use export::{LINE_MAX, PAGE, line, verify_export};
pub use ocsf::event;
pub use ship::{Place, Ship, ship_loop};
