//! How far the risk lists were read, and what is known already of whom they name.

use super::Store;
use super::error::Error;
use super::rows::{bytes, moment};
use super::sql::query;
use crate::domain::entity::ObjectId;
use crate::domain::moment::Moment;
use crate::domain::pull::RiskList;

impl Store {
    /// When the newest whole reading of a list began.
    pub async fn pulled_through(&self, list: RiskList) -> Result<Option<Moment>, Error> {
        let row = query("select through from pull_cursor where list = $1")
            .bind(list.word())
            .fetch_optional(self.reading())
            .await?;
        row.map(|row| moment(&row, "through")).transpose()
    }

    /// Notes that a list was read to its end in a reading that began then. It only moves forward.
    pub async fn pulled(&self, list: RiskList, began: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                query(
                    "insert into pull_cursor (list, through) values ($1, $2) \
                     on conflict (list) do update set through = $2 \
                     where pull_cursor.through < $2",
                )
                .bind(list.word())
                .bind(began.as_millis())
                .execute(&mut tx.db)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Was a run made about this object since then, on anybody's word?
    pub async fn run_about_since(&self, id: ObjectId, since: Moment) -> Result<bool, Error> {
        let row = query("select 1 from run where entity_id = $1 and received_at >= $2 limit 1")
            .bind(bytes(id.uuid()))
            .bind(since.as_millis())
            .fetch_optional(self.reading())
            .await?;
        Ok(row.is_some())
    }
}
