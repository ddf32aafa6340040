//! Tell people: drain the outbox, and say each thing to each far end until it is taken.
//!
//! Knows: the outbox, the places under `page`, who answers for an agent, the incident.
//! Never: whether a notice should have been written, what a run does next.
//!
//! Laws
//! * A notice is marked told in the commit that says who else is to be told.
//! * An attempt is counted before it is made, and carries the same key as the one before it.
//! * Telling never stands in the way of an act: one thing at a time for each far end, each within
//!   its limit, and a far end that hangs holds up only itself.
//! * What leaves us names entities and runs by id; people only by object id, and only where it is
//!   for them.
//!
//! Read next: `rounds`, then `outbox`, `attempt`, `sponsors`, `incident`, `words`.

mod attempt;
mod comment;
mod incident;
mod outbox;
mod outlook;
mod rounds;
mod sponsors;
mod words;

use std::sync::Arc;

pub use comment::comment;
pub use incident::{Begin, Incidents, Judge};
pub use outlook::{Ended, Outlook, outlook, time_to_contain};
pub use rounds::notify_loop;

use crate::clock::Clock;
use crate::graph::Graph;
use crate::pager::{Destination, Way};
use crate::store::Store;
use crate::telemetry::Metrics;

/// What tells people. Cheap to clone.
#[derive(Clone)]
pub struct Teller {
    /// The outbox.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where people are told.
    pub places: Arc<Vec<Destination>>,
    /// The way there.
    pub way: Way,
    /// The tenant, for who answers for an agent; asked with the least priority.
    pub graph: Graph,
    /// The way back to incidents.
    pub incidents: Incidents,
    /// Where a person reads more; `None` where nobody said how we are reached.
    pub public_url: Option<url::Url>,
}

impl Teller {
    fn place(&self, name: &crate::domain::telling::DestinationName) -> Option<&Destination> {
        self.places.iter().find(|place| place.name == *name)
    }
}
