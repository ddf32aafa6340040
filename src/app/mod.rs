//! The roof: builds every module once, spawns every loop, decides nothing.
//!
//! Knows: everyone.
//! Never: a rule of its own.
//!
//! Laws
//! * Loops are spawned here and nowhere else.
//! * Nothing is taken before the store is open and the keys are read.
//!
//! Read next: `parts`, then `service`, `loops`, then `serve`.

mod afar;
mod alone;
mod doors;
mod examine;
mod ground;
mod keeping;
mod keys;
mod looking;
mod loops;
mod offline;
mod ourselves;
mod parts;
mod secrets;
mod senders;
mod serve;
mod service;
mod settle;
mod spans;
mod telling;
mod tenant;
mod tools;
mod wakes;
mod watching;

pub use examine::doctor;
pub use ground::Ground;
pub use offline::glass;
pub use ourselves::guards;
pub use parts::{Parts, Playbooks, StartError, tokens};
pub use serve::{Announced, serve};
pub use service::Service;
