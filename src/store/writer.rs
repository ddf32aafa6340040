//! The one writer: callers hand it work and wait; it commits many pieces of work at once.
//!
//! For a file it has a thread of its own, where a statement is a call and not a trip. A caller that goes away
//! cancels nothing. A piece of work that fails is rolled back alone. Nobody hears of success before
//! the commit is in the file, and where it says [`Durability::Synced`] before it is on disk: that
//! is waited for on another thread, while the next commit is made.
//! Deliveries come by a queue of their own, so that a flood of them holds up nobody's run.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::chain::Head;
use super::checkpoint::{Checkpoints, Copier};
use super::commit::end_the_process;
use super::error::Error;
use super::journal::{COMMITS_MAX, Journal, sync_loop};
use super::moved::Moved;
use super::piece::{GoOn, Piece, Work};
use super::sql::Connection;
use super::threads::{Threads, on_a_thread};
pub(super) use super::tx::Tx;
use super::unanswered::Unanswered;
use super::workplace::{Workplace, WriterHere};
use super::write_loop::{Kept, Writing, write_loop};
use crate::clock::Clock;
use crate::vault::Vault;

/// Most pieces of work that may wait; beyond it the store is busy.
const QUEUE_MAX: usize = 4096;
/// Most deliveries that may wait: fewer than there are connections, so that under overload those
/// beyond are told at once to come again, and those that are taken are taken soon.
const INTAKE_MAX: usize = 1024;

/// What a commit must survive before its caller hears of it. Where a step is started in it, that is
/// [`Durability::Synced`], whatever was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Power loss: it is on disk.
    Synced,
    /// The same, and what soon follows from it may go to disk with it.
    Soon,
    /// The same. A strike follows from it, and begins while it is synced, at once and beside the writer.
    Beside,
    /// The death of this process. It reaches the disk with the next synced commit, in order, so
    /// losing it to a power loss is like never having come so far. For a worker's own steps between
    /// two commits that are synced.
    WithTheNext,
}

/// A piece of work, and what its commit must survive.
pub(super) type Asked = (Box<dyn Piece>, Durability);

/// Which queue a piece of work waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Runs, triage, orders.
    Work,
    /// What comes in by the door.
    Intake,
}

/// Hands work to the writer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    work: mpsc::Sender<Asked>,
    intake: mpsc::Sender<Asked>,
    unanswered: Unanswered,
}

/// What lies behind a writer.
pub(super) struct Files {
    /// Where it writes.
    pub(super) db: Connection,
    /// What is done beside it, where the database is a file of ours.
    pub(super) beside: Option<Beside>,
    /// How long syncs take.
    pub(super) clock: Clock,
}

/// What is done beside the writer of a file.
pub(super) struct Beside {
    /// The journal of it, to be synced.
    pub(super) journal: Journal,
    /// When the journal is copied, and what copies it.
    pub(super) checkpoints: (Checkpoints, Copier),
}

impl Writer {
    /// The handle, and the life of the writer, which the roof spawns. It ends when every handle is
    /// gone; dropping it ends the thread of a file after the commit it is in, and cuts the line to a
    /// server.
    pub(super) fn new(
        files: Files,
        (moved, vault): (Moved, Arc<Vault>),
        workplace: Workplace,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (work, asked) = mpsc::channel(QUEUE_MAX);
        let (intake, taken) = mpsc::channel(INTAKE_MAX);
        let Files { db, beside, clock } = files;
        let tx = Tx {
            db,
            head: Head::GENESIS,
            moved,
            vault,
            clock,
            opened: None,
            starts: false,
        };
        let queues = [asked, taken];
        let life = async move {
            match (beside, workplace) {
                (Some(beside), Workplace::Threads) => live((tx, beside), queues).await,
                (Some(beside), Workplace::Here(disk)) => {
                    WriterHere::new((tx, beside), disk).write(queues).await;
                }
                // What waits for a server needs no thread.
                (None, _) => {
                    let (_stop, stopped) = oneshot::channel();
                    let writing = Writing { tx, beside: None };
                    write_loop(writing, queues, stopped).await;
                }
            }
        };
        let writer = Self {
            work,
            intake,
            unanswered: Unanswered::default(),
        };
        (writer, life)
    }

    /// Does nobody wait for an answer?
    pub(super) fn is_idle(&self) -> bool {
        self.unanswered.is_nobody()
    }

    /// Performs `work` in a transaction and answers after its commit.
    pub(super) async fn write<F, T>(&self, work: F, how: (Queue, Durability)) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.write_and((work, None), how).await
    }

    /// The same, and what follows is begun whether or not the caller is still there: see [`GoOn`].
    pub(super) async fn write_and<F, T>(
        &self,
        work: (F, Option<GoOn<T>>),
        (queue, durability): (Queue, Durability),
    ) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let door = match queue {
            Queue::Work => &self.work,
            Queue::Intake => &self.intake,
        };
        let piece = Box::new(Work::new(work, reply, &self.unanswered));
        door.try_send((piece, durability))
            .map_err(|full| match full {
                mpsc::error::TrySendError::Full(_) => {
                    Error::Busy("too many writes are waiting".to_owned())
                }
                mpsc::error::TrySendError::Closed(_) => ended(),
            })?;
        match answer.await {
            Ok(answer) => answer?.heard().await,
            Err(_) => Err(ended()),
        }
    }
}

fn ended() -> Error {
    Error::Busy("the writer has ended".to_owned())
}

pub(super) type Queues = [mpsc::Receiver<Asked>; 2];

/// The threads, for as long as this future lives.
async fn live((tx, beside): (Tx, Beside), queues: Queues) {
    let runtime = tokio::runtime::Handle::current();
    let (stop, stopped) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let Beside {
        journal,
        checkpoints: (checkpoints, copier),
    } = beside;
    let (to_disk, commits) = sync_channel(COMMITS_MAX);
    let writing = Writing {
        tx,
        beside: Some(Kept {
            journal: journal.clone(),
            to_disk,
            checkpoints,
        }),
    };
    let threads = [
        on_a_thread("store-copier", move || copier.copy_loop()),
        on_a_thread("store-journal", move || {
            if let Err(failed) = sync_loop(&journal, &commits) {
                end_the_process(&failed);
            }
        }),
        on_a_thread("store-writer", move || {
            runtime.block_on(write_loop(writing, queues, stopped));
            // Nobody listens when the future was dropped.
            let _ = end.send(());
        }),
    ];
    // In the order in which they end: each lives for as long as the one behind it.
    let _threads = Threads::ending_with(stop, threads.into_iter().rev().flatten());
    if ended.await.is_err() {
        tracing::error!("the store's writer died; nothing more can be stored");
    }
}
