//! One service works on a store at a time. Who starts while the one before is still ending waits
//! for it, for a while.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::OpenError;
use crate::clock::Clock;

/// How often a start looks whether the one before is gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How many times it looks: for five seconds.
const LOOKS_MAX: u32 = 50;

/// Held as long as the file handle lives; the system releases it when the process dies.
pub(super) async fn take(path: &Path, clock: &Clock) -> Result<File, OpenError> {
    let path = PathBuf::from(format!("{}.lock", path.display()));
    let shown = || path.display().to_string();
    let unusable = |why: std::io::Error| OpenError::Unusable {
        path: shown(),
        why: why.to_string(),
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(unusable)?;
    for look in 0..LOOKS_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(file),
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

    use super::{LOOK_EVERY, LOOKS_MAX, take};
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
}
