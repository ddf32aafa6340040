//! How the store is asked: its writer for what changes, its readers for what is there, and each time
//! is counted.

use std::sync::atomic::Ordering;

use futures_util::future::BoxFuture;

use super::Store;
use super::error::Error;
use super::sql::{Glance, Readers};
use super::writer::{Durability, Queue, Tx};

impl Store {
    pub(super) async fn write<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.write_as(Durability::Synced, work).await
    }

    /// Work whose commit must survive as much as this says.
    pub(super) async fn write_as<F, T>(&self, how: Durability, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.count_asked();
        self.writer.write(work, (Queue::Work, how)).await
    }

    /// For a worker's own steps between two commits that are synced: see
    /// [`Durability::WithTheNext`].
    pub(super) async fn write_with_the_next<F, T>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.write_as(Durability::WithTheNext, work).await
    }

    /// Waits until whatever was written before is on disk. Who waits for it may hear of it later.
    pub async fn synced(&self) -> Result<(), Error> {
        self.count_asked();
        self.after_every_write().await
    }

    async fn after_every_write(&self) -> Result<(), Error> {
        let how = (Queue::Work, Durability::Synced);
        let nothing = self.writer.write(|_| Box::pin(async { Ok(()) }), how);
        nothing.await
    }

    /// Waits until whoever asked before is answered. It is not counted among what was asked, so that
    /// [`Store::asked`] tells whether anybody else did.
    pub async fn quiet(&self) -> Result<(), Error> {
        // A write that the writer syncs itself is answered before those that another thread still syncs.
        while !self.writer.is_idle() {
            self.after_every_write().await?;
        }
        self.readers.quiet().await
    }

    pub(super) fn reading(&self) -> &Readers {
        self.count_asked();
        &self.readers
    }

    /// For a few rows found by their key, on the way of a strike.
    pub(super) fn glancing(&self) -> Glance<'_> {
        self.count_asked();
        Glance(&self.readers)
    }

    pub(super) fn count_asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the store was asked for anything since it was opened. What a stranger sends must
    /// not move it (threat W26).
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}
