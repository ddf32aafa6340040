//! Drills: asked for, moved on, ended. One at a time.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{
    bytes, json as from_json, moment, moment_or_none, to_json, uuid, uuid_or_none, word,
};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::drill::{Drill, DrillEvent, DrillState, Passed};
use crate::domain::entity::ObjectId;
use crate::domain::id::{DrillId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::Notice;
use crate::domain::record::{Actor, Record};

/// What becomes of a drill, stored in one transaction.
#[derive(Clone, Debug)]
pub struct DrillMove {
    /// What happened.
    pub event: DrillEvent,
    /// Its run, once it has one.
    pub run: Option<RunId>,
    /// All that is known of its hops.
    pub hops: Vec<Passed>,
    /// What went wrong, if anything did.
    pub because: Option<String>,
    /// Whom to tell.
    pub notice: Option<Notice>,
}

impl Store {
    /// Stores that a drill was asked for. Refused while another has not ended.
    pub async fn ask_drill(&self, drill: Drill) -> Result<(), Error> {
        self.write(move |tx| Box::pin(async move { ask(tx, &drill).await }))
            .await
    }

    /// Moves a drill by its law of change.
    pub async fn move_drill(
        &self,
        id: DrillId,
        change: DrillMove,
        at: Moment,
    ) -> Result<DrillState, Error> {
        self.write(move |tx| Box::pin(async move { move_on(tx, id, &change, at).await }))
            .await
    }

    /// One drill.
    pub async fn drill(&self, id: DrillId) -> Result<Option<Drill>, Error> {
        let row = query("select * from drill where drill_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(drill).transpose()
    }

    /// The drill that has not ended, if there is one.
    pub async fn open_drill(&self) -> Result<Option<Drill>, Error> {
        let row = query("select * from drill where unended = 1")
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(drill).transpose()
    }

    /// The newest drills, newest first.
    pub async fn drills(&self, limit: u32) -> Result<Vec<Drill>, Error> {
        let rows = query("select * from drill order by asked_at desc, drill_id desc limit $1")
            .bind(limit.min(super::LIST_MAX))
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(drill).collect()
    }

    /// The newest drill of this canary that passed.
    pub async fn last_good_drill(&self, canary: ObjectId) -> Result<Option<Drill>, Error> {
        let row = query(
            "select * from drill where state = 'passed' and canary = $1 order by ended_at desc limit 1",
        )
        .bind(bytes(canary.uuid()))
        .fetch_optional(self.reading())
        .await?;
        row.as_ref().map(drill).transpose()
    }

    /// Writes a notice unless one with its key was written after `since`.
    pub async fn remind(&self, notice: Notice, since: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move { super::notices::write_unless_since(tx, &notice, since).await })
        })
        .await
    }
}

async fn ask(tx: &mut Tx, drill: &Drill) -> Result<(), Error> {
    let inserted = query(
        "insert into drill (drill_id, canary, state, unended, asked_at, asked_by, hops) \
         values ($1, $2, $3, 1, $4, $5, '[]') on conflict do nothing",
    )
    .bind(bytes(drill.id.uuid()))
    .bind(bytes(drill.canary.uuid()))
    .bind(drill.state.word())
    .bind(drill.asked_at.as_millis())
    .bind(&drill.asked_by)
    .execute(&mut tx.db)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::Refused("another drill has not ended yet".to_owned()));
    }
    let detail = json!({ "drill": drill.id, "canary": drill.canary });
    let record = Record::new(drill.asked_at, "drill.asked", detail);
    tx.record(&record.by(Actor(drill.asked_by.clone()))).await
}

async fn move_on(
    tx: &mut Tx,
    id: DrillId,
    change: &DrillMove,
    at: Moment,
) -> Result<DrillState, Error> {
    let row = query("select state from drill where drill_id = $1")
        .bind(bytes(id.uuid()))
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or_else(|| Error::Refused(format!("there is no {id}")))?;
    let old = word(&row, "state", DrillState::from_word)?;
    let new = old
        .after(change.event)
        .map_err(|illegal| Error::Refused(illegal.to_string()))?;
    query(
        "update drill set state = $3, run_id = coalesce($4, run_id), hops = $5, because = $6, \
         unended = $7, ended_at = $8 where drill_id = $1 and state = $2",
    )
    .bind(bytes(id.uuid()))
    .bind(old.word())
    .bind(new.word())
    .bind(change.run.map(|run| bytes(run.uuid())))
    .bind(to_json(&change.hops)?)
    .bind(change.because.as_deref())
    .bind(new.is_open().then_some(1_i64))
    .bind((!new.is_open()).then(|| at.as_millis()))
    .execute(&mut tx.db)
    .await?;
    let detail = json!({ "drill": id, "was": old, "because": change.because, "hops": change.hops });
    let mut record = Record::new(at, &format!("drill.{}", new.word()), detail);
    record.run = change.run;
    tx.record(&record).await?;
    if let Some(notice) = &change.notice {
        super::notices::write(tx, notice).await?;
    }
    Ok(new)
}

fn drill(row: &Row) -> Result<Drill, Error> {
    Ok(Drill {
        id: DrillId::from_uuid(uuid(row, "drill_id")?),
        canary: ObjectId::from_uuid(uuid(row, "canary")?),
        state: word(row, "state", DrillState::from_word)?,
        asked_at: moment(row, "asked_at")?,
        asked_by: row.get("asked_by")?,
        run: uuid_or_none(row, "run_id")?.map(RunId::from_uuid),
        hops: from_json(row, "hops")?,
        because: row.get("because")?,
        ended_at: moment_or_none(row, "ended_at")?,
    })
}
