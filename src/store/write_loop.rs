//! The writer's life: a batch, its commit, and the way of that to the disk.

use std::sync::mpsc::SyncSender;

use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Checkpoints;
use super::commit::{commit_together, end_the_process};
use super::journal::{Committed, Journal};
use super::sql::Connection;
use super::writer::{Asked, Queues, Tx};

/// Most pieces of work out of each queue in one commit.
const BATCH_MAX: usize = 128;

/// What the writer holds.
pub(super) struct Writing {
    pub(super) tx: Tx,
    /// The way of a file's commits to the disk.
    pub(super) beside: Option<Kept>,
}

/// How a file's commits come to the disk.
pub(super) struct Kept {
    pub(super) journal: Journal,
    pub(super) to_disk: SyncSender<Vec<Committed>>,
    pub(super) checkpoints: Checkpoints,
}

/// Those who waited for the disk no longer do.
struct NobodySyncs;

impl Writing {
    /// Sees a commit to the disk. What a server committed is there. `alone`: nobody else waits for
    /// the writer.
    fn keep(&self, waiting: Vec<Committed>, alone: bool) -> Result<(), NobodySyncs> {
        let Some(beside) = &self.beside else {
            for (piece, _) in waiting {
                piece.answer(Ok(()));
            }
            return Ok(());
        };
        if alone && beside.journal.syncs_here(&waiting) {
            if let Err(failed) = beside.journal.sync(waiting) {
                end_the_process(&failed);
            }
        } else if !waiting.is_empty() {
            beside.to_disk.send(waiting).map_err(|_| NobodySyncs)?;
        }
        if let Connection::File(file) = &self.tx.db {
            beside.checkpoints.after_commit(file);
        }
        Ok(())
    }
}

/// Ends when it is told to, or when nobody can ask any more.
pub(super) async fn write_loop(
    mut writing: Writing,
    mut queues: Queues,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => break,
            () = next_batch(&mut queues, &mut batch) => {}
        }
        if batch.is_empty() {
            break;
        }
        let waiting = commit_together(&mut writing.tx, &mut batch).await;
        let alone = queues.iter().all(mpsc::Receiver::is_empty);
        // Without the thread that syncs, those who wait learn that nobody answers.
        if writing.keep(waiting, alone).is_err() {
            break;
        }
    }
}

/// Waits for work, and takes what else waits by then. Nothing comes when every handle is gone, and
/// nothing is left of what they asked for.
pub(super) async fn next_batch([asked, taken]: &mut Queues, batch: &mut Vec<Asked>) {
    let mut armful = Vec::new();
    tokio::select! {
        biased;
        _ = asked.recv_many(batch, BATCH_MAX) => {}
        _ = taken.recv_many(&mut armful, BATCH_MAX) => {}
    }
    fill(batch, asked);
    fill(&mut armful, taken);
    batch.append(&mut armful);
}

/// Adds what else waits, without waiting for it.
fn fill(batch: &mut Vec<Asked>, queue: &mut mpsc::Receiver<Asked>) {
    while batch.len() < BATCH_MAX
        && let Ok(more) = queue.try_recv()
    {
        batch.push(more);
    }
}
