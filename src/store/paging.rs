//! Pages in a person's hands: acknowledged, over, and what that means to whoever was paged.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::notices;
use super::rows::{bytes, moment_or_none, uuid};
use super::runs::LIST_MAX;
use super::sql::{query, query_in_both};
use super::tellings;
use super::writer::Tx;
use crate::domain::id::NoticeId;
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, TEST_PAGE};
use crate::domain::record::{Actor, Record};
use crate::domain::telling::{NewTelling, TellingState, Whom, Word};

/// Pages looked at in one round.
const ROUND_MAX: u32 = 100;
/// Places one page may have been told by.
const PLACES_MAX: u32 = 100;

/// A notice and who has it in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What was told.
    pub notice: Notice,
    /// When it went to the log and its places.
    pub told_at: Option<Moment>,
    /// When a person took it in hand, and who.
    pub acked: Option<(Moment, String)>,
    /// When it was over, and on whose word.
    pub resolved: Option<(Moment, String)>,
}

/// Which notices are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every one.
    All,
    /// Pages that are not over.
    OpenPages,
}

impl Store {
    /// Notices, newest first.
    pub async fn held_notices(&self, which: Which, limit: u32) -> Result<Vec<Held>, Error> {
        let open = match which {
            Which::All => 0_i64,
            Which::OpenPages => 1,
        };
        let rows = query(
            "select * from notice \
             where $1 = 0 or (urgency = 'page' and resolved_at is null) \
             order by at desc, notice_id desc limit $2",
        )
        .bind(open)
        .bind(limit.min(LIST_MAX))
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(held).collect()
    }

