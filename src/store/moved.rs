//! Whom a commit has closed or opened, so that what is kept in memory keeps in step.
//!
//! A note is written while the transaction is open, so it says only that something may have
//! changed: whoever takes it waits for the writer and then reads what is so.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Store;
use super::error::Error;
use super::rows::{bytes, uuid};
use super::sql::query;
use crate::domain::entity::ObjectId;
use crate::domain::tools::Held;

/// Most objects noted; beyond it everything is read anew.
const NOTED_MAX: usize = 4096;

/// Objects that may have been closed or opened. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    noted: Mutex<Noted>,
    told: Notify,
}

#[derive(Debug, Default)]
struct Noted {
    ids: BTreeSet<ObjectId>,
    /// Too many to name, or nobody knows which.
    everything: bool,
    /// What other services on the same database are still to hear of.
    to_tell: BTreeSet<ObjectId>,
}

/// What may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// These objects.
    Of(BTreeSet<ObjectId>),
    /// So many that everything is to be read anew.
    Everything,
}

impl Moved {
    pub(super) fn note(&self, id: ObjectId) {
        self.noted().to_tell.insert(id);
        self.heard([id]);
    }

    /// What another service has noted.
    pub(super) fn heard(&self, ids: impl IntoIterator<Item = ObjectId>) {
        let mut noted = self.noted();
        noted.ids.extend(ids);
        noted.everything |= noted.ids.len() >= NOTED_MAX;
        if noted.everything {
            noted.ids.clear();
        }
        self.0.told.notify_one();
    }

    /// Something may have been missed.
    pub(super) fn heard_nothing_certain(&self) {
        self.noted().everything = true;
        self.0.told.notify_one();
    }

    /// What the others are to hear of with this commit, once.
    pub(super) fn to_tell(&self) -> BTreeSet<ObjectId> {
        std::mem::take(&mut self.noted().to_tell)
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Waits until something may have been closed or opened and is committed. One listener is
    /// told of each change once.
    pub async fn moved(&self) -> Result<Movement, Error> {
        self.moved.0.told.notified().await;
        let (ids, everything) = {
            let mut noted = self.moved.noted();
            (
                std::mem::take(&mut noted.ids),
                std::mem::take(&mut noted.everything),
            )
        };
        // Behind everything that was in the writer's hands when it was noted.
        self.write_with_the_next(|_| Box::pin(async { Ok(()) }))
            .await?;
        Ok(if everything {
            Movement::Everything
        } else {
            Movement::Of(ids)
        })
    }

    /// Do we hold this object: contained, or its tools blocked?
    pub async fn held_now(&self, id: ObjectId) -> Result<Held, Error> {
        let row = query(
            "select 1 where exists (select 1 from containment where entity_id = $1 \
             and state in ('closing', 'closed', 'unverified')) \
             or exists (select 1 from tool_block where entity_id = $1 and released_at is null)",
        )
        .bind(bytes(id.uuid()))
        .fetch_optional(self.reading())
        .await?;
        Ok(row.map_or(Held::Open, |_| Held::Closed))
    }

    /// Every object we hold.
    pub async fn all_held(&self) -> Result<Vec<ObjectId>, Error> {
        let rows = query(
            "select entity_id from containment where state in ('closing', 'closed', 'unverified') \
             union select entity_id from tool_block where released_at is null",
        )
        .fetch_all(self.reading())
        .await?;
        rows.iter()
            .map(|row| Ok(ObjectId::from_uuid(uuid(row, "entity_id")?)))
            .collect()
    }
}
