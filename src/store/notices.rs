//! The outbox: what a person should be told, written with what it tells about.

use super::Store;
use super::error::Error;
use super::rows::{bytes, moment, uuid, uuid_or_none};
use super::runs::LIST_MAX;
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::id::{NoticeId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};

/// Notices read from the outbox at once.
const DRAIN_MAX: u32 = 100;

/// Writes a notice. One that waits already under the same key is enough.
pub(super) async fn write(tx: &mut Tx, notice: &Notice) -> Result<(), Error> {
    query(
        "insert into notice (notice_id, at, key, urgency, text, run_id) \
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
    )
    .bind(bytes(notice.id.uuid()))
    .bind(notice.at.as_millis())
    .bind(&notice.key)
    .bind(notice.urgency.word())
    .bind(&notice.text)
    .bind(notice.run.map(|run| bytes(run.uuid())))
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// Writes a notice unless one with its key was written after `since`.
pub(super) async fn write_unless_since(
    tx: &mut Tx,
    notice: &Notice,
    since: Moment,
) -> Result<(), Error> {
    let known = query("select 1 from notice where key = $1 and at > $2 limit 1")
        .bind(&notice.key)
        .bind(since.as_millis())
        .fetch_optional(&mut tx.db)
        .await?;
    match known {
        Some(_) => Ok(()),
        None => write(tx, notice).await,
    }
}

impl Store {
    /// A notice with an id of its own, not yet written.
    pub fn notice(&self, at: Moment, urgency: Urgency, key: String, text: String) -> Notice {
        Notice {
            id: self.fresh_notice(),
            at,
            key,
            urgency,
            text,
            run: None,
        }
    }

    /// A name for a notice.
    pub(super) fn fresh_notice(&self) -> NoticeId {
        NoticeId::from_uuid(self.clock.uuid())
    }

    /// Writes a notice that stands for itself.
    pub async fn tell(&self, notice: Notice) -> Result<(), Error> {
        self.write(move |tx| Box::pin(async move { write(tx, &notice).await }))
            .await
    }

    /// Writes a notice unless one with its key was ever written.
    pub async fn tell_once(&self, notice: Notice) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let ever = Moment::from_millis(i64::MIN);
                write_unless_since(tx, &notice, ever).await
            })
        })
        .await
    }

    /// Notices nobody was told yet, oldest first.
    pub async fn untold(&self) -> Result<Vec<Notice>, Error> {
        let rows = query(
            "select notice_id, at, key, urgency, text, run_id from notice \
             where told_at is null order by at limit $1",
        )
        .bind(DRAIN_MAX)
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(notice).collect()
    }

    /// The newest notices, told or not, oldest of them first.
    pub async fn every_notice(&self) -> Result<Vec<Notice>, Error> {
        let rows = query(
            "select notice_id, at, key, urgency, text, run_id from notice \
             order by at desc, notice_id desc limit $1",
        )
        .bind(LIST_MAX)
        .fetch_all(self.reading())
        .await?;
        rows.iter().rev().map(notice).collect()
    }
}

/// Marks it as told.
pub(super) async fn told_in(tx: &mut Tx, notice: NoticeId, at: Moment) -> Result<(), Error> {
    query("update notice set told_at = $2 where notice_id = $1")
        .bind(bytes(notice.uuid()))
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

pub(super) fn notice(row: &Row) -> Result<Notice, Error> {
    let urgency: String = row.get("urgency")?;
    Ok(Notice {
        id: NoticeId::from_uuid(uuid(row, "notice_id")?),
        at: moment(row, "at")?,
        key: row.get("key")?,
        urgency: if urgency == "page" {
            Urgency::Page
        } else {
            Urgency::Tell
        },
        text: row.get("text")?,
        run: uuid_or_none(row, "run_id")?.map(RunId::from_uuid),
    })
}
