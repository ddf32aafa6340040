//! What was done while the store was away, told to it later and once: as runs that any undo knows
//! the way back from.

use serde_json::json;

use super::Store;
use super::containments::{hold, move_entity};
use super::error::Error;
use super::new_run::NewRun;
use super::orders::{Asked, Saw};
use super::rows::{bytes, to_json};
use super::runs::{end_now, move_run};
use super::sql::query;
use super::steps::{end_step, step_in};
use super::strikes::Strike;
use super::terms::Terms;
use super::writer::Tx;
use crate::domain::action::Action;
use crate::domain::containment::EntityEvent;
use crate::domain::id::{OrderId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::offline::{Story, Struck};
use crate::domain::order::{Operator, Order, OrderKind, Scope};
use crate::domain::outcome::Outcome;
use crate::domain::playbook::{Mode, PlaybookName};
use crate::domain::record::{Actor, Record};
use crate::domain::run::RunEvent;
use crate::domain::step::StepEvent;

impl Store {
    /// Takes the stories of a journal that are not told yet, each in one transaction, and answers
    /// their runs. What was told before is left alone.
    pub async fn merge_offline(
        &self,
        stories: Vec<Story>,
        at: Moment,
    ) -> Result<Vec<RunId>, Error> {
        let mut merged = Vec::new();
        for story in stories {
            let run = story.run;
            let notice = self.notice(at, Urgency::Page, format!("offline {run}"), String::new());
            let new = self
                .write(move |tx| Box::pin(async move { merge(tx, &story, (notice, at)).await }))
                .await?;
            if new {
                merged.push(run);
            }
        }
        Ok(merged)
    }
}

async fn merge(
    tx: &mut Tx,
    story: &Story,
    (mut notice, at): (Notice, Moment),
) -> Result<bool, Error> {
    let (run, by) = (story.run, Actor(story.by.clone()));
    if super::orders::take(tx, &asked(story)).await?.repeated {
        return Ok(false);
    }
    move_run(
        tx,
        run,
        RunEvent::Begun,
        Some("it was begun offline"),
        story.at,
    )
    .await?;
    for (position, struck) in &story.struck {
        strike(tx, run, (*position, struck)).await?;
    }
    for (position, (ended_at, outcome, evidence)) in &story.ended {
        let step = step_in(tx, run, *position).await?;
        end_step(tx, run, &step, (*outcome, evidence), *ended_at).await?;
    }
    for (entity, read_at, closed) in &story.read_back {
        let event = if *closed {
            EntityEvent::ReadClosed
        } else {
            EntityEvent::GaveUpReading
        };
        move_entity(tx, *entity, event, *read_at).await?;
    }
    let contained = story.is_contained();
    if contained {
        conclude(tx, story).await?;
    } else {
        super::carry::make_due(tx, run, at, None).await?;
    }
    let detail = json!({
        "began_at": story.at, "reason": story.reason, "entity": story.plan.entity,
        "struck": story.struck.len(), "contained": contained,
    });
    let record = Record::new(at, "offline.merged", detail).by(by);
    tx.record(&record.about_run(run)).await?;
    notice.text = format!(
        "the break-glass was used: {} contained {} offline at {} ({}). See: estop runs show {run}",
        story.by, story.plan.entity, story.at, story.reason
    );
    notice.run = Some(run);
    super::notices::write(tx, &notice).await?;
    Ok(true)
}

/// The person's word, under a key that no other word has.
fn asked(story: &Story) -> Asked {
    Asked {
        order: Order {
            id: OrderId::from_uuid(story.run.uuid()),
            at: story.at,
            operator: Operator {
                name: story.by.clone(),
                scope: Scope::Respond,
                person: None,
            },
            kind: OrderKind::Contain {
                plan_digest: story.plan.digest(),
            },
            reason: story.reason.clone(),
        },
        makes: Some(NewRun {
            id: story.run,
            playbook: PlaybookName::by_hand(),
            mode: Mode::Enforce,
            plan: story.plan.clone(),
            terms: Terms::default(),
            asks: None,
        }),
        idempotency_key: Some(format!("offline {}", story.run)),
        saw: Saw::default(),
    }
}

/// What was there before is stored as if it had been stored then.
async fn strike(tx: &mut Tx, run: RunId, (position, struck): (u16, &Struck)) -> Result<(), Error> {
    let step = step_in(tx, run, position).await?;
    let illegal = |why: crate::domain::step::IllegalStep| Error::Refused(why.to_string());
    let tried = step.state.after(StepEvent::Tried).map_err(illegal)?;
    let sent = tried.after(StepEvent::Started).map_err(illegal)?;
    let mut strike = Strike {
        position,
        before: struck.before.clone(),
        closes: struck.closes.clone(),
    };
    super::proof::take_first(tx, &mut strike).await?;
    query(
        "update step set state = $3, before = $4, attempts = 1, begun_at = $5 \
         where run_id = $1 and position = $2",
    )
    .bind(bytes(run.uuid()))
    .bind(position)
    .bind(sent.word())
    .bind(to_json(&strike.before)?)
    .bind(struck.at.as_millis())
    .execute(&mut tx.db)
    .await?;
    for entity in &strike.closes {
        move_entity(tx, *entity, EntityEvent::Striking, struck.at).await?;
        hold(tx, *entity, run, (struck.at, None)).await?;
    }
    Ok(())
}

/// Everything was read back closed: nothing is left to do.
async fn conclude(tx: &mut Tx, story: &Story) -> Result<(), Error> {
    let run = story.run;
    let at = story.read_back.iter().map(|(_, at, _)| *at).max();
    let at = at.unwrap_or(story.at);
    let steps = (0..).zip(&story.plan.steps);
    for (position, _) in steps.filter(|(_, step)| step.action == Action::Verify) {
        let step = step_in(tx, run, position).await?;
        let evidence = "read back closed twice, offline";
        end_step(tx, run, &step, (Outcome::Done, evidence), at).await?;
    }
    move_run(tx, run, RunEvent::EndedContained, None, at).await?;
    end_now(tx, run, at).await
}
