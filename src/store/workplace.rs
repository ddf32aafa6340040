//! Where the store's work is done: on threads of its own, or on the one that everything runs on.
//!
//! The second is for who plays the machine: there a commit and its way to the disk end when the
//! player says so, so that every order in which things may happen can be tried, and tried again.

use std::future::pending;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::checkpoint::Checkpoints;
use super::commit::commit_together;
use super::error::Error;
use super::journal::Committed;
use super::write_loop::next_batch;
use super::writer::{Asked, Beside, Queues, Tx};

/// Where the store's work is done.
#[derive(Clone, Default)]
pub enum Workplace {
    /// On threads of its own.
    #[default]
    Threads,
    /// On the thread that asks, and on this disk.
    Here(Arc<dyn Disk>),
}

/// Ends when everything committed before it began is on disk, or that has failed.
pub type Syncing = BoxFuture<'static, Result<(), Error>>;

/// A disk that is played.
pub trait Disk: Send + Sync {
    /// Answers when the next commit may be made, or why it cannot be.
    fn begins(&self) -> BoxFuture<'static, Result<(), Error>>;
    /// A commit was made; the journal holds so many pages now.
    fn committed(&self, pages: u32);
    /// Answers when everything committed by now is on disk, or that it failed.
    fn syncs(&self) -> Syncing;
    /// It failed, and nobody knows what it holds: the process ends here.
    fn ends(&self);
}

impl Workplace {
    pub(super) fn is_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }
}

/// The writer on the thread that polls it. The journal is never copied: whoever plays ends before
/// it is long.
pub(super) struct WriterHere {
    tx: Tx,
    checkpoints: Checkpoints,
    disk: Arc<dyn Disk>,
    to_sync: Vec<Committed>,
    syncing: Option<(Syncing, Vec<Committed>)>,
}

impl WriterHere {
    pub(super) fn new((tx, beside): (Tx, Beside), disk: Arc<dyn Disk>) -> Self {
        let (checkpoints, _) = beside.checkpoints;
        Self {
            tx,
            checkpoints,
            disk,
            to_sync: Vec::new(),
            syncing: None,
        }
    }

    /// The same commits as on a thread, and nobody is answered before the disk has what he waits
    /// for. Ends when every handle is gone.
    pub(super) async fn write(mut self, mut queues: Queues) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                synced = self.synced() => {
                    if synced.is_err() {
                        return self.end().await;
                    }
                }
                () = next_batch(&mut queues, &mut batch) => {
                    if batch.is_empty() {
                        return;
                    }
                    self.commit(&mut batch).await;
                }
            }
        }
    }

    async fn commit(&mut self, batch: &mut Vec<Asked>) {
        if let Err(error) = self.disk.begins().await {
            if matches!(error, Error::DiskFailed(_)) {
                return self.end().await;
            }
            for (piece, _) in batch.drain(..) {
                piece.answer(Err(error.clone()));
            }
            return;
        }
        let waiting = commit_together(&mut self.tx, batch).await;
        self.to_sync.extend(waiting);
        self.disk.committed(self.checkpoints.pages());
        if self.syncing.is_none() {
            self.sync();
        }
    }

    /// One sync at a time; it answers everyone who waits by then.
    fn sync(&mut self) {
        if !self.to_sync.is_empty() {
            let waiting = std::mem::take(&mut self.to_sync);
            self.syncing = Some((self.disk.syncs(), waiting));
        }
    }

    async fn synced(&mut self) -> Result<(), Error> {
        let Some((under_way, _)) = &mut self.syncing else {
            return pending().await;
        };
        under_way.await?;
        let answered = self.syncing.take().map(|(_, waiting)| waiting);
        for (piece, _) in answered.into_iter().flatten() {
            piece.answer(Ok(()));
        }
        self.sync();
        Ok(())
    }

    /// As on a thread: nobody is answered by who no longer knows what the disk holds.
    async fn end(&mut self) {
        self.disk.ends();
        pending().await
    }
}
