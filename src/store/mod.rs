//! A stand-in that keeps deliveries in memory, until the real store takes its place.
//!
//! Knows: deliveries.
//! Never: anything beyond a restart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::delivery::{DeliveryState, NewDelivery};
use crate::domain::detection::{Detection, SourceName};
use crate::domain::id::DeliveryId;
use crate::domain::run::Run;

/// Where deliveries are kept. Cheap to clone.
#[derive(Clone, Default)]
pub struct Store(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    by_key: HashMap<(SourceName, String), NewDelivery>,
    states: HashMap<DeliveryId, DeliveryState>,
    asked: usize,
    fault: Option<Error>,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is stored.
    New {
        /// Its name.
        id: DeliveryId,
    },
    /// It was stored before.
    Repeat {
        /// The name of the first.
        id: DeliveryId,
    },
    /// Its key was used for another body: it is stored apart and quarantined.
    Conflict {
        /// Its own name.
        id: DeliveryId,
    },
}

/// What is known about a delivery and what followed.
#[derive(Clone, Debug)]
pub struct Status {
    /// Where the delivery stands.
    pub delivery_state: DeliveryState,
    /// Why, for people.
    pub why: Option<String>,
    /// The runs that answer it.
    pub runs: Vec<Run>,
    /// What it said, once read.
    pub detection: Option<Detection>,
}

/// Nothing was stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Try again.
    #[error("the store is busy")]
    Busy,
    /// Trying again does not help.
    #[error("the store is broken: {0}")]
    Broken(String),
}

impl Store {
    /// Keeps a delivery, or finds that it is kept already.
    pub async fn take_delivery(&self, new: NewDelivery) -> Result<Taken, Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked += 1;
        if let Some(fault) = kept.fault.clone() {
            return Err(fault);
        }
        let (id, key) = (new.id, (new.source.clone(), new.key.clone()));
        match kept.by_key.get(&key) {
            Some(first) if first.digest == new.digest => Ok(Taken::Repeat { id: first.id }),
            Some(_) => {
                kept.states.insert(id, DeliveryState::Quarantined);
                Ok(Taken::Conflict { id })
            }
            None => {
                kept.states.insert(id, DeliveryState::Received);
                kept.by_key.insert(key, new);
                Ok(Taken::New { id })
            }
        }
    }

    /// What is known about a delivery; `None` when there is no such delivery.
    pub async fn status_of(&self, id: DeliveryId) -> Result<Option<Status>, Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked += 1;
        if let Some(fault) = kept.fault.clone() {
            return Err(fault);
        }
        let status = |state: &DeliveryState| Status {
            delivery_state: *state,
            why: None,
            runs: vec![],
            detection: None,
        };
        Ok(kept.states.get(&id).map(status))
    }

    /// How often it was asked anything.
    pub fn asked(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).asked
    }

    /// Every delivery kept under its own key.
    pub fn kept(&self) -> Vec<NewDelivery> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_key.values().cloned().collect()
    }

    /// From now on it answers with this.
    pub fn break_with(&self, fault: Error) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.fault = Some(fault);
    }
}
