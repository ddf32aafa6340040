//! What triage made of a delivery, in one transaction: the detection, its decisions, its runs.

use serde_json::json;

use super::Store;
use super::at_once::{AtOnce, Made, make_begun};
use super::deliveries::{Taken, set_state};
use super::error::Error;
use super::intake;
use super::new_run::{Cause, NewRun, insert_run};
use super::outbreaks::ToCount;
use super::piece::GoOn;
use super::rows::{bytes, to_json, uuid};
use super::sql::query;
use super::writer::{Durability, Queue, Tx};
use crate::domain::decision::Decision;
use crate::domain::delivery::{DeliveryState, NewDelivery};
use crate::domain::detection::Detection;
use crate::domain::id::{DeliveryId, DetectionId, NoticeId};
use crate::domain::moment::Moment;
use crate::domain::notice::Notice;
use crate::domain::record::{Actor, Record};

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

impl Store {
    /// Stores what triage decided, and answers the runs that were made, in their order. A detection
    /// that came before by another way is joined, makes none and counts towards nothing.
    pub async fn triaged(&self, triaged: Triaged) -> Result<Vec<Made>, Error> {
        let fresh = self.fresh_notices(&triaged);
        self.write_as(Durability::WithTheNext, move |tx| {
            Box::pin(async move { settle(tx, &triaged, &fresh).await })
        })
        .await
    }

    /// Stores a verified delivery with what triage made of it, or finds the one it repeats, from which
    /// nothing follows anew. `go_on` hears what became of it and of its runs, even if the caller goes away: as
    /// soon as it is committed, or on disk where a strike leaves at once. Answers once it is on disk, and
    /// after whoever was told there had a turn: a strike leaves before its sender is thanked.
    pub async fn take_triaged(
        &self,
        (new, triaged): (NewDelivery, Triaged),
        go_on: impl FnOnce(Taken, Vec<Made>) + Send + 'static,
    ) -> Result<Taken, Error> {
        self.count_asked();
        let fresh = self.fresh_notices(&triaged);
        let how = match triaged.runs.iter().any(|run| run.at_once.is_some()) {
            true => Durability::Beside,
            false => Durability::Soon,
        };
        let go_on: GoOn<(Taken, Vec<Made>)> =
            Box::new(move |(taken, made)| go_on(*taken, std::mem::take(made)));
        let stored = self
            .writer
            .write_and(
                (
                    move |tx| {
                        Box::pin(async move { take_settled(tx, (&new, &triaged), &fresh).await })
                    },
                    Some(go_on),
                ),
                (Queue::Intake, how),
            )
            .await;
        stored.map(|(taken, _)| taken)
    }

    fn fresh_notices(&self, triaged: &Triaged) -> Vec<NoticeId> {
        triaged.runs.iter().map(|_| self.fresh_notice()).collect()
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
    if !become_detection(tx, triaged.delivery, triaged.detection.id).await? {
        // Another reader was faster: what it decided stands.
        return Ok(Vec::new());
    }
    follow(tx, triaged, fresh).await
}

async fn take_settled(
    tx: &mut Tx,
    (new, triaged): (&NewDelivery, &Triaged),
    fresh: &[NoticeId],
) -> Result<(Taken, Vec<Made>), Error> {
    let taken = intake::take_read(tx, new, triaged.detection.id).await?;
    let made = match taken {
        Taken::New { .. } => follow(tx, triaged, fresh).await?,
        Taken::Repeat { .. } | Taken::Conflict { .. } => Vec::new(),
    };
    Ok((taken, made))
}

/// What follows from a delivery that has become a detection.
async fn follow(tx: &mut Tx, triaged: &Triaged, fresh: &[NoticeId]) -> Result<Vec<Made>, Error> {
    let Triaged {
        delivery,
        at,
        detection,
        decisions,
        ..
    } = triaged;
    if !insert_detection(tx, detection, decisions).await? {
        join(tx, *delivery, detection, *at).await?;
        return Ok(Vec::new());
    }
    tx.record(&decided(triaged)).await?;
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

/// False when the same detection came before.
async fn insert_detection(
    tx: &mut Tx,
    detection: &Detection,
    decisions: &[Decision],
) -> Result<bool, Error> {
    let inserted = query(
        "insert into detection (detection_id, detection_key, received_at, said, decisions) \
         values ($1, $2, $3, $4, $5) on conflict do nothing",
    )
    .bind(bytes(detection.id.uuid()))
    .bind(&detection.key)
    .bind(detection.received_at.as_millis())
    .bind(to_json(detection)?)
    .bind(to_json(&decisions)?)
    .execute(&mut tx.db)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

fn decided(triaged: &Triaged) -> Record {
    let Triaged {
        detection,
        decisions,
        ..
    } = triaged;
    let verdicts: Vec<_> = decisions
        .iter()
        .map(|decision| (&decision.entity, &decision.verdict))
        .collect();
    let detail = json!({ "type": detection.detection_type, "severity": detection.severity, "decisions": verdicts });
    let mut record = Record::new(triaged.at, "detection.decided", detail);
    record.delivery = Some(triaged.delivery);
    record.detection = Some(detection.id);
    record
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
