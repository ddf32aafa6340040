//! SQLite as we want it: one file, one process, nothing acknowledged before it is on disk.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::error::OpenError;

/// Connections that read beside the writer.
const READERS: u32 = 4;
/// Longest wait for a lock another process holds, such as `estop token create`.
const BUSY_LIMIT: Duration = Duration::from_secs(5);

/// How the store is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// As the one service that works on it. A second service is refused.
    Service,
    /// As a short visit by a command, beside a service that may be running.
    Visit,
}

pub(super) struct Opened {
    pub(super) writer: SqliteConnection,
    pub(super) readers: SqlitePool,
    pub(super) lock: Option<File>,
}

pub(super) async fn open(path: &Path, entry: Entry) -> Result<Opened, OpenError> {
    let shown = || path.display().to_string();
    let unusable = |why: String| OpenError::Unusable { path: shown(), why };
    let lock = match entry {
        Entry::Service => Some(take_lock(path)?),
        Entry::Visit => None,
    };
    create_private(path).map_err(|error| unusable(error.to_string()))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL may lose the last commits when power fails, and a 202 must survive that.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_LIMIT)
        .foreign_keys(true)
        .statement_cache_capacity(128)
        .disable_statement_logging();
    let mut writer = options
        .connect()
        .await
        .map_err(|error| unusable(error.to_string()))?;
    migrations()
        .run_direct(None, &mut writer, false)
        .await
        .map_err(|error| OpenError::Unfit {
            path: shown(),
            why: error.to_string(),
        })?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.create_if_missing(false).read_only(true))
        .await
        .map_err(|error| unusable(error.to_string()))?;
    Ok(Opened {
        writer,
        readers,
        lock,
    })
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

/// Held as long as the file handle lives; the system releases it when the process dies.
fn take_lock(path: &Path) -> Result<File, OpenError> {
    let lock_path = PathBuf::from(format!("{}.lock", path.display()));
    let unusable = |why: std::io::Error| OpenError::Unusable {
        path: lock_path.display().to_string(),
        why: why.to_string(),
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&lock_path)
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Held {
            path: lock_path.display().to_string(),
        }),
        Err(TryLockError::Error(why)) => Err(unusable(why)),
    }
}

fn migrations() -> Migrator {
    let spine = Migration::new(
        1,
        "spine".into(),
        MigrationType::Simple,
        sqlx::SqlStr::from_static(include_str!("schema/0001_spine.sql")),
        false,
    );
    Migrator::with_migrations(vec![spine])
}
