//! A person's word, stored with what it changes, in one transaction.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::new_run::NewRun;
use super::rows::{bytes, to_json, uuid, uuid_or_none};
use super::settings;
use super::sql::query;
use super::writer::Tx;
use crate::domain::approval::World;
use crate::domain::freeze::FreezeTarget;
use crate::domain::id::{OrderId, RunId};
use crate::domain::moment::Moment;
use crate::domain::order::{Order, OrderKind};
use crate::domain::plan::Plan;
use crate::domain::record::{Actor, Record};

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
    /// Whom a freeze names, in the order of their turns.
    pub targets: Vec<FreezeTarget>,
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

pub(super) async fn take(tx: &mut Tx, asked: &Asked) -> Result<Taking, Error> {
    if let Some(taken) = repeated(tx, asked).await? {
        return Ok(taken);
    }
    let order = &asked.order;
    let run = super::carry::carry(tx, asked).await?;
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
