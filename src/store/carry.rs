//! What a person's word changes, each kind of word for itself.

use super::error::Error;
use super::new_run::{Cause, insert_run};
use super::orders::Asked;
use super::rows::bytes;
use super::runs::move_run;
use super::settings;
use super::sql::query;
use super::writer::Tx;
use super::{asking, cases, freezes, motions, restraints, voting, wolf};
use crate::domain::action::RiskVerdict;
use crate::domain::freeze::FreezeEvent;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::order::{Order, OrderKind};
use crate::domain::run::RunEvent;
use crate::domain::step::PriorWord;

/// What the word changes.
pub(super) async fn carry(tx: &mut Tx, asked: &Asked) -> Result<Option<RunId>, Error> {
    let order = &asked.order;
    let by = (order.operator.name.as_str(), order.at);
    let run = match &order.kind {
        OrderKind::Contain { .. } | OrderKind::Drill { .. } => contain(tx, asked).await?,
        OrderKind::Undo { run, risk } => undo(tx, order, (*run, *risk)).await?,
        OrderKind::UndoSaying { run, risk, was } => {
            undo_saying(tx, order, (*run, *risk), *was).await?
        }
        OrderKind::Resume { run } => resume(tx, order, *run).await?,
        OrderKind::Stop { run } => stop(tx, order, *run).await?,
        OrderKind::Approve {
            approval,
            plan_digest,
        } => voting::approve(tx, order, (*approval, plan_digest), &asked.saw).await?,
        OrderKind::Deny { approval } => voting::deny(tx, order, *approval).await?,
        OrderKind::Extend { approval, by } => voting::extend(tx, order, (*approval, by.0)).await?,
        OrderKind::Keep { run, case } => cases::keep(tx, order, (*run, case)).await?,
        OrderKind::Release { run, case } => cases::release(tx, order, (*run, case)).await?,
        OrderKind::Mode { mode } => {
            settings::set(tx, "mode", mode.word(), by).await?;
            return Ok(None);
        }
        OrderKind::Activate { .. }
        | OrderKind::Lift { .. }
        | OrderKind::Expect { .. }
        | OrderKind::EndExpectation { .. } => {
            restraints::carry(tx, order).await?;
            return Ok(None);
        }
        OrderKind::Propose { motion } => {
            motions::propose(tx, (order, motion), &asked.saw.targets).await?;
            return Ok(None);
        }
        OrderKind::Second { motion, digest } => {
            motions::second(tx, order, (*motion, digest)).await?;
            return Ok(None);
        }
        OrderKind::DenyMotion { motion } => {
            motions::deny(tx, order, *motion).await?;
            return Ok(None);
        }
        OrderKind::StopFreeze { freeze } => {
            freezes::move_freeze(tx, *freeze, FreezeEvent::Stopped, order.at).await?;
            return Ok(None);
        }
        OrderKind::LowerCaps => {
            motions::lower_caps(tx).await?;
            return Ok(None);
        }
        OrderKind::TripBrake => {
            settings::set(tx, "brake", "on", by).await?;
            return Ok(None);
        }
        OrderKind::ResetBrake => {
            settings::set(tx, "brake", "off", by).await?;
            return Ok(None);
        }
    };
    Ok(Some(run))
}

async fn contain(tx: &mut Tx, asked: &Asked) -> Result<RunId, Error> {
    let Some(new) = &asked.makes else {
        return Err(Error::Refused(
            "an order to contain needs its run".to_owned(),
        ));
    };
    let at = asked.order.at;
    let cause = Cause {
        detection: None,
        source: None,
        order: Some(asked.order.id),
        received_at: at,
    };
    insert_run(tx, new, &cause, at).await?;
    Ok(new.id)
}

async fn undo(
    tx: &mut Tx,
    order: &Order,
    (run, risk): (RunId, Option<RiskVerdict>),
) -> Result<RunId, Error> {
    move_run(tx, run, RunEvent::UndoAsked, Some(&order.reason), order.at).await?;
    let undone = format!("undone by {}", order.operator.name);
    asking::drop_question(tx, run, (&undone, order)).await?;
    make_due(tx, run, order.at, risk.map(RiskVerdict::word)).await?;
    if risk == Some(RiskVerdict::Safe) {
        wolf::count(tx, run, order.at).await?;
    }
    Ok(run)
}

/// An undo that says what a switch was before us, where nobody could read it.
async fn undo_saying(
    tx: &mut Tx,
    order: &Order,
    (run, risk): (RunId, Option<RiskVerdict>),
    was: PriorWord,
) -> Result<RunId, Error> {
    query("update run set prior_word = $2 where run_id = $1")
        .bind(bytes(run.uuid()))
        .bind(was.word())
        .execute(&mut tx.db)
        .await?;
    undo(tx, order, (run, risk)).await
}

/// Releases a run above a cap. One that is asked about is released by its approval alone.
async fn resume(tx: &mut Tx, order: &Order, run: RunId) -> Result<RunId, Error> {
    if let Some(approval) = asking::open_of(tx, run).await? {
        return Err(Error::Refused(format!(
            "{run} waits for {approval}: estop approvals show {approval}"
        )));
    }
    move_run(tx, run, RunEvent::Resumed, Some(&order.reason), order.at).await?;
    query("update run set released = 1 where run_id = $1")
        .bind(bytes(run.uuid()))
        .execute(&mut tx.db)
        .await?;
    make_due(tx, run, order.at, None).await?;
    Ok(run)
}

async fn stop(tx: &mut Tx, order: &Order, run: RunId) -> Result<RunId, Error> {
    move_run(tx, run, RunEvent::Stopped, Some(&order.reason), order.at).await?;
    let stopped = format!("stopped by {}", order.operator.name);
    asking::drop_question(tx, run, (&stopped, order)).await?;
    take_lease_away(tx, run, order.at).await?;
    Ok(run)
}

/// Makes it due at once. Whoever still reads it back finds its next write refused.
pub(super) async fn make_due(
    tx: &mut Tx,
    run: RunId,
    at: Moment,
    risk: Option<&str>,
) -> Result<(), Error> {
    query(
        "update run set due_at = $2, attempts = 0, lane = 0, \
         lease_epoch = lease_epoch + 1, lease_holder = null, lease_until = 0, \
         risk_verdict = coalesce($3, risk_verdict) where run_id = $1",
    )
    .bind(bytes(run.uuid()))
    .bind(tx.due(at).as_millis())
    .bind(risk)
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// Whoever works on it finds its next write refused.
async fn take_lease_away(tx: &mut Tx, run: RunId, at: Moment) -> Result<(), Error> {
    query(
        "update run set lease_epoch = lease_epoch + 1, lease_holder = null, lease_until = 0, \
         ended_at = $2 where run_id = $1",
    )
    .bind(bytes(run.uuid()))
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}
