//! SQLite as we want it: one file, one process, nothing acknowledged before it is on disk.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint::beside;
use super::crossing::{self, Mark};
use super::error::{Error, OpenError};
use super::journal::Journal;
use super::lock::{self, Lock};
use super::migrations::migrate;
use super::sql::{Access, Connection, FileConnection, FromValue as _, Readers, Server};
use super::writer::{Beside, Files};
use crate::clock::Clock;

/// Up to this length every row of every index of the file is looked up at a start.
const WHOLE_MAX: u64 = 64 * 1024 * 1024;
/// Beyond this length nothing is looked up: whoever was stopped must be stopped on within seconds.
const LOOKED_MAX: u64 = 1024 * 1024 * 1024;

/// How the store is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// As the one service that works on it. A second service waits a while, and is
    /// refused then.
    Service,
    /// As a short visit by a command, beside a service that may be running.
    Visit,
}

pub(super) struct Opened {
    pub(super) files: Files,
    pub(super) readers: Readers,
    pub(super) lock: Option<Lock>,
    /// Where other services are heard, on a database that they share.
    pub(super) hears: Option<Arc<Server>>,
}

/// Opens the file; where needed creates and migrates it. NORMAL may lose the last commits when
/// power fails, and a 202 must survive that: so the journal is synced before anyone is answered.
pub(super) async fn open(path: &Path, entry: Entry, clock: Clock) -> Result<Opened, OpenError> {
    let shown = || path.display().to_string();
    let unusable = |why: String| OpenError::Unusable { path: shown(), why };
    stayed(path)?;
    let lock = match entry {
        Entry::Service => Some(lock::take(path, &clock).await?),
        Entry::Visit => None,
    };
    create_private(path).map_err(|error| unusable(error.to_string()))?;
    let writer = FileConnection::open(path, Access::Write).and_then(|mut writer| {
        if entry == Entry::Service {
            is_sound(&writer, path)?;
        }
        writer.run_script("pragma journal_mode = wal; pragma synchronous = normal")?;
        migrate(&mut writer)?;
        if entry == Entry::Service {
            // After a sync that failed, the journal may lie in memory only: what can be read of it
            // is copied and synced before anything is built on it. A visitor who reads delays it.
            writer.run_script("pragma wal_checkpoint(truncate)")?;
        }
        let checkpoints = beside(&mut writer, path)?;
        Ok((writer, checkpoints))
    });
    let (db, checkpoints) = writer.map_err(|error| match error {
        Error::Busy(why) | Error::DiskFailed(why) | Error::InDoubt(why) => unusable(why),
        unfit @ (Error::Damaged(_) | Error::Refused(_) | Error::LeaseLost | Error::Braked) => {
            OpenError::Unfit {
                path: shown(),
                why: unfit.to_string(),
            }
        }
    })?;
    let readers = Readers::open(path).map_err(|error| unusable(error.to_string()))?;
    // The file stays the same for as long as a connection is open.
    let journal = OpenOptions::new().write(true).open(journal_of(path));
    let journal = journal.map_err(|error| unusable(error.to_string()))?;
    Ok(Opened {
        files: Files {
            db: Connection::File(db),
            beside: Some(Beside {
                journal: Journal::new(journal, clock.clone()),
                checkpoints,
            }),
            clock,
        },
        readers,
        lock,
        hears: None,
    })
}

/// Do the pages of the file fit each other? What a failing disk changed within a page is found by the
/// records alone.
fn is_sound(db: &FileConnection, path: &Path) -> Result<(), Error> {
    let length = path.metadata().map_or(0, |file| file.len());
    if length > LOOKED_MAX {
        tracing::warn!(
            "the store is too large to be looked through at a start: see estop audit verify"
        );
        return Ok(());
    }
    // Each row of each index is looked up, too, where that takes no time.
    let how = if length <= WHOLE_MAX {
        "pragma integrity_check(1)"
    } else {
        "pragma quick_check(1)"
    };
    let mut wrong = None;
    let looked = db.each_row(how, |row| {
        let said = row.first().and_then(String::from_value);
        wrong = said.filter(|said| said != "ok");
        Ok(())
    });
    let wrong = match (looked, wrong) {
        (Ok(()), None) => return Ok(()),
        (Ok(()), Some(wrong)) | (Err(Error::Damaged(wrong)), _) => wrong,
        (Err(other), _) => return Err(other),
    };
    Err(Error::Damaged(format!(
        "{wrong}. The disk may be failing: save this file, then put the last good copy back, or what \
         `sqlite3 {} .recover` still reads of it",
        path.display()
    )))
}

/// Is it still the store, or was it moved? Only a mark that cannot be read leaves that open, and then
/// nobody opens it either.
fn stayed(path: &Path) -> Result<(), OpenError> {
    let to = match Mark::read(path) {
        Ok(None) => return Ok(()),
        Ok(Some(mark)) => format!("{} at {}", mark.moved_to, mark.at),
        Err(unreadable) => format!("another place ({unreadable})"),
    };
    Err(OpenError::Moved {
        path: path.display().to_string(),
        to,
        mark: crossing::beside(path).display().to_string(),
    })
}

/// Where SQLite keeps the journal.
fn journal_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

/// What is stored is nobody else's to read. SQLite gives its side files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}
