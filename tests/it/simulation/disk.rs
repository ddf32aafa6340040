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
use super::tally::{Kind, Tally};

/// Bytes of SQLite's journal before its first page, and of one page with its header.
const JOURNAL_HEAD: u64 = 32;
const JOURNAL_PAGE: u64 = 24 + 4096;

/// Cheap to clone; every clone is the same disk.
#[derive(Clone)]
pub struct PlayedDisk(Arc<Mutex<State>>);

struct State {
    agenda: Agenda,
    dice: Dice,
    tally: Tally,
    /// Pages of the journal that were written, and that survive the power.
    written: u32,
    kept: u32,
    is_full: bool,
    is_slow: bool,
    /// Where it fails the next time.
    fails: Option<Failing>,
    /// Plays a disk that says what is not so.
    lies: bool,
    /// Plays a store that does not wait for it.
    hastens: bool,
}

/// Where a disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// A commit cannot be written.
    Write,
    /// What was written cannot be made to stay.
    Sync,
}

impl PlayedDisk {
    pub fn new(agenda: Agenda, (dice, tally): (Dice, Tally)) -> Self {
        Self(Arc::new(Mutex::new(State {
            agenda,
            dice,
            tally,
            written: 0,
            kept: 0,
            is_full: false,
            is_slow: false,
            fails: None,
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

    /// The next time that it is asked to, it fails.
    pub fn fail(&self, fails: Option<Failing>) {
        self.0.lock().unwrap().fails = fails;
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
        let may = state.may();
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

    fn syncs(&self) -> BoxFuture<'static, Result<(), store::Error>> {
        let (writer, synced) = oneshot::channel();
        let mut state = self.0.lock().unwrap();
        let kept = state.kept_or(Failing::Sync, Kind::CommitUnknown);
        let after = match state.is_slow {
            true => state.dice.span(50, 3_000),
            false => state.dice.span(0, 20),
        };
        let pages = state.written;
        state.agenda.put(
            after,
            Event::Keeps {
                pages,
                kept,
                writer,
            },
        );
        if state.hastens {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(async move {
            match synced.await {
                Ok(kept) => kept,
                // A disk that is gone answers nobody.
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn ends(&self) {
        self.0
            .lock()
            .unwrap()
            .agenda
            .put(Duration::ZERO, Event::Ends);
    }
}

impl State {
    /// May a commit be made?
    fn may(&mut self) -> Result<(), store::Error> {
        if self.is_full {
            self.tally.count(Kind::DiskFull);
            return Err(store::Error::Busy("the disk is full (played)".to_owned()));
        }
        if self.is_slow {
            self.tally.count(Kind::DiskSlow);
        }
        self.kept_or(Failing::Write, Kind::WriteFails)
    }

    /// Fails once, where it is to fail.
    fn kept_or(&mut self, here: Failing, kind: Kind) -> Result<(), store::Error> {
        if self.fails != Some(here) {
            return Ok(());
        }
        self.fails = None;
        self.tally.count(kind);
        Err(store::Error::DiskFailed("i/o error (played)".to_owned()))
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
