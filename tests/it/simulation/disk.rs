//! The disk under the store: what it was given, and what it keeps when the power goes.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use estop::store::{self, Disk};
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::agenda::{Agenda, Event};
use super::chance::Dice;

/// Bytes of SQLite's journal before its first page, and of one page with its header.
const JOURNAL_HEAD: u64 = 32;
const JOURNAL_PAGE: u64 = 24 + 4096;

/// Cheap to clone; every clone is the same disk.
#[derive(Clone)]
pub struct PlayedDisk(Arc<Mutex<State>>);

struct State {
    agenda: Agenda,
    dice: Dice,
    /// Pages of the journal that were written, and that survive the power.
    written: u32,
    kept: u32,
    is_full: bool,
    is_slow: bool,
    /// Plays a disk that says what is not so.
    lies: bool,
    /// Plays a store that does not wait for it.
    hastens: bool,
}

impl PlayedDisk {
    pub fn new(agenda: Agenda, dice: Dice) -> Self {
        Self(Arc::new(Mutex::new(State {
            agenda,
            dice,
            written: 0,
            kept: 0,
            is_full: false,
            is_slow: false,
            lies: false,
            hastens: false,
        })))
    }

    pub fn fill(&self, full: bool) {
        self.0.lock().unwrap().is_full = full;
    }

    pub fn slow_down(&self, slow: bool) {
        self.0.lock().unwrap().is_slow = slow;
    }

    pub fn lie(&self) {
        self.0.lock().unwrap().lies = true;
    }

    pub fn hasten(&self) {
        self.0.lock().unwrap().hastens = true;
    }

    /// How many pages were written since the store was opened.
    pub fn written(&self) -> u32 {
        self.0.lock().unwrap().written
    }

    pub fn keeps(&self, pages: u32) {
        let mut state = self.0.lock().unwrap();
        if !state.lies {
            state.kept = state.kept.max(pages);
        }
    }

    /// A store was opened on it: its journal is empty, and all before lies in the file.
    pub fn opened(&self) {
        let mut state = self.0.lock().unwrap();
        (state.written, state.kept) = (0, 0);
    }

    /// How much of the journal's file survives the power.
    pub fn kept_bytes(&self) -> u64 {
        match self.0.lock().unwrap().kept {
            0 => 0,
            pages => JOURNAL_HEAD + u64::from(pages) * JOURNAL_PAGE,
        }
    }
}

impl Disk for PlayedDisk {
    fn begins(&self) -> BoxFuture<'static, Result<(), store::Error>> {
        let (writer, begun) = oneshot::channel();
        let mut state = self.0.lock().unwrap();
        let may = match state.is_full {
            true => Err(store::Error::Busy("the disk is full (played)".to_owned())),
            false => Ok(()),
        };
        let after = match state.is_slow {
            true => state.dice.span(50, 2_000),
            false => state.dice.span(0, 3),
        };
        state.agenda.put(after, Event::Takes { may, writer });
        Box::pin(async move {
            let gone = || Err(store::Error::Busy("the disk is gone (played)".to_owned()));
            begun.await.unwrap_or_else(|_| gone())
        })
    }

    fn committed(&self, pages: u32) {
        self.0.lock().unwrap().written = pages;
    }

    fn syncs(&self) -> BoxFuture<'static, ()> {
        let (writer, synced) = oneshot::channel();
        let mut state = self.0.lock().unwrap();
        let after = match state.is_slow {
            true => state.dice.span(50, 3_000),
            false => state.dice.span(0, 20),
        };
        let pages = state.written;
        state.agenda.put(after, Event::Keeps { pages, writer });
        if state.hastens {
            return Box::pin(std::future::ready(()));
        }
        Box::pin(async move {
            if synced.await.is_err() {
                // A disk that is gone answers nobody.
                std::future::pending::<()>().await;
            }
        })
    }
}

/// What lies on the disk at one moment.
pub struct Image {
    file: Vec<u8>,
    journal: Vec<u8>,
}

impl Image {
    /// Everything that was written; `kept` cuts off what would not survive the power.
    pub fn of(store: &Path, kept: Option<u64>) -> Self {
        let file = fs::read(store).unwrap_or_default();
        let mut journal = fs::read(journal_of(store)).unwrap_or_default();
        if let Some(kept) = kept {
            journal.truncate(usize::try_from(kept).unwrap());
        }
        Self { file, journal }
    }

    /// Puts it back once the process is gone: closing a store in good order tidies up more than a
    /// death does.
    pub fn restore(&self, store: &Path) {
        write(store, &self.file);
        let shared = format!("{}-shm", store.display());
        let _ = fs::remove_file(shared);
        let journal = journal_of(store);
        let _ = fs::remove_file(&journal);
        if !self.journal.is_empty() {
            write(Path::new(&journal), &self.journal);
        }
    }
}

fn journal_of(store: &Path) -> String {
    format!("{}-wal", store.display())
}

fn write(path: &Path, bytes: &[u8]) {
    let mut options = fs::OpenOptions::new();
    let file = options.create(true).truncate(true).write(true).open(path);
    file.unwrap().write_all_at(bytes, 0).unwrap();
}

/// How long a machine is off.
pub fn downtime(dice: &mut Dice) -> Duration {
    dice.span(100, 20_000)
}
