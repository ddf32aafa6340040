//! Putting back: holds counted down, entities released, outcomes stored.

use serde_json::json;
use sqlx::Row as _;

use super::Store;
use super::error::Error;
use super::rows::bytes;
use super::runs::held_row;
use super::settings::standing_in;
use super::steps::{move_entity, step_in};
use super::writer::Tx;
use crate::domain::containment::{EntityEvent, EntityState};
use crate::domain::entity::Entity;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::record::Record;
use crate::domain::run::RunLease;
use crate::domain::step::UndoOutcome;

/// Whether an entity may be put back now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// Nobody else holds it: put it back.
    Open,
    /// Another run holds it: it stays closed.
    StillHeld,
}

impl Store {
    /// Takes this run's hold off an entity. The last hold gone, the entity is being released; with
    /// another hold on it, or closed anew meanwhile, it stays closed.
    pub async fn release(
        &self,
        lease: RunLease,
        entity: Entity,
        at: Moment,
    ) -> Result<Released, Error> {
        self.write(move |tx| {
            Box::pin(async move {
                held_row(tx, lease).await?;
                if standing_in(tx).await?.stops_writes() {
                    return Err(Error::Braked);
                }
                release_in(tx, lease.run, entity, at).await
            })
        })
        .await
    }

    /// Stores what became of putting one step back.
    pub async fn step_undone(
        &self,
        lease: RunLease,
        position: u16,
        (outcome, evidence): (UndoOutcome, String),
        at: Moment,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                held_row(tx, lease).await?;
                let step = step_in(tx, lease.run, position).await?;
                sqlx::query("update step set undo = $3 where run_id = $1 and position = $2")
                    .bind(bytes(lease.run.uuid()))
                    .bind(position)
                    .bind(outcome.word())
                    .execute(&mut tx.db)
                    .await?;
                if matches!(
                    outcome,
                    UndoOutcome::Restored | UndoOutcome::NothingToRestore
                ) {
                    for entity in step.closes() {
                        open_if_releasing(tx, entity, at).await?;
                    }
                }
                let detail = json!({
                    "step": position, "action": step.plan.action,
                    "undo": outcome, "evidence": evidence,
                });
                tx.record(&Record::new(at, "step.undone", detail).about_run(lease.run))
                    .await
            })
        })
        .await
    }

    /// Other runs that still hold something this run closed, for the plan of an undo.
    pub async fn other_holds(&self, run: RunId) -> Result<Vec<(Entity, RunId)>, Error> {
        let steps = self.steps(run).await?;
        let mut others = Vec::new();
        for entity in steps.iter().flat_map(crate::domain::step::Step::closes) {
            if let Some(containment) = self.containment(entity).await? {
                let held = containment
                    .held_by
                    .into_iter()
                    .filter(|holder| *holder != run);
                others.extend(held.map(|holder| (entity, holder)));
            }
        }
        Ok(others)
    }
}

async fn release_in(
    tx: &mut Tx,
    run: RunId,
    entity: Entity,
    at: Moment,
) -> Result<Released, Error> {
    let others = drop_hold(tx, run, entity, at).await?;
    let released = if others > 0 {
        Released::StillHeld
    } else {
        Released::Open
    };
    if released == Released::Open
        && super::steps::entity_state(tx, entity).await? != EntityState::Open
    {
        move_entity(tx, entity, EntityEvent::Releasing, at).await?;
    }
    let detail = json!({ "entity": entity, "others": others });
    let what = match released {
        Released::Open => "entity.releasing",
        Released::StillHeld => "entity.still_held",
    };
    tx.record(&Record::new(at, what, detail).about_run(run))
        .await?;
    Ok(released)
}

/// Takes this run's hold off an entity, and answers how many others remain.
pub(super) async fn drop_hold(
    tx: &mut Tx,
    run: RunId,
    entity: Entity,
    at: Moment,
) -> Result<i64, Error> {
    sqlx::query(
        "update hold set released_at = coalesce(released_at, $4) \
         where entity_kind = $1 and entity_id = $2 and run_id = $3",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .bind(bytes(run.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    let counted = sqlx::query(
        "select count(*) as others from hold \
         where entity_kind = $1 and entity_id = $2 and run_id <> $3 and released_at is null",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .bind(bytes(run.uuid()))
    .fetch_one(&mut tx.db)
    .await?;
    Ok(counted.try_get("others")?)
}

/// A newer kill may have closed it again meanwhile: then it is not ours to open.
async fn open_if_releasing(tx: &mut Tx, entity: Entity, at: Moment) -> Result<(), Error> {
    if super::steps::entity_state(tx, entity).await? == EntityState::Releasing {
        move_entity(tx, entity, EntityEvent::Released, at).await?;
    }
    Ok(())
}
