//! What differs from how we left it: noted once, answered by the law, told, and over once.

use serde_json::json;

use super::Store;
use super::asking::run_in;
use super::containments::{entity_state, move_entity};
use super::drift_rows::{NewDrift, closed_again_since, end_drift, insert, open_drift};
use super::error::Error;
use super::holds::holds_on;
use super::rows::{bytes, entity, moment};
use super::runs::move_run;
use super::settings::standing_in;
use super::sql::query;
use super::writer::Tx;
use crate::domain::action::Action;
use crate::domain::containment::{EntityEvent, EntityState};
use crate::domain::coverage::DoorState;
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::hold::{Answer, Drifted, Hold, OverBy, REASSERT_WITHIN, Seen, What};
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::record::Record;
use crate::domain::run::{RunEvent, RunState};
use crate::domain::step::StepEvent;

/// Something we hold, and how it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Whose.
    pub entity: Entity,
    /// Since when it is not open.
    pub since: Moment,
}

impl Store {
    /// What is held closed with nobody at work on it, in the order of object ids.
    pub async fn watched(
        &self,
        after: Option<ObjectId>,
        limit: u32,
    ) -> Result<Vec<Watched>, Error> {
        let rows = query(
            "select c.* from containment c where c.state in ('closed', 'unverified') \
             and (c.entity_id > $1 or $1 is null) \
             and exists (select 1 from hold h join run r on r.run_id = h.run_id \
                         where h.entity_kind = c.entity_kind and h.entity_id = c.entity_id \
                           and h.released_at is null \
                           and r.state in ('contained', 'partial', 'unknown')) \
             order by c.entity_id limit $2",
        )
        .bind(after.map(|id| bytes(id.uuid())))
        .bind(limit)
        .fetch_all(self.reading())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Watched {
                    entity: entity(row)?,
                    since: moment(row, "since")?,
                })
            })
            .collect()
    }

    /// Notes what two equal reads said of something we hold, and answers it: the transaction that
    /// notes it asks brake, mode, holds and orders as they are then. Answers the run that closes it
    /// again, where one does.
    pub async fn note_look(
        &self,
        entity: Entity,
        seen: Seen,
        at: Moment,
    ) -> Result<Option<RunId>, Error> {
        let notice = self.notice(at, Urgency::Page, String::new(), String::new());
        let id = self.clock.uuid();
        self.write(move |tx| {
            Box::pin(async move {
                match seen {
                    Seen::Closed => closed(tx, entity, at).await,
                    Seen::Open => opened(tx, entity, (id, notice), at).await,
                }
            })
        })
        .await
    }
}

/// It reads closed: whatever was seen of its switch is over.
async fn closed(tx: &mut Tx, entity: Entity, at: Moment) -> Result<Option<RunId>, Error> {
    let Some(answer) = open_drift(tx, entity).await? else {
        return Ok(None);
    };
    let by = match answer {
        Answer::ClosedAgain => OverBy::Us,
        Answer::GivenUp | Answer::Left | Answer::Waits | Answer::Told => OverBy::Someone,
    };
    end_drift(tx, entity, (by, at)).await?;
    if entity_state(tx, entity).await? == EntityState::Unverified {
        move_entity(tx, entity, EntityEvent::ReadClosed, at).await?;
    }
    let detail = json!({ "entity": entity, "by": by });
    tx.record(&Record::new(at, "drift.over", detail)).await?;
    Ok(None)
}

async fn opened(
    tx: &mut Tx,
    entity: Entity,
    (id, notice): (uuid::Uuid, Notice),
    at: Moment,
) -> Result<Option<RunId>, Error> {
    let holds = holds_on(&mut tx.db, entity).await?;
    let at_rest = entity_state(tx, entity).await?;
    let standing = standing(&holds);
    let (EntityState::Closed | EntityState::Unverified, Some(strongest)) = (at_rest, standing)
    else {
        // Someone works on it, or nobody holds it any more: theirs is the newer word.
        return Ok(None);
    };
    let drifted = Drifted {
        answered: open_drift(tx, entity).await?,
        reassert_max: strongest.reassert_max,
        closed_again: closed_again_since(tx, entity, at.minus(REASSERT_WITHIN)).await?,
        stopped: standing_in(tx).await?.stops_writes(),
    };
    let Some(answer) = drifted.answer() else {
        return Ok(None);
    };
    if drifted.answered.is_some() {
        end_drift(tx, entity, (OverBy::Nobody, at)).await?;
    }
    let again = (answer == Answer::ClosedAgain).then_some(strongest.run);
    let drift = NewDrift {
        what: What::Enabled,
        about: "",
        answer,
        run: again,
    };
    insert(tx, (id, entity), &drift, at).await?;
    move_entity(tx, entity, EntityEvent::SeenOpen, at).await?;
    match again {
        Some(run) => close_again(tx, (run, entity), at).await?,
        None => leave_open(tx, &holds, entity, at).await?,
    }
    tell(tx, (entity, strongest), (&drifted, answer), notice).await?;
    Ok(again)
}

