//! Take a changed folder of playbooks: whole, or not at all.
//!
//! Knows: the folder, the playbooks in force, the tests beside them, the store.
//! Never: what a run does, who asked to look.
//!
//! Laws
//! * A set is read, checked and rehearsed before it is in force. On any fault the last good set
//!   stays, and a person is told once about that very set.
//! * A start waits for no rehearsal: its set is rehearsed behind the doors, and gives way to the last
//!   good one if it fails.
//! * What is in force is on record before it is.
//! * A run keeps the copy it began with.
//! * A rehearsal has a thread of its own, so that it does not stand in the way of a kill.
//!
//! Read next: `attempt`, then `swap`, then `watch`; `follow` for whoever has no folder.

mod attempt;
mod follow;
mod set;
mod swap;
mod watch;

pub use attempt::Trials;
pub use follow::{Follower, follow_loop};
pub use set::{active_set, owners};
pub use swap::{Cause, Reloaded, Reloader};
pub use watch::reload_loop;
