//! A copy of what holds playbooks back, read anew as soon as the store says that it is old.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::domain::moment::Moment;
use crate::domain::restraint::{Activation, Restraints};
use crate::store::{Error, Store};

/// The copy. Cheap to clone; clones share it.
#[derive(Clone)]
pub struct Held {
    activation: Activation,
    copy: Arc<ArcSwap<Restraints>>,
}

impl Held {
    /// Knows nothing yet. Whether bytes must be activated is the configuration's word.
    pub fn new(activation: Activation) -> Self {
        // No store has this number, so that the first look reads.
        let nothing = Restraints {
            epoch: -1,
            activation,
            ..Restraints::default()
        };
        Self {
            activation,
            copy: Arc::new(ArcSwap::from_pointee(nothing)),
        }
    }

    /// What holds playbooks back, where the store's number is `epoch`.
    pub(super) async fn at(
        &self,
        store: &Store,
        epoch: i64,
        now: Moment,
    ) -> Result<Arc<Restraints>, Error> {
        let copy = self.copy.load_full();
        if copy.epoch == epoch {
            return Ok(copy);
        }
        let mut fresh = store.restraints(now).await?;
        fresh.activation = self.activation;
        let fresh = Arc::new(fresh);
        self.copy.store(Arc::clone(&fresh));
        Ok(fresh)
    }
}
