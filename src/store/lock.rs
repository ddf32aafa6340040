//! One service works on a store at a time. Who starts while the one before is still ending waits
//! for it, for a while.
//!
//! The file holds a mark for as long as a service is at work. Whoever finds one there knows that the
//! service before was cut off: it died, of whatever it was doing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Store;
use super::error::OpenError;
use crate::clock::Clock;

/// How often a start looks whether the one before is gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How many times it looks: for five seconds.
const LOOKS_MAX: u32 = 50;

/// How the service before ended its work on a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastEnd {
    /// In order, or there was none.
    InOrder,
    /// It was cut off.
    CutOff,
}

/// Held as long as this lives; the system releases it when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    last_end: LastEnd,
}

impl Lock {
    fn held(file: File) -> Result<Self, Error> {
        let last_end = match file.metadata()?.len() {
            0 => LastEnd::InOrder,
            _ => LastEnd::CutOff,
        };
        Ok(Self { file, last_end })
    }

    /// From now on whoever is cut off leaves its mark. It outlives the process, and need not outlive the
    /// power: that is nothing we did.
    fn mark(&self) -> Result<(), Error> {
        self.clear()?;
        (&self.file).write_all(b"at work\n")
    }

    /// The work ended in order.
    fn clear(&self) -> Result<(), Error> {
        self.file.set_len(0)
    }
}

impl Store {
    /// How the service before on this file ended, where it is a file.
    pub fn last_end(&self) -> Option<LastEnd> {
        Some(self.lock.as_ref()?.last_end)
    }

    /// From now on an end that does not [`Store::end_in_order`] is one by which we were cut off.
    pub fn begin_work(&self) {
        self.mark_with(Lock::mark);
    }

    /// The work on it has ended in order.
    pub fn end_in_order(&self) {
        self.mark_with(Lock::clear);
    }

    fn mark_with(&self, mark: fn(&Lock) -> Result<(), Error>) {
        let Some(Err(error)) = self.lock.as_deref().map(mark) else {
            return;
        };
        // Nothing rests on it but how soon a delivery is read after the next start.
        tracing::warn!(%error, "the lock beside the store could not be marked");
    }
}

/// Takes it, or says who has it.
pub(super) async fn take(path: &Path, clock: &Clock) -> Result<Lock, OpenError> {
    let path = PathBuf::from(format!("{}.lock", path.display()));
    let shown = || path.display().to_string();
    let unusable = |why: Error| OpenError::Unusable {
        path: shown(),
        why: why.to_string(),
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(unusable)?;
    for look in 0..LOOKS_MAX {
        match file.try_lock() {
            Ok(()) => return Lock::held(file).map_err(unusable),
            Err(TryLockError::Error(why)) => return Err(unusable(why)),
            Err(TryLockError::WouldBlock) if look == 0 => {
                tracing::warn!("{} is held; waiting for whoever holds it", shown());
            }
            Err(TryLockError::WouldBlock) => {}
        }
        clock.sleep(LOOK_EVERY).await;
    }
    Err(OpenError::Held { path: shown() })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{LOOK_EVERY, LOOKS_MAX, LastEnd, take};
    use crate::clock::Clock;
    use crate::domain::moment::Moment;
    use crate::store::OpenError;

    #[tokio::test]
    async fn a_second_service_waits_for_the_first_and_is_refused_while_it_lives() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::by_hand(Moment::from_millis(0));
        let store = folder.path().join("estop.db");
        let first = take(&store, &clock).await.unwrap();

        let mut second = Box::pin(take(&store, &clock));
        for _ in 0..LOOKS_MAX {
            assert!(second.as_mut().now_or_never().is_none());
            hand.advance(LOOK_EVERY);
        }
        let refused = second.await;

        assert!(matches!(refused, Err(OpenError::Held { .. })));
        let mut third = Box::pin(take(&store, &clock));
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        hand.advance(LOOK_EVERY);
        third.await.unwrap();
    }

    #[tokio::test]
    async fn who_is_cut_off_leaves_a_mark_until_somebody_ends_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, _hand) = Clock::by_hand(Moment::from_millis(0));
        let store = folder.path().join("estop.db");

        let never_worked = take(&store, &clock).await.unwrap();
        assert_eq!(never_worked.last_end, LastEnd::InOrder);
        drop(never_worked);
        for last_end in [LastEnd::InOrder, LastEnd::CutOff] {
            let cut_off = take(&store, &clock).await.unwrap();
            assert_eq!(cut_off.last_end, last_end);
            cut_off.mark().unwrap();
        }
        let in_order = take(&store, &clock).await.unwrap();
        assert_eq!(in_order.last_end, LastEnd::CutOff);
        in_order.mark().unwrap();
        in_order.clear().unwrap();
        drop(in_order);

        let next = take(&store, &clock).await.unwrap();
        assert_eq!(next.last_end, LastEnd::InOrder);
    }
}
