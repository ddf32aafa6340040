//! From rows to the words of `domain`, and back.

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::Error;
use super::sql::Row;
use crate::domain::detection::SourceName;
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::id::{DetectionId, OrderId, RunId};
use crate::domain::moment::Moment;
use crate::domain::plan::PlanStep;
use crate::domain::playbook::{Mode, PlaybookName};
use crate::domain::record::Seal;
use crate::domain::run::{Run, RunState};
use crate::domain::step::{Outcome, Step, StepState, UndoOutcome};
use crate::domain::unproved::unproved;

pub(super) fn bytes(uuid: Uuid) -> Vec<u8> {
    uuid.as_bytes().to_vec()
}

pub(super) fn uuid(row: &Row, column: &str) -> Result<Uuid, Error> {
    let bytes: &[u8] = row.get(column)?;
    Uuid::from_slice(bytes).map_err(|_| damaged(column))
}

pub(super) fn uuid_or_none(row: &Row, column: &str) -> Result<Option<Uuid>, Error> {
    let bytes: Option<&[u8]> = row.get(column)?;
    bytes
        .map(|bytes| Uuid::from_slice(bytes).map_err(|_| damaged(column)))
        .transpose()
}

pub(super) fn seal(row: &Row) -> Result<Seal, Error> {
    let bytes: &[u8] = row.get("seal")?;
    bytes.try_into().map(Seal).map_err(|_| damaged("seal"))
}

pub(super) fn moment(row: &Row, column: &str) -> Result<Moment, Error> {
    Ok(Moment::from_millis(row.get(column)?))
}

pub(super) fn moment_or_none(row: &Row, column: &str) -> Result<Option<Moment>, Error> {
    let millis: Option<i64> = row.get(column)?;
    Ok(millis.map(Moment::from_millis))
}

pub(super) fn word<T>(
    row: &Row,
    column: &str,
    known: impl Fn(&str) -> Option<T>,
) -> Result<T, Error> {
    let word: &str = row.get(column)?;
    known(word).ok_or_else(|| Error::Damaged(format!("`{word}` in {column}")))
}

pub(super) fn word_or_none<T>(
    row: &Row,
    column: &str,
    known: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Error> {
    let word: Option<&str> = row.get(column)?;
    word.map(|word| known(word).ok_or_else(|| Error::Damaged(format!("`{word}` in {column}"))))
        .transpose()
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Damaged(error.to_string()))
}

pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Error> {
    let text: &str = row.get(column)?;
    serde_json::from_str(text).map_err(|error| Error::Damaged(format!("{column}: {error}")))
}

pub(super) fn json_or_none<T: DeserializeOwned>(
    row: &Row,
    column: &str,
) -> Result<Option<T>, Error> {
    let text: Option<&str> = row.get(column)?;
    text.map(|text| {
        serde_json::from_str(text).map_err(|error| Error::Damaged(format!("{column}: {error}")))
    })
    .transpose()
}

fn damaged(column: &str) -> Error {
    Error::Damaged(format!("an id in {column}"))
}

pub(super) fn entity(row: &Row) -> Result<Entity, Error> {
    Ok(Entity {
        kind: word(row, "entity_kind", EntityKind::from_word)?,
        id: ObjectId::from_uuid(uuid(row, "entity_id")?),
    })
}

pub(super) fn run(row: &Row) -> Result<Run, Error> {
    let coverage = json_or_none(row, "coverage")?;
    let mut run = Run {
        id: RunId::from_uuid(uuid(row, "run_id")?),
        detection: uuid_or_none(row, "detection_id")?.map(DetectionId::from_uuid),
        order: uuid_or_none(row, "order_id")?.map(OrderId::from_uuid),
        source: word_or_none(row, "source", SourceName::new)?,
        playbook: word(row, "playbook", PlaybookName::new)?,
        entity: entity(row)?,
        mode: word(row, "mode", Mode::from_word)?,
        state: word(row, "state", RunState::from_word)?,
        because: row.get("because")?,
        plan_digest: row.get("plan_digest")?,
        received_at: moment(row, "received_at")?,
        begun_at: moment_or_none(row, "begun_at")?,
        struck_at: moment_or_none(row, "struck_at")?,
        contained_at: moment_or_none(row, "contained_at")?,
        ended_at: moment_or_none(row, "ended_at")?,
        coverage: None,
    };
    run.coverage = coverage.or_else(|| Some(unproved(&run)));
    Ok(run)
}

pub(super) fn step(row: &Row) -> Result<Step, Error> {
    let plan = PlanStep {
        action: word(row, "action", crate::domain::action::Action::from_word)?,
        entity: entity(row)?,
        optional: row.get("optional")?,
    };
    Ok(Step {
        position: row.get("position")?,
        plan,
        state: word(row, "state", StepState::from_word)?,
        outcome: word_or_none(row, "outcome", Outcome::from_word)?,
        attempts: row.get("attempts")?,
        before: json_or_none(row, "before")?,
        evidence: row.get("evidence")?,
        begun_at: moment_or_none(row, "begun_at")?,
        ended_at: moment_or_none(row, "ended_at")?,
        undo: word_or_none(row, "undo", UndoOutcome::from_word)?,
    })
}
