//! Read the playbooks, refuse what is not plain, and weigh detections against them.
//!
//! Knows: YAML, CEL, the folder of playbooks.
//! Never: what a run does, who is told, what time it is.
//!
//! Laws
//! * A set of playbooks is taken whole or not at all.
//! * A fault says where it is and what to do about it; all of a file's faults are told at once.
//! * Conditions are compiled when a file is read, never when a detection comes.
//! * What cannot be known is unknown, never false.
//!
//! Read next: `read`, then `clause`, then `set`.

mod code;
mod fault;
mod suggest;
mod yaml;

mod asking;
mod audience;
mod calling;
mod fields;
mod limits;
mod named;
mod reach;
mod read;
mod steps;
mod trigger;
mod written;

mod calls;
mod check;
mod clause;
mod closed;
mod facts;

mod cases;
mod schema;

mod among;
mod folder;
mod format;
mod lint;
mod page;
mod proofs;
mod set;
mod shipped;

#[cfg(test)]
mod tests;

pub use cases::{
    Case, Cases, Decided, Expected, Injected, Mishap, People, RehearsedMode, Said, Say, read_cases,
};
pub use clause::Clause;
pub use code::Code;
pub use facts::Facts;
pub use fault::{FAULTS_MAX, Fault, Level};
pub use folder::{PLAYBOOKS_MAX, files, fingerprint};
pub use format::formatted;
pub use lint::{lint, test_file};
pub use proofs::{Proved, proved, unproved};
pub use read::{Loaded, read};
pub use schema::{playbook_schema, test_schema};
pub use set::Catalog;
pub use suggest::nearest;
pub use trigger::{detection_types, noisy_types};
pub use yaml::TEXT_MAX;
