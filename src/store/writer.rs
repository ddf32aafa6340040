//! The one writer: callers hand it work and wait; it commits many pieces of work at once.
//!
//! A caller that goes away cancels nothing. A piece of work that fails is rolled back alone. Nobody
//! hears of success before the commit is on disk.

use futures_util::future::BoxFuture;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::error::Error;
use crate::domain::record::{Record, Seal, seal};

/// Most pieces of work in one commit.
const BATCH_MAX: usize = 128;
/// Most pieces of work that may wait; beyond it the store is busy.
const QUEUE_MAX: usize = 4096;

/// An open write transaction, with the end of the record chain at hand.
#[derive(Debug)]
pub(super) struct Tx {
    pub(super) db: SqliteConnection,
    head: Head,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    number: i64,
    seal: Seal,
}

impl Tx {
    /// Seals a record onto the chain, as part of this transaction.
    pub(super) async fn record(&mut self, record: &Record) -> Result<(), Error> {
        let line = record.line();
        let next = Head {
            number: self.head.number + 1,
            seal: seal(self.head.seal, &line),
        };
        sqlx::query("insert into record (number, run_id, line, seal) values ($1, $2, $3, $4)")
            .bind(next.number)
            .bind(record.run.map(|run| run.uuid().as_bytes().to_vec()))
            .bind(line)
            .bind(next.seal.0.to_vec())
            .execute(&mut self.db)
            .await?;
        self.head = next;
        Ok(())
    }

    async fn read_head(&mut self) -> Result<(), Error> {
        let row = sqlx::query("select number, seal from record order by number desc limit 1")
            .fetch_optional(&mut self.db)
            .await?;
        self.head = match row {
            None => Head {
                number: 0,
                seal: Seal::GENESIS,
            },
            Some(row) => {
                let bytes: Vec<u8> = row.try_get("seal")?;
                let bytes = bytes
                    .try_into()
                    .map_err(|_| Error::Damaged("a seal".to_owned()))?;
                Head {
                    number: row.try_get("number")?,
                    seal: Seal(bytes),
                }
            }
        };
        Ok(())
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), Error> {
        sqlx::query(sql).execute(&mut self.db).await?;
        Ok(())
    }
}

/// One piece of work: done inside a transaction, answered after its commit.
trait Piece: Send {
    fn perform<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>>;
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

struct Work<F, T> {
    perform: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<F, T> Piece for Work<F, T>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send,
    T: Send,
{
    fn perform<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<(), Error>> {
        Box::pin(async move {
            if let Some(perform) = self.perform.take() {
                self.result = Some(perform(tx).await?);
            }
            Ok(())
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let Self { result, reply, .. } = *self;
        let lost = || Err(Error::Busy("the work was not carried out".to_owned()));
        let answer = committed.and_then(|()| result.map_or_else(lost, Ok));
        // The caller may have gone away; what was committed stays committed.
        let _ = reply.send(answer);
    }
}

/// Hands work to the writer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Box<dyn Piece>>);

impl Writer {
    /// The handle, and the loop that the roof spawns. The loop ends when every handle is gone.
    pub(super) fn new(db: SqliteConnection) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let tx = Tx {
            db,
            head: Head {
                number: 0,
                seal: Seal::GENESIS,
            },
        };
        (Self(sender), write_loop(tx, receiver))
    }

    /// Performs `work` in a transaction and answers after its commit.
    pub(super) async fn write<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let piece = Box::new(Work {
            perform: Some(work),
            result: None,
            reply,
        });
        self.0.try_send(piece).map_err(|full| match full {
            mpsc::error::TrySendError::Full(_) => {
                Error::Busy(format!("{QUEUE_MAX} writes are waiting"))
            }
            mpsc::error::TrySendError::Closed(_) => Error::Busy("the writer has ended".to_owned()),
        })?;
        answer
            .await
            .unwrap_or_else(|_| Err(Error::Busy("the writer has ended".to_owned())))
    }
}

async fn write_loop(mut tx: Tx, mut waiting: mpsc::Receiver<Box<dyn Piece>>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        commit_together(&mut tx, &mut batch).await;
    }
    if let Err(error) = tx.db.close().await {
        tracing::warn!(%error, "the store did not close cleanly");
    }
}

/// One transaction for the whole batch, one savepoint for each piece.
async fn commit_together(tx: &mut Tx, batch: &mut Vec<Box<dyn Piece>>) {
    if let Err(error) = begin(tx).await {
        batch
            .drain(..)
            .for_each(|piece| piece.answer(Err(error.clone())));
        return;
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    for piece in batch.iter_mut() {
        outcomes.push(perform_alone(tx, piece.as_mut()).await);
    }
    crate::telemetry::crash_point("store.commit.before");
    let committed = tx.execute("commit").await;
    crate::telemetry::crash_point("store.commit.after");
    if committed.is_err() {
        // Nothing of this batch is durable; a half-open transaction must not swallow the next.
        let _ = tx.execute("rollback").await;
    }
    for (piece, outcome) in batch.drain(..).zip(outcomes) {
        piece.answer(outcome.and_then(|()| committed.clone()));
    }
}

async fn begin(tx: &mut Tx) -> Result<(), Error> {
    tx.execute("begin immediate").await?;
    if let Err(error) = tx.read_head().await {
        let _ = tx.execute("rollback").await;
        return Err(error);
    }
    Ok(())
}

async fn perform_alone(tx: &mut Tx, piece: &mut dyn Piece) -> Result<(), Error> {
    tx.execute("savepoint piece").await?;
    let head = tx.head;
    match piece.perform(tx).await {
        Ok(()) => tx.execute("release piece").await,
        Err(error) => {
            tx.head = head;
            tx.execute("rollback to piece").await?;
            tx.execute("release piece").await?;
            Err(error)
        }
    }
}
