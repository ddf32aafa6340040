//! How long the oldest in each queue has waited, and how much of the tenant's cap is used.

use super::Store;
use super::error::Error;
use super::rows::moment_or_none;
use super::sql::query;
use crate::domain::moment::Moment;

/// Since when the oldest of each queue has waited; `None` where nobody waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oldest {
    /// Deliveries that were not read yet.
    pub unread: Option<Moment>,
    /// Runs that no worker has begun.
    pub queued: Option<Moment>,
    /// Runs that wait for a person.
    pub waiting: Option<Moment>,
    /// Notices that nobody was told yet.
    pub untold: Option<Moment>,
}

impl Store {
    /// The oldest in each queue. Each part is answered from an index of what is open.
    pub async fn oldest(&self) -> Result<Oldest, Error> {
        let row = query(
            "select \
             (select min(received_at) from delivery where state = 'received') as unread, \
             (select min(received_at) from run where state = 'queued') as queued, \
             (select min(received_at) from run where state = 'waiting') as waiting, \
             (select min(at) from notice where told_at is null) as untold",
        )
        .fetch_one(self.reading())
        .await?;
        Ok(Oldest {
            unread: moment_or_none(&row, "unread")?,
            queued: moment_or_none(&row, "queued")?,
            waiting: moment_or_none(&row, "waiting")?,
            untold: moment_or_none(&row, "untold")?,
        })
    }

    /// How many entities of the tenant were contained without a person since then.
    pub async fn cap_used(&self, since: Moment) -> Result<u32, Error> {
        let row = query("select count(*) as used from cap_use where scope = 'tenant' and at > $1")
            .bind(since.as_millis())
            .fetch_one(self.reading())
            .await?;
        row.get("used")
    }
}
