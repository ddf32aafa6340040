//! The journal on its way to disk, beside the writer: while it is synced, the next commit is made.
//!
//! In a commit of its own, SQLite would hold up the writer for as long as the disk takes. So the
//! writer commits with `synchronous = normal`, where SQLite syncs around checkpoints only, and the
//! journal file is synced here: what was committed before a sync began is on disk when it has
//! ended. One sync answers everyone who waits by then.
//!
//! Where the disk is quicker than waking a thread and nobody else waits for the writer, what follows
//! from a delivery is synced where it was committed.
//!
//! A delivery of which nobody knows yet what follows waits a moment, so that where a strike comes
//! meanwhile, both are on disk with one sync instead of two in a row. Where a strike is sure to follow
//! the sync begins at once: the more of the journal is on disk when the strike comes, the less is left
//! for its own sync.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::error::Error;
use super::piece::Piece;
use super::writer::Durability;
use crate::clock::Clock;

/// Most commits that may wait for the disk; with more the writer waits, too.
pub(super) const COMMITS_MAX: usize = 16;
/// The moment is half of what the last sync took, as others found best for group commits, and never
/// longer than this.
const MOMENT_MAX: Duration = Duration::from_millis(2);
/// A sync that takes no longer than this is not worth another thread's waking: where nobody waits for the
/// writer, whoever comes meanwhile waits for so long at most.
const QUICK: Duration = Duration::from_millis(1);
/// Stands for the time of a sync that was never made.
const UNKNOWN: u64 = u64::MAX;
/// With more who wait than these the sync begins at once: what follows joins the next.
const FEW: usize = 8;

/// A piece of work whose commit is in the file, and what it waits for.
pub(super) type Committed = (Box<dyn Piece>, Durability);

/// The journal's file. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    file: Arc<File>,
    clock: Clock,
    /// How long the last sync took, in nanoseconds; before the first, [`UNKNOWN`].
    took: Arc<AtomicU64>,
}

impl Journal {
    pub(super) fn new(file: File, clock: Clock) -> Self {
        let took = Arc::new(AtomicU64::new(UNKNOWN));
        Self {
            file: Arc::new(file),
            clock,
            took,
        }
    }

    /// Is it better to sync these where they were committed, when nobody else waits there? Not for
    /// deliveries alone: what follows from them is made meanwhile.
    pub(super) fn syncs_here(&self, waiting: &[Committed]) -> bool {
        let urgent = waiting.iter().any(|(_, how)| *how == Durability::Synced);
        urgent && self.took().is_some_and(|took| took <= QUICK)
    }

    /// Syncs, and answers these. A sync that fails is answered to nobody, and the process must end.
    pub(super) fn sync(&self, waiting: Vec<Committed>) -> Result<(), Error> {
        let began = self.clock.elapsed();
        let synced = self.file.sync_data();
        synced.map_err(|failed| Error::DiskFailed(failed.to_string()))?;
        let took = self.clock.elapsed().saturating_sub(began).as_nanos();
        let took = u64::try_from(took).unwrap_or(UNKNOWN);
        self.took.store(took, Ordering::Relaxed);
        for (piece, _) in waiting {
            piece.answer(Ok(()));
        }
        Ok(())
    }

    fn took(&self) -> Option<Duration> {
        let took = self.took.load(Ordering::Relaxed);
        (took != UNKNOWN).then(|| Duration::from_nanos(took))
    }

    /// How long deliveries wait for what follows from them.
    fn moment(&self) -> Duration {
        self.took()
            .map_or(Duration::ZERO, |took| (took / 2).min(MOMENT_MAX))
    }
}

/// Syncs and answers until nobody can ask any more, or until a sync fails.
pub(super) fn sync_loop(
    journal: &Journal,
    commits: &Receiver<Vec<Committed>>,
) -> Result<(), Error> {
    while let Ok(mut waiting) = commits.recv() {
        gather(&mut waiting, commits, journal.moment());
        journal.sync(waiting)?;
    }
    Ok(())
}

/// Adds what else waits by now; for a few deliveries, also what comes within a moment.
fn gather(waiting: &mut Vec<Committed>, commits: &Receiver<Vec<Committed>>, moment: Duration) {
    let patient = |waiting: &[Committed]| {
        let few = waiting.len() <= FEW;
        few && waiting.iter().all(|(_, how)| *how == Durability::Soon)
    };
    while patient(waiting)
        && let Ok(more) = commits.recv_timeout(moment)
    {
        waiting.extend(more);
    }
    waiting.extend(commits.try_iter().take(COMMITS_MAX).flatten());
}
