//! The one writer: callers hand it work and wait; it commits many pieces of work at once.
//!
//! It has a thread of its own, where a statement is a call and not a trip. A caller that goes away
//! cancels nothing. A piece of work that fails is rolled back alone. Nobody hears of success before
//! the commit is in the file, and where it says [`Durability::Synced`] before it is on disk.
//! Deliveries come by a queue of their own, so that a flood of them holds up nobody's run.

use std::thread;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::chain::Head;
use super::commit::commit_together;
use super::error::Error;
use super::moved::Moved;
use super::piece::{Piece, Work};
use super::sql::{Connection, query};

/// Most pieces of work out of each queue in one commit.
const BATCH_MAX: usize = 128;
/// Most pieces of work that may wait in each queue; beyond it the store is busy.
const QUEUE_MAX: usize = 4096;

/// What a commit must survive before its caller hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Power loss: it is on disk.
    Synced,
    /// The death of this process. It reaches the disk with the next synced commit, in order, so
    /// losing it to a power loss is like never having come so far. For a worker's own steps between
    /// two commits that are synced.
    WithTheNext,
}

/// An open write transaction, with the end of the record chain at hand.
#[derive(Debug)]
pub(super) struct Tx {
    pub(super) db: Connection,
    pub(super) head: Head,
    /// Told of whoever is closed or opened.
    pub(super) moved: Moved,
    durability: Durability,
}

impl Tx {
    pub(super) async fn execute(&mut self, sql: &'static str) -> Result<(), Error> {
        query(sql).execute(&mut self.db).await?;
        Ok(())
    }

    /// Opens the transaction and reads the head of the chain, which a visiting command may have
    /// moved.
    pub(super) async fn begin(&mut self, durability: Durability) -> Result<(), Error> {
        if durability != self.durability {
            // A pragma takes effect when it is prepared, so it must not stay prepared.
            self.db.run_script(match durability {
                Durability::Synced => "pragma synchronous = full",
                Durability::WithTheNext => "pragma synchronous = normal",
            })?;
            self.durability = durability;
        }
        self.execute("begin immediate").await?;
        match Head::read(&mut self.db).await {
            Ok(head) => self.head = head,
            Err(error) => {
                self.roll_back().await;
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) async fn roll_back(&mut self) {
        // It fails where SQLite has rolled back by itself, which is as good.
        let _ = self.execute("rollback").await;
    }
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
}

impl Writer {
    /// The handle, and the life of the writer's thread, which the roof spawns. It ends when every
    /// handle is gone; dropping it ends the thread after the commit it is in.
    pub(super) fn new(
        db: Connection,
        moved: Moved,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (work, asked) = mpsc::channel(QUEUE_MAX);
        let (intake, taken) = mpsc::channel(QUEUE_MAX);
        let tx = Tx {
            db,
            head: Head::GENESIS,
            moved,
            durability: Durability::Synced,
        };
        (Self { work, intake }, live(tx, [asked, taken]))
    }

    /// Performs `work` in a transaction and answers after its commit.
    pub(super) async fn write<F, T>(
        &self,
        work: F,
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
        let piece = Box::new(Work::new(work, reply));
        door.try_send((piece, durability))
            .map_err(|full| match full {
                mpsc::error::TrySendError::Full(_) => {
                    Error::Busy(format!("{QUEUE_MAX} writes are waiting"))
                }
                mpsc::error::TrySendError::Closed(_) => ended(),
            })?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

fn ended() -> Error {
    Error::Busy("the writer has ended".to_owned())
}

type Queues = [mpsc::Receiver<Asked>; 2];

/// The thread, for as long as this future lives.
async fn live(tx: Tx, queues: Queues) {
    let runtime = tokio::runtime::Handle::current();
    let (stop, stopped) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let writing = thread::Builder::new().name("store-writer".to_owned());
    let thread = writing.spawn(move || {
        runtime.block_on(write_loop(tx, queues, stopped));
        // Nobody listens when the future was dropped.
        let _ = end.send(());
    });
    match thread {
        Ok(thread) => {
            let _thread = Thread {
                stop: Some(stop),
                thread: Some(thread),
            };
            if ended.await.is_err() {
                tracing::error!("the store's writer died; nothing more can be stored");
            }
        }
        Err(error) => tracing::error!(%error, "the store's writer could not begin"),
    }
}

/// Whoever drops it waits for the commit in hand, so that a store that is gone writes no more.
struct Thread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It was told already when it died.
            let _ = thread.join();
        }
    }
}

async fn write_loop(mut tx: Tx, queues: Queues, mut stopped: oneshot::Receiver<()>) {
    let [mut asked, mut taken] = queues;
    let (mut batch, mut armful) = (Vec::new(), Vec::new());
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            _ = asked.recv_many(&mut batch, BATCH_MAX) => {}
            _ = taken.recv_many(&mut armful, BATCH_MAX) => {}
        }
        fill(&mut batch, &mut asked);
        fill(&mut armful, &mut taken);
        batch.append(&mut armful);
        if batch.is_empty() {
            // Every handle is gone, and nothing is left of what they asked for.
            break;
        }
        commit_together(&mut tx, &mut batch).await;
    }
}

/// Adds what else waits, without waiting for it.
fn fill(batch: &mut Vec<Asked>, queue: &mut mpsc::Receiver<Asked>) {
    while batch.len() < BATCH_MAX
        && let Ok(more) = queue.try_recv()
    {
        batch.push(more);
    }
}
