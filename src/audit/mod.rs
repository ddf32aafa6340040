//! Who did what, on whose word, and the proof that nothing of it was changed.
//!
//! Knows: the record chain, its form as an export and in OCSF's words.
//! Never: what a record means for a run.
//!
//! Laws
//! * An export carries the exact bytes that were sealed.
//! * A proof needs no server and no store, only the export.
//! * A chain that holds proves the rows only where they say the same.
//! * The first bad record is named; what follows it is not judged.
//! * A missing end cannot be seen from the chain alone: a head noted before, or an anchor, can be held
//!   against it.
//! * The record is cut only where its head was anchored, and never before what a case keeps.
//!
//! Read next: `chain`, `rows`, then `export`, `anchor`; `ocsf`, `ship` and `place` hand it on in others' words;
//! `retention` lets go what is old.

mod anchor;
mod anchored;
mod chain;
mod export;
mod ocsf;
mod place;
mod retention;
mod rows;
mod ship;

#[cfg(test)]
mod tests;

pub use anchor::{Anchoring, anchor_loop};
pub use anchored::{Anchors, against_last};
pub use chain::{Bad, Head, Noted, Verified, Walk, cut, head, page, verify_store};
pub use export::{LINE_MAX, PAGE, cut_line, line, verify_export};
pub use ocsf::event;
pub use place::Place;
pub use retention::{Expiry, retention_loop};
pub use ship::{Ship, What, ship_loop};
