//! What triage made of a delivery, in one transaction: the detection, its decisions, its runs.

use serde_json::json;

use super::Store;
use super::asking::NewApproval;
use super::at_once::{AtOnce, Made, make_begun};
use super::deliveries::set_state;
use super::error::Error;
use super::outbreaks::ToCount;
use super::rows::{bytes, to_json, uuid};
use super::sql::query;
use super::terms::Terms;
use super::writer::Tx;
use crate::domain::approval::About;
use crate::domain::decision::Decision;
use crate::domain::delivery::DeliveryState;
use crate::domain::detection::{Detection, SourceName};
use crate::domain::entity::Entity;
use crate::domain::id::{DeliveryId, DetectionId, NoticeId, OrderId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::Notice;
use crate::domain::plan::{Plan, PlanStep};
use crate::domain::playbook::{Mode, PlaybookName};
use crate::domain::record::{Actor, Record};
use crate::domain::run::{Lane, RunState};

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

/// A run to be made, and who begins it in the same transaction, if somebody has a place for it.
#[derive(Clone, Debug)]
pub struct Making {
    /// What is made.
    pub run: NewRun,
    /// Who begins it.
    pub at_once: Option<AtOnce>,
}

/// Everything triage made of one delivery.
#[derive(Clone, Debug)]
pub struct Triaged {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// When.
    pub at: Moment,
    /// What it says.
    pub detection: Detection,
    /// What follows for each entity, and why.
    pub decisions: Vec<Decision>,
    /// What is to be carried out.
    pub runs: Vec<Making>,
    /// What people should be told.
    pub notices: Vec<Notice>,
    /// What counts towards an outbreak.
    pub counts: Vec<ToCount>,
}

/// Whose word a run carries out.
pub(super) struct Cause<'a> {
    pub(super) detection: Option<DetectionId>,
    pub(super) source: Option<&'a SourceName>,
    pub(super) order: Option<OrderId>,
    pub(super) received_at: Moment,
}

impl Store {
    /// Stores what triage decided, and answers the runs that were made, in their order. A detection
    /// that came before by another way is joined, makes none and counts towards nothing.
    pub async fn triaged(&self, triaged: Triaged) -> Result<Vec<Made>, Error> {
        let fresh: Vec<_> = triaged.runs.iter().map(|_| self.fresh_notice()).collect();
        self.write_with_the_next(move |tx| {
            Box::pin(async move { settle(tx, &triaged, &fresh).await })
        })
        .await
    }

