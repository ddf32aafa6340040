//! What is under way outside the process, and when it arrives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use estop::clock::Clock;
use estop::store;
use estop::transport::{Answer, Failure, Request};
use tokio::sync::oneshot;

use super::acts::Act;
use super::chance::Dice;
use super::sent::Sent;
use super::weather::Fate;

/// What the caller of a request is told in the end.
pub type Told = Result<Answer, Failure>;

/// One thing that happens outside the process.
pub enum Event {
    /// A request reaches its far end.
    Reaches {
        sent: Box<Sent>,
        request: Box<Request>,
        fate: Fate,
        back: oneshot::Sender<Told>,
    },
    /// Its answer reaches us, if we are still there.
    Returns {
        told: Box<Told>,
        back: oneshot::Sender<Told>,
    },
    /// The disk takes the next commit, or refuses to.
    Takes {
        may: Result<(), store::Error>,
        writer: oneshot::Sender<Result<(), store::Error>>,
    },
    /// The disk has everything up to this page, or it fails.
    Keeps {
        pages: u32,
        kept: Result<(), store::Error>,
        writer: oneshot::Sender<Result<(), store::Error>>,
    },
    /// The process ends by itself.
    Ends,
    /// Somebody does something.
    Happens(Act),
}

/// Everything that is under way, by when it arrives; of one moment, in an order that is thrown.
#[derive(Clone)]
pub struct Agenda(Arc<Mutex<Pages>>);

struct Pages {
    clock: Clock,
    dice: Dice,
    events: BTreeMap<(Duration, u64), Event>,
}

impl Agenda {
    pub fn new(clock: Clock, dice: Dice) -> Self {
        let events = BTreeMap::new();
        Self(Arc::new(Mutex::new(Pages {
            clock,
            dice,
            events,
        })))
    }

    /// Lets something happen after this long.
    pub fn put(&self, after: Duration, event: Event) {
        let mut pages = self.0.lock().unwrap();
        let key = (pages.clock.elapsed() + after, pages.dice.throw());
        pages.events.insert(key, event);
    }

    pub fn next_due(&self) -> Option<Duration> {
        let pages = self.0.lock().unwrap();
        pages.events.first_key_value().map(|((due, _), _)| *due)
    }

    /// The first of what is due by now.
    pub fn take_due(&self) -> Option<Event> {
        let mut pages = self.0.lock().unwrap();
        let ((due, _), _) = pages.events.first_key_value()?;
        if *due > pages.clock.elapsed() {
            return None;
        }
        pages.events.pop_first().map(|(_, event)| event)
    }

    /// Is anything like this under way?
    pub fn holds(&self, what: impl Fn(&Event) -> bool) -> bool {
        self.0.lock().unwrap().events.values().any(what)
    }

    /// Takes off whatever this is true of.
    pub fn forget(&self, what: impl Fn(&Event) -> bool) {
        let mut pages = self.0.lock().unwrap();
        pages.events.retain(|_, event| !what(event));
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().events.len()
    }
}