/// Of the runs that hold it and are at rest, the one that may close it again most often; `None`
/// where any of them is at work.
fn standing(holds: &[Hold]) -> Option<&Hold> {
    let at_work = |hold: &Hold| {
        matches!(
            hold.run_state,
            RunState::Queued | RunState::Running | RunState::Undoing | RunState::Waiting
        )
    };
    if holds.iter().any(at_work) {
        return None;
    }
    let held = holds.iter().filter(|hold| is_held_by(hold));
    held.rev().max_by_key(|hold| hold.reassert_max)
}

fn is_held_by(hold: &Hold) -> bool {
    matches!(
        hold.run_state,
        RunState::Contained | RunState::Partial | RunState::Unknown
    )
}

/// The run goes to work again on what it closed; what was before it stays as it was stored.
async fn close_again(tx: &mut Tx, (run, entity): (RunId, Entity), at: Moment) -> Result<(), Error> {
    let because = format!("{entity} was enabled again and is closed again");
    move_run(tx, run, RunEvent::Reopened, Some(&because), at).await?;
    for step in super::claims::steps_in(tx, run).await? {
        let proves = step.plan.action == Action::Verify;
        if !proves && !step.closes().contains(&entity) {
            continue;
        }
        let Ok(state) = step.state.after(StepEvent::Reopened) else {
            continue;
        };
        query(
            "update step set state = $4, outcome = null, evidence = null, begun_at = null, \
             ended_at = null where run_id = $1 and position = $2 and state = $3",
        )
        .bind(bytes(run.uuid()))
        .bind(step.position)
        .bind(step.state.word())
        .bind(state.word())
        .execute(&mut tx.db)
        .await?;
    }
    // Its time to be tried begins anew.
    query("update run set begun_at = null where run_id = $1")
        .bind(bytes(run.uuid()))
        .execute(&mut tx.db)
        .await?;
    super::carry::make_due(tx, run, at, None).await
}

/// Nothing is called contained that reads open: the runs that hold it say so from now on.
async fn leave_open(tx: &mut Tx, holds: &[Hold], entity: Entity, at: Moment) -> Result<(), Error> {
    for hold in holds.iter().filter(|hold| is_held_by(hold)) {
        let run = run_in(tx, hold.run).await?;
        let because = format!("{entity} was enabled again by someone else and reads open");
        if run.state == RunState::Contained {
            move_run(tx, run.id, RunEvent::LeftOpen, Some(&because), at).await?;
        }
        let Some(mut coverage) = run.coverage else {
            continue;
        };
        for door in coverage
            .doors
            .iter_mut()
            .filter(|door| door.id == Some(entity.id))
        {
            if matches!(door.state, DoorState::Closed | DoorState::Unverified) {
                door.state = DoorState::Open;
                door.proof = format!("read open at {at}");
            }
        }
        query("update run set coverage = $2 where run_id = $1")
            .bind(bytes(run.id.uuid()))
            .bind(super::rows::to_json(&coverage)?)
            .execute(&mut tx.db)
            .await?;
    }
    Ok(())
}

async fn tell(
    tx: &mut Tx,
    (entity, hold): (Entity, &Hold),
    (drifted, answer): (&Drifted, Answer),
    mut notice: Notice,
) -> Result<(), Error> {
    let run = hold.run;
    let (urgency, what) = match answer {
        Answer::ClosedAgain => (
            Urgency::Tell,
            format!(
                "it is closed again, {} of {} times within an hour",
                drifted.closed_again + 1,
                drifted.reassert_max
            ),
        ),
        Answer::GivenUp => (
            Urgency::Page,
            format!(
                "it was closed again {} times within an hour, which is as often as its playbook \
                 says, and stays open. Decide: contain its blueprint, or: estop undo {run}",
                drifted.closed_again
            ),
        ),
        Answer::Left | Answer::Told => (
            Urgency::Page,
            format!(
                "no playbook says that it may be closed again, so it stays open. Decide: estop \
                 contain {}, or: estop undo {run}",
                entity.id
            ),
        ),
        Answer::Waits => (
            Urgency::Page,
            "writes are stopped, so it stays open until they are allowed".to_owned(),
        ),
    };
    notice.urgency = urgency;
    notice.key = format!("drift {entity} {}", answer.word());
    notice.text = format!("{entity}, which {run} holds, was enabled again: {what}.");
    notice.run = Some(run);
    super::notices::write(tx, &notice).await
}
