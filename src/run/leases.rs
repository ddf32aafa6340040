//! The leases this service holds, so that they are kept, and so that work on a lost one ends.
//!
//! One list for all worker loops: whoever claims a run anew ends what any of them still does on an
//! older lease of it. After a long pause of the process the store has not yet said that it is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::domain::id::RunId;
use crate::domain::run::{Lane, RunLease};

/// Cheap to clone; every clone is the same list.
#[derive(Clone, Debug, Default)]
pub struct Leases(Arc<Mutex<BTreeMap<(RunId, i64), Held>>>);

/// Who keeps a lease, and what ends the work on it.
#[derive(Debug)]
struct Held {
    keeper: Lane,
    lost: CancellationToken,
}

/// One lease on the list. Dropping it takes it off, however the work on it ends.
pub(super) struct Kept {
    leases: Leases,
    lease: RunLease,
    /// Cancelled when someone else has the word on the run.
    pub(super) lost: CancellationToken,
}

impl Leases {
    /// Puts a lease on the list, kept by the worker of this lane. Work on older leases of the same
    /// run ends.
    pub(super) fn keep(&self, lease: RunLease, keeper: Lane) -> Kept {
        let lost = CancellationToken::new();
        let mut list = self.list();
        let older = list.range((lease.run, i64::MIN)..(lease.run, lease.epoch));
        older.for_each(|(_, older)| older.lost.cancel());
        let held = Held {
            keeper,
            lost: lost.clone(),
        };
        list.insert((lease.run, lease.epoch), held);
        drop(list);
        Kept {
            leases: self.clone(),
            lease,
            lost,
        }
    }

    /// Those that the worker of this lane keeps: one that hangs keeps nobody's.
    pub(super) fn of(&self, keeper: Lane) -> Vec<RunLease> {
        let list = self.list();
        let own = list.iter().filter(|(_, held)| held.keeper == keeper);
        let leases = own.map(|((run, epoch), _)| RunLease {
            run: *run,
            epoch: *epoch,
        });
        leases.collect()
    }

    /// How many there are, whoever keeps them.
    pub(super) fn len(&self) -> usize {
        self.list().len()
    }

    /// Ends the work on a lease that is lost.
    pub(super) fn lose(&self, lease: RunLease) {
        if let Some(held) = self.list().get(&(lease.run, lease.epoch)) {
            held.lost.cancel();
        }
    }

    fn list(&self) -> MutexGuard<'_, BTreeMap<(RunId, i64), Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let key = (self.lease.run, self.lease.epoch);
        self.leases.list().remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::Leases;
    use crate::domain::id::RunId;
    use crate::domain::run::{Lane, RunLease};

    #[test]
    fn e04_a_newer_lease_ends_the_work_on_an_older_one_of_the_same_run() {
        let leases = Leases::default();
        let [run, other] = [1, 2].map(|it| RunId::from_uuid(uuid::Uuid::from_u128(it)));
        let old = leases.keep(RunLease { run, epoch: 1 }, Lane::Contain);
        let unrelated = leases.keep(
            RunLease {
                run: other,
                epoch: 1,
            },
            Lane::Contain,
        );

        let new = leases.keep(RunLease { run, epoch: 2 }, Lane::Bulk);

        assert!(old.lost.is_cancelled());
        assert!(!unrelated.lost.is_cancelled() && !new.lost.is_cancelled());
        assert_eq!(leases.of(Lane::Bulk), [RunLease { run, epoch: 2 }]);
        assert_eq!(leases.len(), 3);
        drop(old);
        assert_eq!(leases.len(), 2);
    }
}
