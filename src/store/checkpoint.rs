//! Checkpoints: pages of the journal brought into the database file, beside the writer.
//!
//! A connection of its own copies and syncs them while commits go on. The journal begins anew only
//! once nothing of it is left to copy, so the writer itself copies the few pages that came
//! meanwhile, between two commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::commit::end_the_process;
use super::error::Error;
use super::sql::{Access, FileConnection};

/// Pages of the journal (of 4 KiB) from which on they are copied.
const PAGES: u32 = 2_000;
/// From so many on the writer waits until they are copied.
const PAGES_MAX: u32 = 64_000;
/// What is left of the journal's file once it begins anew: one reader that stayed for long may have
/// made it long, and nothing else would make it shorter (threat D06).
const KEPT: &str = "pragma journal_size_limit = 33554432";
/// Copies every page that no reader still needs, and waits for nobody.
const COPY: &str = "pragma wal_checkpoint(passive)";
/// Copies every page, and waits for readers.
const COPY_ALL: &str = "pragma wal_checkpoint(restart)";

/// What the writer knows of checkpoints.
pub(super) struct Checkpoints {
    pages: Arc<AtomicU32>,
    copied: Arc<AtomicBool>,
    begin: SyncSender<()>,
}

/// What copies beside it.
pub(super) struct Copier {
    db: FileConnection,
    copied: Arc<AtomicBool>,
    begun: Receiver<()>,
}

/// Takes checkpoints out of the writer's commits.
pub(super) fn beside(
    writer: &mut FileConnection,
    path: &std::path::Path,
) -> Result<(Checkpoints, Copier), Error> {
    let pages = Arc::new(AtomicU32::new(0));
    writer.run_script(KEPT)?;
    let seen = Arc::clone(&pages);
    writer.on_commit(move |pages| seen.store(pages, Ordering::Relaxed))?;
    let db = FileConnection::open(path, Access::Write)?;
    db.run_script("pragma synchronous = normal; pragma wal_autocheckpoint = 0")?;
    let copied = Arc::new(AtomicBool::new(false));
    let (begin, begun) = sync_channel(1);
    let copier = Copier {
        db,
        copied: Arc::clone(&copied),
        begun,
    };
    let checkpoints = Checkpoints {
        pages,
        copied,
        begin,
    };
    Ok((checkpoints, copier))
}

impl Checkpoints {
    /// How many pages the journal holds.
    pub(super) fn pages(&self) -> u32 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Called by the writer between two commits.
    pub(super) fn after_commit(&self, writer: &FileConnection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages >= PAGES_MAX {
            copy(writer, COPY_ALL);
        } else if self.copied.swap(false, Ordering::Acquire) {
            copy(writer, COPY);
            self.pages.store(0, Ordering::Relaxed);
        } else if pages >= PAGES {
            // Full means that it was told already.
            let _ = self.begin.try_send(());
        }
    }
}

impl Copier {
    /// Copies whenever it is told to, until nobody can tell it any more.
    pub(super) fn copy_loop(self) {
        while self.begun.recv().is_ok() {
            copy(&self.db, COPY);
            self.copied.store(true, Ordering::Release);
        }
    }
}

/// One that could not be made is made up for by the next; after one that the disk failed under
/// there is none.
fn copy(db: &FileConnection, how: &str) {
    match db.run_script(how) {
        Ok(()) => {}
        Err(failed @ Error::DiskFailed(_)) => end_the_process(&failed),
        Err(error) => {
            tracing::warn!(%error, "the journal could not be copied; it grows until it can");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::{Access, COPY, FileConnection, PAGES, beside, copy};

    #[test]
    fn the_journal_begins_anew_although_commits_go_on_while_it_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.db");
        let mut writer = FileConnection::open(&path, Access::Write).unwrap();
        writer
            .run_script("pragma journal_mode = wal; create table t (b blob)")
            .unwrap();
        let (checkpoints, copier) = beside(&mut writer, &path).unwrap();
        let write = || writer.run_script("insert into t values (zeroblob(400000))");
        let pages = || checkpoints.pages.load(Ordering::Relaxed);
        while pages() < PAGES {
            write().unwrap();
        }

        checkpoints.after_commit(&writer);
        assert!(copier.begun.try_recv().is_ok());
        copy(&copier.db, COPY);
        copier.copied.store(true, Ordering::Release);
        write().unwrap();
        checkpoints.after_commit(&writer);
        write().unwrap();

        assert!(pages() < PAGES, "{}", pages());
    }
}
