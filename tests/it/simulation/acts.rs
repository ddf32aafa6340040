//! What people, senders, adversaries and the machine do, and what a seed makes of it.

use std::time::Duration;

use super::disk::Failing;
use super::sent::Link;
use super::words::Word;

/// Somebody does something.
#[derive(Clone, Debug)]
pub enum Act {
    /// A sender posts one of its deliveries, for the first or another time.
    Post { delivery: usize },
    /// Every sender posts everything at once.
    Flood,
    /// The same key with another body.
    Conflict { delivery: usize },
    /// A person's word.
    Word(Word, u64),
    /// Somebody else turns an agent's switch.
    Foreign { agent: usize, enabled: bool },
    /// An adversary renames an agent into something that reads like an order.
    Rename { agent: usize },
    /// Entra takes back every access token.
    RevokeTokens,
    /// The authority does not know us, or does again.
    RefuseTokens(bool),
    /// A way out is cut, or whole again.
    Cut(Link, bool),
    /// The disk has no room, or has again.
    Full(bool),
    /// The disk is slow, or no longer.
    Slow(bool),
    /// The disk fails the next time that it is asked.
    Fails(Failing),
    /// The wall clock is put forward or back, in milliseconds.
    Step(i64),
    /// The machine is suspended for so long; what is under way goes on without it.
    Suspend(Duration),
    /// The process dies. With `power`, what was not on the disk is gone.
    Die { power: bool, down: Duration },
    /// It starts again, perhaps with other playbooks and another configuration.
    Start { others: bool },
    /// Other playbooks are put into the folder while it runs.
    Swap,
    /// Somebody writes a playbook that cannot be read, or takes it away again.
    Tear(bool),
}
