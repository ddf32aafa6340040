//! Who did what, on whose word, and the proof that nothing of it was changed.
//!
//! Knows: the record chain, its form as an export.
//! Never: what a record means for a run.
//!
//! Laws
//! * An export carries the exact bytes that were sealed.
//! * A proof needs no server and no store, only the export.
//! * The first bad record is named; what follows it is not judged.
//! * A missing end cannot be seen from the chain alone: a head noted before can be held against it.
//!
//! Read next: `chain`, then `export`.

mod chain;
mod export;

#[cfg(test)]
mod tests;

pub use chain::{Bad, Head, Walk, head, page, verify_store};
pub use export::{LINE_MAX, PAGE, line, verify_export};
