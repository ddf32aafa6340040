//! A person's word, stored with what it changes, in one transaction.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{bytes, to_json, uuid, uuid_or_none};
use super::runs::move_run;
use super::settings;
use super::sql::query;
use super::triaged::{Cause, NewRun, insert_run};
use super::writer::Tx;
use super::{asking, voting};
use crate::domain::action::RiskVerdict;
use crate::domain::approval::World;
use crate::domain::id::{OrderId, RunId};
use crate::domain::moment::Moment;
use crate::domain::order::{Order, OrderKind};
use crate::domain::plan::Plan;
use crate::domain::record::{Actor, Record};
use crate::domain::run::RunEvent;
use crate::domain::step::PriorWord;

/// A person's word on its way into the store.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The word.
    pub order: Order,
    /// The run that a word to contain makes; `None` for every other word.
    pub makes: Option<NewRun>,
    /// The same key asks for the same thing only once.
    pub idempotency_key: Option<String>,
    /// What was seen of the tenant, for a yes to an approval.
    pub saw: Saw,
}

/// What a yes to an approval binds to, beside the digest that names it.
#[derive(Clone, Debug, Default)]
pub struct Saw {
    /// The tenant as it was read for the word.
    pub world: Option<World>,
    /// How many people are needed at least, whatever the approval's own terms say.
    pub quorum: u32,
    /// The smaller plan that was chosen, if one was.
    pub smaller: Option<Plan>,
}

/// What became of a person's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taking {
    /// The order.
    pub order: OrderId,
    /// The run it made or moved, if any.
    pub run: Option<RunId>,
    /// Was it taken before, under the same idempotency key?
    pub repeated: bool,
}

impl Store {
    /// Stores a person's word together with what it changes. Refused, with nothing stored, when
    /// the law of change forbids it.
    pub async fn take_order(&self, asked: Asked) -> Result<Taking, Error> {
        self.write(move |tx| Box::pin(async move { take(tx, &asked).await }))
            .await
    }

    /// The order that was taken under this idempotency key: what was asked, by whom, and what
    /// became of it.
    pub async fn order_by_key(
        &self,
        key: &str,
    ) -> Result<Option<(OrderKind, String, Taking)>, Error> {
        let row =
            query("select order_id, run_id, kind, operator from orders where idempotency_key = $1")
                .bind(key)
                .fetch_optional(self.reading())
                .await?;
        let Some(row) = row else { return Ok(None) };
        let taking = Taking {
            order: OrderId::from_uuid(uuid(&row, "order_id")?),
            run: uuid_or_none(&row, "run_id")?.map(RunId::from_uuid),
            repeated: true,
        };
        let kind = super::rows::json(&row, "kind")?;
        Ok(Some((kind, row.get("operator")?, taking)))
    }

    /// Writes the configuration's mode where no person has set one.
    pub async fn configured_mode(
        &self,
        mode: crate::domain::playbook::ServiceMode,
        at: Moment,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let standing = settings::standing_in(tx).await?;
                let by_person = standing
                    .mode_by
                    .as_ref()
                    .is_some_and(|(by, _)| by != CONFIGURATION);
                if by_person || standing.mode == Some(mode) {
                    return Ok(());
                }
                settings::set(tx, "mode", mode.word(), (CONFIGURATION, at)).await?;
                tx.record(&Record::new(at, "mode.configured", json!({ "mode": mode })))
                    .await
            })
        })
        .await
    }
}

const CONFIGURATION: &str = "configuration";

async fn take(tx: &mut Tx, asked: &Asked) -> Result<Taking, Error> {
    if let Some(taken) = repeated(tx, asked).await? {
        return Ok(taken);
    }
    let order = &asked.order;
    let run = carry(tx, asked).await?;
    query(
        "insert into orders (order_id, at, operator, kind, reason, run_id, idempotency_key) \
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(bytes(order.id.uuid()))
    .bind(order.at.as_millis())
    .bind(&order.operator.name)
    .bind(to_json(&order.kind)?)
    .bind(&order.reason)
    .bind(run.map(|run| bytes(run.uuid())))
    .bind(asked.idempotency_key.as_deref())
    .execute(&mut tx.db)
    .await?;
    let detail = json!({ "order": order.kind, "reason": order.reason });
    let mut record =
        Record::new(order.at, "order.taken", detail).by(Actor(order.operator.name.clone()));
    record.order = Some(order.id);
    record.run = run;
    tx.record(&record).await?;
    Ok(Taking {
        order: order.id,
        run,
        repeated: false,
    })
}

async fn repeated(tx: &mut Tx, asked: &Asked) -> Result<Option<Taking>, Error> {
    let Some(key) = &asked.idempotency_key else {
        return Ok(None);
    };
    let row =
        query("select order_id, run_id, kind, operator from orders where idempotency_key = $1")
            .bind(key)
            .fetch_optional(&mut tx.db)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let same_words = row.get::<String>("kind")? == to_json(&asked.order.kind)?
        && row.get::<String>("operator")? == asked.order.operator.name;
    if !same_words {
        return Err(Error::Refused(
            "this idempotency key was used for another order; use a new one".to_owned(),
        ));
    }
    Ok(Some(Taking {
        order: OrderId::from_uuid(uuid(&row, "order_id")?),
        run: uuid_or_none(&row, "run_id")?.map(RunId::from_uuid),
        repeated: true,
    }))
}

/// What the word changes.
async fn carry(tx: &mut Tx, asked: &Asked) -> Result<Option<RunId>, Error> {
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
        OrderKind::Mode { mode } => {
            settings::set(tx, "mode", mode.word(), by).await?;
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
    .bind(at.as_millis())
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