    /// Understood, and on purpose nothing follows: a test button, a detection about a person.
    pub async fn ignore(&self, id: DeliveryId, why: String, at: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                if set_state(tx, id, DeliveryState::Ignored, Some(&why)).await? {
                    let mut record = Record::new(at, "delivery.ignored", json!({ "why": why }));
                    record.delivery = Some(id);
                    tx.record(&record).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// `fresh` names the notice that each run may lead to.
async fn settle(tx: &mut Tx, triaged: &Triaged, fresh: &[NoticeId]) -> Result<Vec<Made>, Error> {
    let Triaged {
        delivery,
        at,
        detection,
        decisions,
        ..
    } = triaged;
    if !become_detection(tx, *delivery, detection.id).await? {
        // Another reader was faster: what it decided stands.
        return Ok(Vec::new());
    }
    let inserted = query(
        "insert into detection (detection_id, detection_key, received_at, said, decisions) \
         values ($1, $2, $3, $4, $5) on conflict do nothing",
    )
    .bind(bytes(detection.id.uuid()))
    .bind(&detection.key)
    .bind(detection.received_at.as_millis())
    .bind(to_json(detection)?)
    .bind(to_json(decisions)?)
    .execute(&mut tx.db)
    .await?;
    if inserted.rows_affected() == 0 {
        join(tx, *delivery, detection, *at).await?;
        return Ok(Vec::new());
    }
    let verdicts: Vec<_> = decisions
        .iter()
        .map(|decision| (&decision.entity, &decision.verdict))
        .collect();
    let detail = json!({ "type": detection.detection_type, "severity": detection.severity, "decisions": verdicts });
    let mut record = Record::new(*at, "detection.decided", detail);
    record.delivery = Some(*delivery);
    record.detection = Some(detection.id);
    tx.record(&record).await?;

    let cause = Cause {
        detection: Some(detection.id),
        source: Some(&detection.source),
        order: None,
        received_at: detection.received_at,
    };
    let mut made = Vec::with_capacity(triaged.runs.len());
    for (making, fresh) in triaged.runs.iter().zip(fresh) {
        let run = &making.run;
        made.push(match &making.at_once {
            Some(at_once) if run.asks.is_none() => {
                make_begun(tx, (run, &cause), at_once, (*fresh, *at)).await?
            }
            Some(_) | None => {
                insert_run(tx, run, &cause, *at).await?;
                Made::Left(run.id)
            }
        });
    }
    for notice in &triaged.notices {
        super::notices::write(tx, notice).await?;
    }
    for one in &triaged.counts {
        super::outbreaks::count(tx, one).await?;
    }
    Ok(made)
}

/// The same detection by another way: this delivery follows the runs that are there.
async fn join(
    tx: &mut Tx,
    delivery: DeliveryId,
    detection: &Detection,
    at: Moment,
) -> Result<(), Error> {
    let row = query("select detection_id from detection where detection_key = $1")
        .bind(&detection.key)
        .fetch_one(&mut tx.db)
        .await?;
    let first = DetectionId::from_uuid(uuid(&row, "detection_id")?);
    link(tx, delivery, first).await?;
    let mut record = Record::new(at, "delivery.joined", json!({ "key": detection.key }))
        .by(Actor(format!("source:{}", detection.source)));
    record.delivery = Some(delivery);
    record.detection = Some(first);
    tx.record(&record).await
}

/// Moves a delivery on to the detection it became; false when it was moved before.
async fn become_detection(
    tx: &mut Tx,
    delivery: DeliveryId,
    detection: DetectionId,
) -> Result<bool, Error> {
    let moved = query(
        "update delivery set state = $2, why = null, detection_id = $3 \
         where delivery_id = $1 and state = 'received'",
    )
    .bind(bytes(delivery.uuid()))
    .bind(DeliveryState::Read.word())
    .bind(bytes(detection.uuid()))
    .execute(&mut tx.db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

async fn link(tx: &mut Tx, delivery: DeliveryId, detection: DetectionId) -> Result<(), Error> {
    query("update delivery set detection_id = $2 where delivery_id = $1")
        .bind(bytes(delivery.uuid()))
        .bind(bytes(detection.uuid()))
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

pub(super) async fn insert_run(
    tx: &mut Tx,
    new: &NewRun,
    cause: &Cause<'_>,
    at: Moment,
) -> Result<(), Error> {
    let Entity { kind, id } = new.plan.entity;
    let because = new.asks.as_ref().map(|asks| asks.because.as_str());
    let state = if new.asks.is_some() {
        RunState::Waiting
    } else {
        RunState::Queued
    };
    query(
        "insert into run (run_id, detection_id, order_id, source, playbook, playbook_digest, \
         entity_kind, entity_id, mode, lane, state, because, plan_digest, terms, received_at, due_at, \
         notify) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
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
    .bind(state.word())
    .bind(because)
    .bind(new.plan.digest())
    .bind(to_json(&new.terms)?)
    .bind(cause.received_at.as_millis())
    .bind(at.as_millis())
    .bind(notify(new)?)
    .execute(&mut tx.db)
    .await?;
    insert_steps(tx, new).await?;
    let detail = json!({
        "playbook": new.playbook, "mode": new.mode, "state": state, "entity": new.plan.entity,
        "plan": new.plan.digest(), "because": because,
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
    for (position, step) in (0i64..).zip(&new.plan.steps) {
        insert_step(tx, new.id, (position, step)).await?;
    }
    Ok(())
}

pub(super) async fn insert_step(
    tx: &mut Tx,
    run: RunId,
    (position, step): (i64, &PlanStep),
) -> Result<(), Error> {
    query(
        "insert into step (run_id, position, action, entity_kind, entity_id, optional, state) \
         values ($1, $2, $3, $4, $5, $6, 'pending')",
    )
    .bind(bytes(run.uuid()))
    .bind(position)
    .bind(step.action.word())
    .bind(step.entity.kind.word())
    .bind(bytes(step.entity.id.uuid()))
    .bind(step.optional)
    .execute(&mut tx.db)
    .await?;
    Ok(())
}
