//! Steps: what was there before is stored with the start, the outcome with the end.

use serde_json::json;

use super::Store;
use super::company::{Company, weigh};
use super::containments::{entity_state, hold, move_entity};
use super::error::Error;
use super::rows::{bytes, json as from_json, step, to_json};
use super::settings::standing_in;
use super::sql::{Row, query};
use super::terms::Terms;
use super::writer::Tx;
use crate::domain::action::Action;
use crate::domain::containment::{EntityEvent, EntityState};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::id::RunId;
use crate::domain::moment::{Moment, Span};
use crate::domain::record::Record;
use crate::domain::run::RunLease;
use crate::domain::step::{Before, Outcome, Step, StepEvent, StepState};

/// Everything that is stored before a step touches the tenant.
#[derive(Clone, Debug)]
pub struct Strike {
    /// Which step.
    pub position: u16,
    /// What was read before anything was touched.
    pub before: Before,
    /// The entities it is about to close; empty for a step that contains nothing.
    pub closes: Vec<Entity>,
}

/// What is stored of a step that is about to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// What was there before us.
    pub before: Before,
    /// Who holds it beside us.
    pub company: Company,
}

impl Store {
    /// Stores that a step is about to act, with what was there before it. From here on the write
    /// may have been sent. Refused while the brake is on or the service does not enforce.
    ///
    /// Answers what was there before us: for an entity we hold already that is what its first run
    /// saw, because what this one saw is our own doing (threat E15).
    pub async fn strike(
        &self,
        lease: RunLease,
        strike: Strike,
        at: Moment,
    ) -> Result<Started, Error> {
        self.write(move |tx| Box::pin(async move { strike_in(tx, lease, strike, at).await }))
            .await
    }

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

async fn strike_in(
    tx: &mut Tx,
    lease: RunLease,
    mut strike: Strike,
    at: Moment,
) -> Result<Started, Error> {
    let (step, run) = held_step(tx, lease, strike.position).await?;
    if standing_in(tx).await?.stops_writes() {
        return Err(Error::Braked);
    }
    let state = after(&step, StepEvent::Started)?;
    let terms: Terms = from_json(&run, "terms")?;
    let playbook = run.get("playbook")?;
    let company = weigh(tx, (lease.run, playbook), &mut strike).await?;
    query(
        "update step set state = $4, before = $5 \
         where run_id = $1 and position = $2 and state = $3",
    )
    .bind(bytes(lease.run.uuid()))
    .bind(step.position)
    .bind(step.state.word())
    .bind(state.word())
    .bind(to_json(&strike.before)?)
    .execute(&mut tx.db)
    .await?;
    if step.plan.action == Action::BlockTools {
        super::blocks::block(tx, step.plan.entity.id, (lease.run, at)).await?;
    }
    let hold_for = terms.hold_for;
    started(tx, (lease.run, hold_for), (&strike, step.plan.action), at).await?;
    let before = strike.before;
    Ok(Started { before, company })
}

/// What is stored beside the start of a step: the run holds what it closes, its evidence is asked
/// for, and the record says so.
pub(super) async fn started(
    tx: &mut Tx,
    (run, hold_for): (RunId, Option<Span>),
    (strike, action): (&Strike, Action),
    at: Moment,
) -> Result<(), Error> {
    let until = hold_for.map(|span| at.plus(span.0));
    for entity in &strike.closes {
        move_entity(tx, *entity, EntityEvent::Striking, at).await?;
        hold(tx, *entity, run, (at, until)).await?;
    }
    super::evidence::ask(tx, run, at).await?;
    let detail = json!({ "step": strike.position, "action": action, "before": strike.before });
    tx.record(&Record::new(at, "step.started", detail).about_run(run))
        .await
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
