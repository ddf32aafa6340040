//! The one writer: callers hand it work and wait; it commits many pieces of work at once.
//!
//! A caller that goes away cancels nothing. A piece of work that fails is rolled back alone. Nobody
//! hears of success before the commit is in the file, and where it says [`Durability::Synced`]
//! before it is on disk. Deliveries come by a queue of their own and go in by the armful: every
//! statement is a trip to SQLite's thread and back, and trips are what a flood is made of.

use futures_util::future::BoxFuture;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::chain::{Chain, Head};
use super::commit::{Batch, commit_together};
use super::deliveries::Taken;
use super::error::Error;
use super::piece::{Piece, Work};
use crate::domain::delivery::NewDelivery;

/// Most pieces of work, and most deliveries, in one commit.
const BATCH_MAX: usize = 128;
/// Most pieces of work, and most deliveries, that may wait; beyond it the store is busy.
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
    pub(super) db: SqliteConnection,
    pub(super) chain: Chain,
    durability: Durability,
}

impl Tx {
    pub(super) async fn execute(&mut self, sql: &'static str) -> Result<(), Error> {
        sqlx::query(sql).execute(&mut self.db).await?;
        Ok(())
    }

    /// Opens the transaction and reads the head of the chain, which a visiting command may have
    /// moved.
    pub(super) async fn begin(&mut self, durability: Durability) -> Result<(), Error> {
        if durability != self.durability {
            let pragma = match durability {
                Durability::Synced => "pragma synchronous = full",
                Durability::WithTheNext => "pragma synchronous = normal",
            };
            // Takes effect when it is prepared, so it must not come from the statement cache.
            sqlx::raw_sql(pragma).execute(&mut self.db).await?;
            self.durability = durability;
        }
        match Head::read_at_begin(&mut self.db).await {
            Ok(head) => self.chain = Chain::after(head),
            Err(error) => {
                self.roll_back().await;
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) async fn commit(&mut self) -> Result<(), Error> {
        self.chain.commit(&mut self.db).await
    }

    pub(super) async fn roll_back(&mut self) {
        // It fails where SQLite has rolled back by itself, which is as good.
        let _ = self.execute("rollback").await;
    }
}

/// A piece of work, and what its commit must survive.
pub(super) type Asked = (Box<dyn Piece>, Durability);

/// A delivery that someone waits for.
pub(super) struct Waiting {
    pub(super) new: NewDelivery,
    pub(super) reply: oneshot::Sender<Result<Taken, Error>>,
}

/// Hands work to the writer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    pieces: mpsc::Sender<Asked>,
    deliveries: mpsc::Sender<Waiting>,
}

impl Writer {
    /// The handle, and the loop that the roof spawns. The loop ends when every handle is gone.
    pub(super) fn new(db: SqliteConnection) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (pieces, asked) = mpsc::channel(QUEUE_MAX);
        let (deliveries, waiting) = mpsc::channel(QUEUE_MAX);
        let tx = Tx {
            db,
            chain: Chain::after(Head::GENESIS),
            durability: Durability::Synced,
        };
        (Self { pieces, deliveries }, write_loop(tx, asked, waiting))
    }

    /// Performs `work` in a transaction and answers after its commit.
    pub(super) async fn write<F, T>(&self, work: F, durability: Durability) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let piece = Box::new(Work::new(work, reply));
        hand_in(&self.pieces, (piece, durability))?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Takes a delivery, together with others that wait, and answers after the commit is on disk.
    pub(super) async fn take(&self, new: NewDelivery) -> Result<Taken, Error> {
        let (reply, answer) = oneshot::channel();
        hand_in(&self.deliveries, Waiting { new, reply })?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

fn hand_in<T>(door: &mpsc::Sender<T>, what: T) -> Result<(), Error> {
    door.try_send(what).map_err(|full| match full {
        mpsc::error::TrySendError::Full(_) => {
            Error::Busy(format!("{QUEUE_MAX} writes are waiting"))
        }
        mpsc::error::TrySendError::Closed(_) => ended(),
    })
}

pub(super) fn ended() -> Error {
    Error::Busy("the writer has ended".to_owned())
}

async fn write_loop(
    mut tx: Tx,
    mut asked: mpsc::Receiver<Asked>,
    mut waiting: mpsc::Receiver<Waiting>,
) {
    let mut batch = Batch::default();
    loop {
        tokio::select! {
            biased;
            _ = asked.recv_many(&mut batch.pieces, BATCH_MAX) => {}
            _ = waiting.recv_many(&mut batch.deliveries, BATCH_MAX) => {}
        }
        fill(&mut batch.pieces, &mut asked);
        fill(&mut batch.deliveries, &mut waiting);
        if batch.pieces.is_empty() && batch.deliveries.is_empty() {
            // Every handle is gone, and nothing is left of what they asked for.
            break;
        }
        commit_together(&mut tx, &mut batch).await;
    }
    if let Err(error) = tx.db.close().await {
        tracing::warn!(%error, "the store did not close cleanly");
    }
}

/// Adds what else waits, without waiting for it.
fn fill<T>(batch: &mut Vec<T>, queue: &mut mpsc::Receiver<T>) {
    while batch.len() < BATCH_MAX
        && let Ok(more) = queue.try_recv()
    {
        batch.push(more);
    }
}
