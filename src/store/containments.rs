//! Containments: what we hold, for which runs, moved by the law of change of entities.

use super::Store;
use super::error::Error;
use super::rows::{bytes, moment, uuid, word};
use super::runs::must_hold;
use super::sql::query;
use super::steps::{Milestone, reach, step_in, write_end};
use super::writer::Tx;
use crate::domain::containment::{Containment, EntityEvent, EntityState};
use crate::domain::entity::Entity;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::run::RunLease;
use crate::domain::step::Outcome;

/// How the step that verifies ended: its position, outcome and evidence.
pub type Verified = (u16, (Outcome, String));

/// What reading back came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadBack {
    /// What it says of each entity that was read.
    pub entities: Vec<(Entity, EntityEvent)>,
    /// The end of the step that verifies, if it has come.
    pub verify: Option<Verified>,
}

impl Store {
    /// Stores what reading an entity back said.
    pub async fn entity_read(
        &self,
        lease: RunLease,
        entity: Entity,
        event: EntityEvent,
        at: Moment,
    ) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                must_hold(tx, lease).await?;
                move_entity(tx, entity, event, at).await
            })
        })
        .await
    }

    /// Stores what reading back came to.
    pub async fn read_back(
        &self,
        lease: RunLease,
        read_back: ReadBack,
        at: Moment,
    ) -> Result<(), Error> {
        if read_back == ReadBack::default() {
            return Ok(());
        }
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                must_hold(tx, lease).await?;
                if keep(tx, lease.run, &read_back, at).await? == Proved::Yes {
                    reach(tx, lease.run, Milestone::Contained, at).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What we hold on this entity, if anything.
    pub async fn containment(&self, entity: Entity) -> Result<Option<Containment>, Error> {
        let row =
            query("select state, since from containment where entity_kind = $1 and entity_id = $2")
                .bind(entity.kind.word())
                .bind(bytes(entity.id.uuid()))
                .fetch_optional(self.reading())
                .await?;
        let Some(row) = row else { return Ok(None) };
        let holds = query(
            "select run_id from hold where entity_kind = $1 and entity_id = $2 \
             and released_at is null order by since",
        )
        .bind(entity.kind.word())
        .bind(bytes(entity.id.uuid()))
        .fetch_all(self.reading())
        .await?;
        let held_by = holds
            .iter()
            .map(|hold| Ok(RunId::from_uuid(uuid(hold, "run_id")?)))
            .collect::<Result<_, Error>>()?;
        Ok(Some(Containment {
            entity,
            state: word(&row, "state", EntityState::from_word)?,
            since: moment(&row, "since")?,
            held_by,
        }))
    }
}

/// Did reading back prove the whole run?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proved {
    Yes,
    NotYet,
}

/// Keeps what reading back came to. That a run is proved is left to be written with what else becomes
/// of it.
pub(super) async fn keep(
    tx: &mut Tx,
    run: RunId,
    read_back: &ReadBack,
    at: Moment,
) -> Result<Proved, Error> {
    for (entity, event) in &read_back.entities {
        move_entity(tx, *entity, *event, at).await?;
    }
    if let Some((position, (outcome, evidence))) = &read_back.verify {
        let step = step_in(tx, run, *position).await?;
        write_end(tx, run, &step, (*outcome, evidence), at).await?;
        if *outcome == Outcome::Done {
            return Ok(Proved::Yes);
        }
    }
    Ok(Proved::NotYet)
}

/// Notes that this run holds the entity.
pub(super) async fn hold(
    tx: &mut Tx,
    entity: Entity,
    run: RunId,
    (since, until): (Moment, Option<Moment>),
) -> Result<(), Error> {
    query(
        "insert into hold (entity_kind, entity_id, run_id, since, until) \
         values ($1, $2, $3, $4, $5) on conflict do nothing",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .bind(bytes(run.uuid()))
    .bind(since.as_millis())
    .bind(until.map(Moment::as_millis))
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// Moves an entity by its law of change; one we hold nothing on is open.
pub(super) async fn move_entity(
    tx: &mut Tx,
    entity: Entity,
    event: EntityEvent,
    at: Moment,
) -> Result<(), Error> {
    let old = entity_state(tx, entity).await?;
    let new = old
        .after(event)
        .map_err(|illegal| Error::Refused(illegal.to_string()))?;
    if new == old {
        return Ok(());
    }
    query(
        "insert into containment (entity_kind, entity_id, state, since) values ($1, $2, $3, $4) \
         on conflict (entity_kind, entity_id) do update set state = $3, \
         since = case when containment.state = 'open' then $4 else containment.since end",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .bind(new.word())
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    tx.moved.note(entity.id);
    Ok(())
}

pub(super) async fn entity_state(tx: &mut Tx, entity: Entity) -> Result<EntityState, Error> {
    let row = query("select state from containment where entity_kind = $1 and entity_id = $2")
        .bind(entity.kind.word())
        .bind(bytes(entity.id.uuid()))
        .fetch_optional(&mut tx.db)
        .await?;
    row.map_or(Ok(EntityState::Open), |row| {
        word(&row, "state", EntityState::from_word)
    })
}
