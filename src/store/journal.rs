//! The journal on its way to disk, beside the writer: while it is synced, the next commit is made.
//!
//! In a commit of its own, SQLite would hold up the writer for as long as the disk takes. So the
//! writer commits with `synchronous = normal`, where SQLite syncs around checkpoints only, and the
//! journal file is synced here: what was committed before a sync began is on disk when it has
//! ended. One sync answers everyone who waits by then.
//!
//! A delivery that comes alone is soon followed by what follows from it. So its sync waits a moment,
//! and where a strike comes meanwhile, both are on disk with one sync instead of two in a row.

use std::fs::File;
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
/// With more who wait than these the sync begins at once: what follows joins the next.
const FEW: usize = 8;

/// A piece of work whose commit is in the file, and what it waits for.
pub(super) type Committed = (Box<dyn Piece>, Durability);

/// Syncs and answers until nobody can ask any more, or until a sync fails. That one is answered to
/// nobody, and the process must end.
pub(super) fn sync_loop(
    journal: &File,
    commits: &Receiver<Vec<Committed>>,
    clock: &Clock,
) -> Result<(), Error> {
    let mut moment = Duration::ZERO;
    while let Ok(mut waiting) = commits.recv() {
        gather(&mut waiting, commits, moment);
        let began = clock.elapsed();
        let synced = journal.sync_data();
        synced.map_err(|failed| Error::DiskFailed(failed.to_string()))?;
        moment = (clock.elapsed().saturating_sub(began) / 2).min(MOMENT_MAX);
        for (piece, _) in waiting {
            piece.answer(Ok(()));
        }
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
