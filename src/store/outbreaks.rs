//! Outbreaks: what counts towards one, in the transaction that stores the detection, so that a
//! crash counts nothing twice and loses nothing.

use super::calls::{self, NewCall};
use super::deliveries::Taken;
use super::error::Error;
use super::rows::{bytes, moment};
use super::sql::query;
use super::writer::Tx;
use crate::domain::entity::ObjectId;
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;
use crate::domain::outbreak::outbreak;
use crate::domain::playbook::PlaybookName;
use crate::domain::trigger::{Counted, Together};

/// Most marks looked at for one outbreak; fewer than `least` lie within any window, or it is one.
const MARKS_MAX: u32 = 1_000;

/// One detection that counts towards an outbreak.
#[derive(Clone, Debug)]
pub struct ToCount {
    /// For which playbook.
    pub playbook: PlaybookName,
    /// How many make one.
    pub together: Together,
    /// Of which blueprint, by its principal.
    pub blueprint: ObjectId,
    /// The agent.
    pub agent: ObjectId,
    /// The detection.
    pub detection: DetectionId,
    /// When it came.
    pub at: Moment,
    /// What is said if it is one; its key is made here.
    pub call: NewCall,
}

/// Counts one detection, and calls the playbook where it makes an outbreak.
pub(super) async fn count(tx: &mut Tx, one: &ToCount) -> Result<(), Error> {
    if is_part_of_the_last(tx, one).await? {
        return Ok(());
    }
    mark(tx, one).await?;
    let Some(last) = outbreak(marks(tx, one).await?, one.at, one.together) else {
        return Ok(());
    };
    query(
        "insert into outbreak (playbook, blueprint, at) values ($1, $2, $3) \
         on conflict (playbook, blueprint) do update set at = $3",
    )
    .bind(one.playbook.as_str())
    .bind(bytes(one.blueprint.uuid()))
    .bind(last.as_millis())
    .execute(&mut tx.db)
    .await?;
    query("delete from mark where playbook = $1 and blueprint = $2")
        .bind(one.playbook.as_str())
        .bind(bytes(one.blueprint.uuid()))
        .execute(&mut tx.db)
        .await?;
    let mut call = one.call.clone();
    call.key = format!("{}/{}/{}", one.playbook, one.blueprint, last.as_millis());
    let taken = calls::take(tx, &call).await?;
    let Taken::New { id } = taken else {
        return Ok(());
    };
    let mut record = calls::called(&call, id);
    record.detection = Some(one.detection);
    tx.record(&record).await
}

async fn is_part_of_the_last(tx: &mut Tx, one: &ToCount) -> Result<bool, Error> {
    let row = query("select at from outbreak where playbook = $1 and blueprint = $2")
        .bind(one.playbook.as_str())
        .bind(bytes(one.blueprint.uuid()))
        .fetch_optional(&mut tx.db)
        .await?;
    let last = row.map(|row| moment(&row, "at")).transpose()?;
    Ok(last.is_some_and(|last| one.at <= last.plus(one.together.within.0)))
}

async fn mark(tx: &mut Tx, one: &ToCount) -> Result<(), Error> {
    let agent = bytes(one.agent.uuid());
    let counted = match one.together.of {
        Counted::Agents => agent,
        Counted::Detections => [bytes(one.detection.uuid()), agent].concat(),
    };
    query(
        "insert into mark (playbook, blueprint, counted, at) values ($1, $2, $3, $4) \
         on conflict (playbook, blueprint, counted) do update set at = case when mark.at > $4 then mark.at else $4 end",
    )
    .bind(one.playbook.as_str())
    .bind(bytes(one.blueprint.uuid()))
    .bind(counted)
    .bind(one.at.as_millis())
    .execute(&mut tx.db)
    .await?;
    // What is two windows old can be part of none that is to come.
    query("delete from mark where playbook = $1 and blueprint = $2 and at < $3")
        .bind(one.playbook.as_str())
        .bind(bytes(one.blueprint.uuid()))
        .bind(
            one.at
                .minus(one.together.within.0.saturating_mul(2))
                .as_millis(),
        )
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

async fn marks(tx: &mut Tx, one: &ToCount) -> Result<Vec<Moment>, Error> {
    let rows = query(
        "select at from mark where playbook = $1 and blueprint = $2 and at between $3 and $4 \
         order by at limit $5",
    )
    .bind(one.playbook.as_str())
    .bind(bytes(one.blueprint.uuid()))
    .bind(one.at.minus(one.together.within.0).as_millis())
    .bind(one.at.plus(one.together.within.0).as_millis())
    .bind(MARKS_MAX)
    .fetch_all(&mut tx.db)
    .await?;
    rows.iter().map(|row| moment(row, "at")).collect()
}
