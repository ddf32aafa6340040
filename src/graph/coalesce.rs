//! Many who wait to say the same thing, carried by one call.
//!
//! Everyone enlists an id and queues for a turn in the lane. Whoever gets the turn carries the
//! others along; they leave the queue and wait for the carrier's answer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio::sync::oneshot;

use super::error::{Error, Receipt};
use crate::domain::entity::ObjectId;

/// What became of a shared call.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// The same for everyone it carried.
    Same(Result<Receipt, Error>),
    /// Refused for one of its ids, nobody knows which: each must ask alone.
    EachAlone,
}

/// [`Told`], once the call has ended: for everyone it carried, in the order in which they wait.
pub(super) type Telling = Shared<oneshot::Receiver<Told>>;

/// Those who wait with one verb.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    enlisted: VecDeque<Enlisted>,
}

#[derive(Debug)]
struct Enlisted {
    number: u64,
    id: ObjectId,
    carried: oneshot::Sender<Telling>,
}

/// One place on the list. Dropping it takes the id off, unless it is already under way.
pub(super) struct Enlistment<'a> {
    waiting: &'a Waiting,
    number: u64,
    /// Answers when somebody carries us.
    pub(super) carried: oneshot::Receiver<Telling>,
}

/// The ids one call carries, and the promise to tell what became of them. Dropping it untold
/// tells everyone that nobody knows.
pub(super) struct Batch {
    pub(super) ids: Vec<ObjectId>,
    told: oneshot::Sender<Told>,
}

impl Waiting {
    /// Puts an id on the list.
    pub(super) fn enlist(&self, id: ObjectId) -> Enlistment<'_> {
        let (sender, carried) = oneshot::channel();
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.enlisted.push_back(Enlisted {
            number,
            id,
            carried: sender,
        });
        Enlistment {
            waiting: self,
            number,
            carried,
        }
    }

    /// How many wait, for tests.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.state().enlisted.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Enlistment<'_> {
    /// Takes ourselves and up to `most` ids in all off the list, oldest first. `None` when another
    /// has taken us in the same moment.
    pub(super) fn carry(&mut self, most: usize) -> Option<Batch> {
        let mut state = self.waiting.state();
        let own = state
            .enlisted
            .iter()
            .position(|other| other.number == self.number)?;
        let own = state.enlisted.remove(own)?;
        let (told, telling) = oneshot::channel();
        let telling = telling.shared();
        let mut ids = vec![own.id];
        while ids.len() < most.max(1) {
            let Some(other) = state.enlisted.pop_front() else {
                break;
            };
            // Who has gone meanwhile wants nothing said.
            if other.carried.send(telling.clone()).is_ok() && !ids.contains(&other.id) {
                ids.push(other.id);
            }
        }
        Some(Batch { ids, told })
    }
}

impl Drop for Enlistment<'_> {
    fn drop(&mut self) {
        let mut state = self.waiting.state();
        state.enlisted.retain(|other| other.number != self.number);
    }
}

impl Batch {
    /// Tells everyone carried what became of the call.
    pub(super) fn tell(self, told: &Told) {
        // It may have carried nobody but its carrier.
        let _ = self.told.send(told.clone());
    }
}
