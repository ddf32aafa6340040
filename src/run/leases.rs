//! The leases one worker loop holds, so that they are kept, and so that work on a lost one ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::domain::id::RunId;
use crate::domain::run::RunLease;

/// Cheap to clone; every clone is the same list.
#[derive(Clone, Debug, Default)]
pub(super) struct Leases(Arc<Mutex<BTreeMap<(RunId, i64), CancellationToken>>>);

/// One lease on the list. Dropping it takes it off, however the work on it ends.
pub(super) struct Kept {
    leases: Leases,
    lease: RunLease,
    /// Cancelled when someone else has the word on the run.
    pub(super) lost: CancellationToken,
}

impl Leases {
    /// Puts a lease on the list.
    pub(super) fn keep(&self, lease: RunLease) -> Kept {
        let lost = CancellationToken::new();
        self.list().insert((lease.run, lease.epoch), lost.clone());
        Kept {
            leases: self.clone(),
            lease,
            lost,
        }
    }

    /// Those on the list.
    pub(super) fn all(&self) -> Vec<RunLease> {
        let list = self.list();
        let leases = list.keys().map(|(run, epoch)| RunLease {
            run: *run,
            epoch: *epoch,
        });
        leases.collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list().len()
    }

    /// Ends the work on a lease that is lost.
    pub(super) fn lose(&self, lease: RunLease) {
        if let Some(lost) = self.list().get(&(lease.run, lease.epoch)) {
            lost.cancel();
        }
    }

    fn list(&self) -> MutexGuard<'_, BTreeMap<(RunId, i64), CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let key = (self.lease.run, self.lease.epoch);
        self.leases.list().remove(&key);
    }
}