    /// One notice.
    pub async fn held_notice(&self, id: NoticeId) -> Result<Option<Held>, Error> {
        let row = query("select * from notice where notice_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(held).transpose()
    }

    /// A person has it in hand: nobody else is paged for it. False when it is over or somebody
    /// had it before.
    pub async fn acknowledge(&self, id: NoticeId, who: Actor, at: Moment) -> Result<bool, Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let acked = query(
                    "update notice set acked_at = $2, acked_by = $3 \
                     where notice_id = $1 and acked_at is null and resolved_at is null",
                )
                .bind(bytes(id.uuid()))
                .bind(at.as_millis())
                .bind(&who.0)
                .execute(&mut tx.db)
                .await?;
                if acked.rows_affected() == 0 {
                    return Ok(false);
                }
                let record = Record::new(at, "notice.acknowledged", json!({ "notice": id }));
                tx.record(&record.by(who)).await?;
                follow(tx, id, Word::Acknowledge, at).await?;
                Ok(true)
            })
        })
        .await
    }

    /// It is over. False when it was before.
    pub async fn resolve(&self, id: NoticeId, who: Actor, at: Moment) -> Result<bool, Error> {
        self.write(move |tx| Box::pin(async move { resolve_in(tx, id, who, at).await }))
            .await
    }

    /// Ends every open page whose ground is gone: its run came to rest after it, or what it asked
    /// is decided. Answers how many.
    pub async fn resolve_over(&self, at: Moment) -> Result<usize, Error> {
        let mut ended = 0;
        for id in self.over().await? {
            if self.resolve(id, Actor::ourselves(), at).await? {
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// The places a test page was acknowledged from.
    pub async fn tested_places(&self) -> Result<Vec<Whom>, Error> {
        let rows = query(
            "select distinct t.whom from telling t join notice n on n.notice_id = t.about \
             where n.key = $1 and n.acked_at is not null \
               and t.word = 'raise' and t.state = 'told' limit $2",
        )
        .bind(TEST_PAGE)
        .bind(PLACES_MAX)
        .fetch_all(self.reading())
        .await?;
        let whom = |row| super::rows::word(row, "whom", Whom::from_text);
        rows.iter().map(whom).collect()
    }

    /// Ends the open pages of these keys.
    pub async fn resolve_keys(&self, keys: Vec<String>, at: Moment) -> Result<(), Error> {
        let keys = super::rows::to_json(&keys)?;
        let rows = query_in_both(
            "select notice_id from notice where urgency = 'page' and resolved_at is null \
             and key in (select value from json_each($1)) limit $2",
            "select notice_id from notice where urgency = 'page' and resolved_at is null \
             and key in (select jsonb_array_elements_text(cast($1 as jsonb))) limit $2",
        )
        .bind(keys)
        .bind(ROUND_MAX)
        .fetch_all(self.reading())
        .await?;
        for row in &rows {
            let id = NoticeId::from_uuid(uuid(row, "notice_id")?);
            self.resolve(id, Actor::ourselves(), at).await?;
        }
        Ok(())
    }

    async fn over(&self) -> Result<Vec<NoticeId>, Error> {
        let rows = query(
            "select n.notice_id from notice n \
             left join run r on r.run_id = n.run_id \
             left join approval a on a.approval_id = n.notice_id \
             where n.urgency = 'page' and n.resolved_at is null \
               and ((a.approval_id is not null and a.state <> 'asked') \
                 or (a.approval_id is null and r.state in ('contained', 'undone', 'stopped') \
                     and r.ended_at > n.at)) \
             limit $1",
        )
        .bind(ROUND_MAX)
        .fetch_all(self.reading())
        .await?;
        let ids = rows.iter().map(|row| uuid(row, "notice_id"));
        ids.map(|id| Ok(NoticeId::from_uuid(id?))).collect()
    }
}

async fn resolve_in(tx: &mut Tx, id: NoticeId, who: Actor, at: Moment) -> Result<bool, Error> {
    let ended = query(
        "update notice set resolved_at = $2, resolved_by = $3 \
         where notice_id = $1 and resolved_at is null",
    )
    .bind(bytes(id.uuid()))
    .bind(at.as_millis())
    .bind(&who.0)
    .execute(&mut tx.db)
    .await?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    let record = Record::new(at, "notice.resolved", json!({ "notice": id }));
    tx.record(&record.by(who)).await?;
    let others = query(
        "select 1 from notice n join notice m on m.key = n.key \
         where n.notice_id = $1 and m.notice_id <> $1 and m.urgency = 'page' \
           and m.resolved_at is null limit 1",
    )
    .bind(bytes(id.uuid()))
    .fetch_optional(&mut tx.db)
    .await?;
    match others {
        // The far end has one alarm for both.
        Some(_) => drop_unsaid(tx, id, at).await?,
        None => follow(tx, id, Word::Resolve, at).await?,
    }
    Ok(true)
}

/// Tells every place that heard of it; what nobody heard yet need not be said.
async fn follow(tx: &mut Tx, id: NoticeId, then: Word, at: Moment) -> Result<(), Error> {
    drop_unsaid(tx, id, at).await?;
    let rows = query(
        "select whom from telling where about = $1 and word = 'raise' \
         and (state = 'told' or (state = 'due' and attempts > 0)) limit $2",
    )
    .bind(bytes(id.uuid()))
    .bind(PLACES_MAX)
    .fetch_all(&mut tx.db)
    .await?;
    for row in &rows {
        let new = NewTelling {
            whom: super::rows::word(row, "whom", Whom::from_text)?,
            word: then,
            about: id.uuid(),
            due_at: at,
        };
        tellings::insert(tx, &new).await?;
    }
    Ok(())
}

async fn drop_unsaid(tx: &mut Tx, id: NoticeId, at: Moment) -> Result<(), Error> {
    query(
        "update telling set state = $3, ended_at = $2 \
         where about = $1 and state = 'due' and attempts = 0",
    )
    .bind(bytes(id.uuid()))
    .bind(at.as_millis())
    .bind(TellingState::Moot.word())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

fn held(row: &super::sql::Row) -> Result<Held, Error> {
    let done = |at: &str, by: &str| {
        let when = moment_or_none(row, at)?;
        let who: Option<String> = row.get(by)?;
        Ok::<_, Error>(when.map(|when| (when, who.unwrap_or_default())))
    };
    Ok(Held {
        notice: notices::notice(row)?,
        told_at: moment_or_none(row, "told_at")?,
        acked: done("acked_at", "acked_by")?,
        resolved: done("resolved_at", "resolved_by")?,
    })
}
