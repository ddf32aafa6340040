//! Putting back: holds counted down, entities released, outcomes stored.

use super::Store;
use super::containments::move_entity;
use super::error::Error;
use super::rows::{bytes, json};
use super::runs::must_hold;
use super::settings::standing_in;
use super::sql::{Session, query};
use super::steps::step_in;
use super::writer::Tx;
use crate::domain::action::Action;
use crate::domain::containment::{EntityEvent, EntityState};
use crate::domain::entity::Entity;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::record::Record;
use crate::domain::run::RunLease;
use crate::domain::step::{Before, UndoOutcome};

/// Whether an entity may be put back now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// Nobody else holds it: put it back.
    Open,
    /// Another run holds it: it stays closed.
    StillHeld,
    /// Another run has closed it since we began to release it: what we wrote meanwhile must not
    /// stand.
    ClosedAnew,
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
                must_hold(tx, lease).await?;
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
                must_hold(tx, lease).await?;
                let step = step_in(tx, lease.run, position).await?;
                query("update step set undo = $3 where run_id = $1 and position = $2")
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
                    if step.plan.action == Action::BlockTools {
                        let of = (lease.run, at);
                        super::blocks::unblock(tx, step.plan.entity.id, of).await?;
                    }
                }
                let detail = serde_json::json!({
                    "step": position, "action": step.plan.action, "entity": step.plan.entity,
                    "closes": super::steps::closed_ids(&step), "undo": outcome, "evidence": evidence,
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
    let again = released_before(tx, run, entity).await?;
    let others = drop_hold(tx, run, entity, at).await?;
    let released = match (others > 0, again) {
        (false, _) => Released::Open,
        (true, false) => Released::StillHeld,
        (true, true) => Released::ClosedAnew,
    };
    if again && released == Released::Open {
        return Ok(released);
    }
    if released == Released::Open
        && super::containments::entity_state(tx, entity).await? != EntityState::Open
    {
        move_entity(tx, entity, EntityEvent::Releasing, at).await?;
    }
    let detail = serde_json::json!({ "entity": entity, "others": others });
    let what = match released {
        Released::Open => "entity.releasing",
        Released::StillHeld => "entity.still_held",
        Released::ClosedAnew => "entity.closed_anew",
    };
    tx.record(&Record::new(at, what, detail).about_run(run))
        .await?;
    Ok(released)
}

async fn released_before(tx: &mut Tx, run: RunId, entity: Entity) -> Result<bool, Error> {
    let row = query(
        "select 1 from hold where entity_kind = $1 and entity_id = $2 and run_id = $3 \
         and released_at is not null",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .bind(bytes(run.uuid()))
    .fetch_optional(&mut tx.db)
    .await?;
    Ok(row.is_some())
}

/// What an entity's switch was before the first run that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// We hold nothing.
    Nobody,
    /// It was so.
    Known(bool),
    /// The first of us wrote it while reading it, and nobody can tell.
    Unproven,
}

/// What an entity's switch was before the first run that holds it, or held it since it was last
/// open.
pub(super) async fn before_our_holds(on: impl Session, entity: Entity) -> Result<First, Error> {
    let rows = query(
        "select s.before from containment c \
         join hold h on h.entity_kind = c.entity_kind and h.entity_id = c.entity_id \
                    and h.since >= c.since \
         join step s on s.run_id = h.run_id and s.before is not null \
                    and s.action in ('disable_agent', 'disable_service_principal', \
                                     'disable_blueprint', 'disable_agent_user') \
         where c.entity_kind = $1 and c.entity_id = $2 and c.state <> 'open' \
         order by h.since, h.run_id, s.position limit 16",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .fetch_all(on)
    .await?;
    for row in &rows {
        match json(row, "before")? {
            Before::Switches { switches } => {
                if let Some(switch) = switches.iter().find(|switch| switch.id == entity.id) {
                    return Ok(First::Known(switch.account_enabled));
                }
            }
            Before::Unproven { id } if id == entity.id => return Ok(First::Unproven),
            Before::Unproven { .. } | Before::Found { .. } | Before::Nothing => {}
        }
    }
    Ok(First::Nobody)
}

/// Takes this run's hold off an entity, and answers how many others remain.
pub(super) async fn drop_hold(
    tx: &mut Tx,
    run: RunId,
    entity: Entity,
    at: Moment,
) -> Result<i64, Error> {
    query(
        "update hold set released_at = coalesce(released_at, $4) \
         where entity_kind = $1 and entity_id = $2 and run_id = $3",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .bind(bytes(run.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    let counted = query(
        "select count(*) as others from hold \
         where entity_kind = $1 and entity_id = $2 and run_id <> $3 and released_at is null",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .bind(bytes(run.uuid()))
    .fetch_one(&mut tx.db)
    .await?;
    counted.get("others")
}

/// A newer kill may have closed it again meanwhile: then it is not ours to open.
async fn open_if_releasing(tx: &mut Tx, entity: Entity, at: Moment) -> Result<(), Error> {
    if super::containments::entity_state(tx, entity).await? == EntityState::Releasing {
        move_entity(tx, entity, EntityEvent::Released, at).await?;
        super::drift_rows::forget(tx, entity, at).await?;
    }
    Ok(())
}
