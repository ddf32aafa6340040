//! Steps on their way, and how they end.

use serde_json::json;

use super::Store;
use super::containments::{entity_state, move_entity};
use super::error::Error;
use super::rows::{bytes, step};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::action::Action;
use crate::domain::containment::{EntityEvent, EntityState};
use crate::domain::entity::ObjectId;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::record::Record;
use crate::domain::run::RunLease;
use crate::domain::step::{Outcome, Step, StepEvent, StepState};

impl Store {
    /// Stores how a step ended, and the evidence.
    pub async fn step_ended(
        &self,
        lease: RunLease,
        position: u16,
        (outcome, evidence): (Outcome, String),
        at: Moment,
    ) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                let (step, _) = held_step(tx, lease, position).await?;
                end_step(tx, lease.run, &step, (outcome, &evidence), at).await
            })
        })
        .await
    }

    /// Did we ourselves tell Entra within `since` that this object is compromised, and not take it
    /// back? Then its `adminConfirmedAgentCompromised` detection is our own echo.
    pub async fn confirmed_by_us(&self, id: ObjectId, since: Moment) -> Result<bool, Error> {
        let row = query(
            "select 1 from step s join run r on r.run_id = s.run_id \
             where s.entity_id = $1 and s.action = 'confirm_compromised' \
               and s.state in ('sent', 'ok', 'unknown') and s.begun_at >= $2 \
               and s.undo is null and r.mode <> 'observe' limit 1",
        )
        .bind(bytes(id.uuid()))
        .bind(since.as_millis())
        .fetch_optional(self.glancing())
        .await?;
        Ok(row.is_some())
    }
}

pub(super) async fn end_step(
    tx: &mut Tx,
    run: RunId,
    step: &Step,
    ended: (Outcome, &str),
    at: Moment,
) -> Result<(), Error> {
    write_end(tx, run, step, ended, at).await?;
    match milestone(step, ended.0) {
        Some(milestone) => reach(tx, run, milestone, at).await,
        None => Ok(()),
    }
}

/// The same for a run whose own row is written by the caller, with the moment it is measured by.
pub(super) async fn write_end(
    tx: &mut Tx,
    run: RunId,
    step: &Step,
    (outcome, evidence): (Outcome, &str),
    at: Moment,
) -> Result<(), Error> {
    let state = after(step, StepEvent::Ended(outcome))?;
    query(
        "update step set state = $4, outcome = $5, evidence = $6, ended_at = $7 \
         where run_id = $1 and position = $2 and state = $3",
    )
    .bind(bytes(run.uuid()))
    .bind(step.position)
    .bind(step.state.word())
    .bind(state.word())
    .bind(outcome.word())
    .bind(evidence)
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    if matches!(state, StepState::Failed | StepState::Skipped) {
        let_go(tx, run, step, at).await?;
    }
    let detail = json!({
        "step": step.position, "action": step.plan.action, "entity": step.plan.entity,
        "closes": closed_ids(step), "outcome": outcome, "evidence": evidence,
    });
    tx.record(&Record::new(at, "step.ended", detail).about_run(run))
        .await
}

/// Whose switches a step moves, so that the record alone says whom we touched.
pub(super) fn closed_ids(step: &Step) -> Vec<ObjectId> {
    step.closes().iter().map(|entity| entity.id).collect()
}

/// A moment that a run is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Milestone {
    /// Its first accepted switch.
    Struck,
    /// Its proof.
    Contained,
}

/// What goes on beside the two, such as a throttled confirmation, does not move them.
fn milestone(step: &Step, outcome: Outcome) -> Option<Milestone> {
    let took = matches!(outcome, Outcome::Done | Outcome::AlreadyDone);
    if took && step.plan.action.contains() {
        return Some(Milestone::Struck);
    }
    let proved = outcome == Outcome::Done && step.plan.action == Action::Verify;
    proved.then_some(Milestone::Contained)
}

/// Notes when a run came so far for the first time.
pub(super) async fn reach(
    tx: &mut Tx,
    run: RunId,
    milestone: Milestone,
    at: Moment,
) -> Result<(), Error> {
    let note = match milestone {
        Milestone::Struck => "update run set struck_at = coalesce(struck_at, $2) where run_id = $1",
        Milestone::Contained => {
            "update run set contained_at = coalesce(contained_at, $2) where run_id = $1"
        }
    };
    query(note)
        .bind(bytes(run.uuid()))
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

/// A step that changed nothing holds nothing.
pub(super) async fn let_go(tx: &mut Tx, run: RunId, step: &Step, at: Moment) -> Result<(), Error> {
    if step.plan.action == Action::BlockTools {
        super::blocks::unblock(tx, step.plan.entity.id, (run, at)).await?;
    }
    for entity in step.closes() {
        if super::undo::drop_hold(tx, run, entity, at).await? == 0
            && entity_state(tx, entity).await? == EntityState::Closing
        {
            move_entity(tx, entity, EntityEvent::NeverStruck, at).await?;
        }
    }
    Ok(())
}

/// A step of a run, as long as this lease is the newest (threat E03), and its run's playbook and terms.
pub(super) async fn held_step(
    tx: &mut Tx,
    lease: RunLease,
    position: u16,
) -> Result<(Step, Row), Error> {
    let row = query(
        "select s.*, r.playbook, r.terms from run r \
         left join step s on s.run_id = r.run_id and s.position = $3 \
         where r.run_id = $1 and r.lease_epoch = $2",
    )
    .bind(bytes(lease.run.uuid()))
    .bind(lease.epoch)
    .bind(position)
    .fetch_optional(&mut tx.db)
    .await?
    .ok_or(Error::LeaseLost)?;
    if row.is_null("position") {
        return Err(no_step(lease.run, position));
    }
    Ok((step(&row)?, row))
}

fn no_step(run: RunId, position: u16) -> Error {
    Error::Refused(format!("{run} has no step {position}"))
}

pub(super) async fn step_in(tx: &mut Tx, run: RunId, position: u16) -> Result<Step, Error> {
    let row = query("select * from step where run_id = $1 and position = $2")
        .bind(bytes(run.uuid()))
        .bind(position)
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or_else(|| no_step(run, position))?;
    step(&row)
}

pub(super) fn after(step: &Step, event: StepEvent) -> Result<StepState, Error> {
    step.state
        .after(event)
        .map_err(|illegal| Error::Refused(illegal.to_string()))
}
