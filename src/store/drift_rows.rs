//! Rows of what differs from how we left it.

use serde_json::json;

use super::error::Error;
use super::rows::{bytes, entity, moment, moment_or_none, word, word_or_none};
use super::sql::{Row, Session, query};
use super::writer::Tx;
use crate::domain::entity::Entity;
use crate::domain::hold::{Answer, Drift, OverBy, What};
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::record::Record;

/// Most differences of one entity that are shown.
const SHOWN_MAX: u32 = 20;

/// A difference on its way into the store.
pub(super) struct NewDrift<'a> {
    pub(super) what: What,
    pub(super) about: &'a str,
    pub(super) answer: Answer,
    pub(super) run: Option<RunId>,
}

pub(super) async fn insert(
    tx: &mut Tx,
    (id, of): (uuid::Uuid, Entity),
    drift: &NewDrift<'_>,
    at: Moment,
) -> Result<(), Error> {
    query(
        "insert into drift (drift_id, entity_kind, entity_id, what, about, answer, run_id, \
         seen_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(bytes(id))
    .bind(of.kind.word())
    .bind(bytes(of.id.uuid()))
    .bind(drift.what.word())
    .bind(drift.about)
    .bind(drift.answer.word())
    .bind(drift.run.map(|run| bytes(run.uuid())))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    let detail = json!({
        "entity": of, "what": drift.what, "about": drift.about, "answer": drift.answer,
    });
    let mut record = Record::new(at, "entity.drifted", detail);
    record.run = drift.run;
    tx.record(&record).await
}

/// How it was last answered that this switch reads on, where that is not over.
pub(super) async fn open_drift(tx: &mut Tx, of: Entity) -> Result<Option<Answer>, Error> {
    let row = query(
        "select answer from drift where entity_kind = $1 and entity_id = $2 \
         and what = 'enabled' and over_at is null",
    )
    .bind(of.kind.word())
    .bind(bytes(of.id.uuid()))
    .fetch_optional(&mut tx.db)
    .await?;
    row.map(|row| word(&row, "answer", Answer::from_word))
        .transpose()
}

pub(super) async fn closed_again_since(
    tx: &mut Tx,
    of: Entity,
    since: Moment,
) -> Result<u32, Error> {
    let row = query(
        "select count(*) as again from drift where entity_id = $1 and seen_at > $2 \
         and entity_kind = $3 and what = 'enabled' and answer = 'closed_again'",
    )
    .bind(bytes(of.id.uuid()))
    .bind(since.as_millis())
    .bind(of.kind.word())
    .fetch_one(&mut tx.db)
    .await?;
    row.get("again")
}

pub(super) async fn end_drift(
    tx: &mut Tx,
    of: Entity,
    (by, at): (OverBy, Moment),
) -> Result<(), Error> {
    query(
        "update drift set over_at = $3, over_by = $4 where entity_kind = $1 and entity_id = $2 \
         and what = 'enabled' and over_at is null",
    )
    .bind(of.kind.word())
    .bind(bytes(of.id.uuid()))
    .bind(at.as_millis())
    .bind(by.word())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// What this run closed again was read back closed.
pub(super) async fn closed_again(tx: &mut Tx, run: RunId, at: Moment) -> Result<(), Error> {
    // Nearly always nothing: then a look is cheaper than a change of no row.
    if reopened(tx, run).await?.is_empty() {
        return Ok(());
    }
    query(
        "update drift set over_at = $2, over_by = 'us' \
         where over_at is null and run_id = $1 and answer = 'closed_again'",
    )
    .bind(bytes(run.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// Nobody holds it any more, so nothing about it differs from what we want.
pub(super) async fn forget(tx: &mut Tx, of: Entity, at: Moment) -> Result<(), Error> {
    query(
        "update drift set over_at = $3, over_by = 'nobody' \
         where entity_kind = $1 and entity_id = $2 and over_at is null",
    )
    .bind(of.kind.word())
    .bind(bytes(of.id.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// What a run is to close again although it closed it before.
pub(super) async fn reopened(tx: &mut Tx, run: RunId) -> Result<Vec<Entity>, Error> {
    let rows = query(
        "select entity_kind, entity_id from drift \
         where over_at is null and run_id = $1 and answer = 'closed_again'",
    )
    .bind(bytes(run.uuid()))
    .fetch_all(&mut tx.db)
    .await?;
    rows.iter().map(entity).collect()
}

/// Was anything this run holds opened and then closed by someone else, and not by us since?
pub(super) async fn closed_by_someone(tx: &mut Tx, run: RunId) -> Result<bool, Error> {
    let row = query(
        "select 1 from hold h \
         join containment c on c.entity_kind = h.entity_kind and c.entity_id = h.entity_id \
         join drift d on d.entity_kind = h.entity_kind and d.entity_id = h.entity_id \
         where h.run_id = $1 and h.released_at is null and d.what = 'enabled' \
           and d.over_by = 'someone' and d.seen_at >= c.since \
           and not exists (select 1 from drift l where l.entity_id = d.entity_id \
                           and l.entity_kind = d.entity_kind and l.what = 'enabled' \
                           and l.answer = 'closed_again' and l.seen_at > d.over_at) limit 1",
    )
    .bind(bytes(run.uuid()))
    .fetch_optional(&mut tx.db)
    .await?;
    Ok(row.is_some())
}

/// What differed since then, newest first.
pub(super) async fn drift_of(
    on: impl Session,
    of: Entity,
    since: Moment,
) -> Result<Vec<Drift>, Error> {
    let rows = query(
        "select * from drift where entity_id = $1 and seen_at >= $2 and entity_kind = $3 \
         order by seen_at desc, drift_id desc limit $4",
    )
    .bind(bytes(of.id.uuid()))
    .bind(since.as_millis())
    .bind(of.kind.word())
    .bind(SHOWN_MAX)
    .fetch_all(on)
    .await?;
    rows.iter().map(drift).collect()
}

fn drift(row: &Row) -> Result<Drift, Error> {
    Ok(Drift {
        what: word(row, "what", What::from_word)?,
        about: row.get("about")?,
        answer: word(row, "answer", Answer::from_word)?,
        seen_at: moment(row, "seen_at")?,
        over_at: moment_or_none(row, "over_at")?,
        over_by: word_or_none(row, "over_by", OverBy::from_word)?,
    })
}
