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

mod fault;
mod suggest;
mod yaml;

mod asking;
mod fields;
mod limits;
mod read;
mod steps;
mod trigger;
mod written;

mod calls;
mod check;
mod clause;
mod closed;
mod facts;

mod folder;
mod set;
mod shipped;

#[cfg(test)]
mod tests;

pub use clause::Clause;
pub use facts::Facts;
pub use fault::{FAULTS_MAX, Fault, Level};
pub use folder::{PLAYBOOKS_MAX, lint};
pub use read::{Loaded, read};
pub use set::Catalog;
pub use suggest::nearest;
pub use trigger::detection_types;
pub use yaml::TEXT_MAX;
