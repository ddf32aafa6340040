//! A run and its steps, as rows that were not there before.

use serde_json::json;

use super::asking::NewApproval;
use super::claimed::Claimed;
use super::claims::Claim;
use super::error::Error;
use super::rows::{bytes, to_json};
use super::sql::query;
use super::steps::after;
use super::terms::Terms;
use super::writer::Tx;
use crate::domain::approval::About;
use crate::domain::detection::SourceName;
use crate::domain::entity::Entity;
use crate::domain::id::{DetectionId, OrderId, RunId};
use crate::domain::moment::Moment;
use crate::domain::plan::{Plan, PlanStep};
use crate::domain::playbook::{Mode, PlaybookName};
use crate::domain::record::Record;
use crate::domain::run::{Lane, RunState};
use crate::domain::step::{Before, StepEvent, StepState};

const INSERT: &str = "insert into run (run_id, detection_id, order_id, source, playbook, \
     playbook_digest, entity_kind, entity_id, mode, lane, state, because, plan_digest, terms, \
     received_at, due_at, notify, begun_at, lease_holder, lease_until, lease_epoch, attempts) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
     $20, $21, $22)";

const INSERT_STEP: &str = "insert into step (run_id, position, action, entity_kind, entity_id, \
     optional, state, attempts, begun_at, before) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// A run to be made.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its name.
    pub id: RunId,
    /// Which playbook, or `by-hand`.
    pub playbook: PlaybookName,
    /// How far it may go, with every cap applied.
    pub mode: Mode,
    /// What it will do, to whom.
    pub plan: Plan,
    /// What binds it.
    pub terms: Terms,
    /// What people must approve first, if they must.
    pub asks: Option<NewApproval>,
}

/// Whose word a run carries out.
pub(super) struct Cause<'a> {
    pub(super) detection: Option<DetectionId>,
    pub(super) source: Option<&'a SourceName>,
    pub(super) order: Option<OrderId>,
    pub(super) received_at: Moment,
}

/// Makes a run that waits for a worker, or for people.
pub(super) async fn insert_run(
    tx: &mut Tx,
    new: &NewRun,
    cause: &Cause<'_>,
    at: Moment,
) -> Result<(), Error> {
    insert(tx, (new, cause), None, at).await
}

/// Makes a run as its worker has it, who begins it at the same time.
pub(super) async fn insert_begun(
    tx: &mut Tx,
    made: (&NewRun, &Cause<'_>),
    begun: (&Claimed, &Claim),
    at: Moment,
) -> Result<(), Error> {
    insert(tx, made, Some(begun), at).await
}

async fn insert(
    tx: &mut Tx,
    (new, cause): (&NewRun, &Cause<'_>),
    begun: Option<(&Claimed, &Claim)>,
    at: Moment,
) -> Result<(), Error> {
    let Entity { kind, id } = new.plan.entity;
    let because = new.asks.as_ref().map(|asks| asks.because.as_str());
    let state = if new.asks.is_some() {
        RunState::Waiting
    } else {
        RunState::Queued
    };
    let claimed = begun.map(|(claimed, _)| claimed);
    let digest = claimed.map_or_else(|| new.plan.digest(), |begun| begun.run.plan_digest.clone());
    query(INSERT)
        .bind(bytes(new.id.uuid()))
        .bind(cause.detection.map(|id| bytes(id.uuid())))
        .bind(cause.order.map(|id| bytes(id.uuid())))
        .bind(cause.source.map(SourceName::as_str))
        .bind(new.playbook.as_str())
        .bind(&new.plan.playbook_digest)
        .bind(kind.word())
        .bind(bytes(id.uuid()))
        .bind(new.mode.word())
        .bind(Lane::of(new.mode).rank())
        .bind(claimed.map_or(state, |begun| begun.run.state).word())
        .bind(because)
        .bind(&digest)
        .bind(to_json(&new.terms)?)
        .bind(cause.received_at.as_millis())
        .bind(tx.due(at).as_millis())
        .bind(notify(new)?)
        .bind(
            claimed
                .and_then(|begun| begun.run.begun_at)
                .map(Moment::as_millis),
        )
        .bind(begun.map(|(_, claim)| claim.holder.as_str()))
        .bind(begun.map_or(0, |(_, claim)| claim.ends(tx).as_millis()))
        .bind(claimed.map_or(0, |begun| begun.lease.epoch))
        .bind(claimed.map_or(0, |begun| begun.attempts))
        .execute(&mut tx.db)
        .await?;
    match claimed {
        Some(begun) => insert_tried(tx, begun).await?,
        None => insert_steps(tx, new).await?,
    }
    let detail = json!({
        "playbook": new.playbook, "mode": new.mode, "state": state, "entity": new.plan.entity,
        "plan": digest, "because": because,
    });
    let mut record = Record::new(at, "run.made", detail).about_run(new.id);
    record.detection = cause.detection;
    record.order = cause.order;
    tx.record(&record).await?;
    match &new.asks {
        Some(asks) => {
            if let Some(notify) = notify(new)? {
                super::tellings::after_move(tx, (new.id, cause.detection, &notify), state, at)
                    .await?;
            }
            super::asking::ask(tx, (new.id, About::Begin), asks, at).await
        }
        None => Ok(()),
    }
}

/// Whom its playbook tells, as the run's row keeps it.
fn notify(new: &NewRun) -> Result<Option<String>, Error> {
    let notify = &new.terms.notify;
    (!notify.is_empty()).then(|| to_json(notify)).transpose()
}

async fn insert_steps(tx: &mut Tx, new: &NewRun) -> Result<(), Error> {
    for (position, step) in (0..).zip(&new.plan.steps) {
        insert_step(tx, new.id, (position, step)).await?;
    }
    Ok(())
}

/// The steps of a run that is begun, as its worker has them.
async fn insert_tried(tx: &mut Tx, begun: &Claimed) -> Result<(), Error> {
    for step in &begun.steps {
        let place = (step.position, &step.plan);
        let started = begun.started(step.position);
        let started = started.map(|step| &step.started.before);
        let state = match started {
            Some(_) => after(step, StepEvent::Started)?,
            None => step.state,
        };
        let tried = (state, step.attempts, step.begun_at);
        write_step(tx, begun.run.id, place, (tried, started)).await?;
    }
    Ok(())
}

/// A step that nobody has tried.
pub(super) async fn insert_step(
    tx: &mut Tx,
    run: RunId,
    place: (u16, &PlanStep),
) -> Result<(), Error> {
    write_step(tx, run, place, ((StepState::Pending, 0, None), None)).await
}

/// How far a step has come, after how many attempts, and when the first began.
type Tried = (StepState, u32, Option<Moment>);

async fn write_step(
    tx: &mut Tx,
    run: RunId,
    (position, step): (u16, &PlanStep),
    ((state, attempts, begun_at), before): (Tried, Option<&Before>),
) -> Result<(), Error> {
    query(INSERT_STEP)
        .bind(bytes(run.uuid()))
        .bind(position)
        .bind(step.action.word())
        .bind(step.entity.kind.word())
        .bind(bytes(step.entity.id.uuid()))
        .bind(step.optional)
        .bind(state.word())
        .bind(attempts)
        .bind(begun_at.map(Moment::as_millis))
        .bind(before.map(to_json).transpose()?)
        .execute(&mut tx.db)
        .await?;
    Ok(())
}
