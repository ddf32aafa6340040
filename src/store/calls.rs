//! Playbooks called in our own name: by an outbreak, by the clock, by a person. A call is a
//! delivery like any other, and is stored in the same transaction as what it follows from, so that
//! each outbreak, each tick and each word calls once.

use bytes::Bytes;
use serde_json::json;

use super::Store;
use super::deliveries::Taken;
use super::error::Error;
use super::intake;
use super::rows::{bytes, moment};
use super::sql::query;
use super::writer::Tx;
use crate::domain::delivery::{BodyDigest, NewDelivery};
use crate::domain::detection::SourceName;
use crate::domain::entity::Entity;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::domain::notice::Notice;
use crate::domain::playbook::PlaybookName;
use crate::domain::reach::Calling;
use crate::domain::record::{Actor, Record};

/// What stands as the key that verified a delivery of our own.
const OWN_KEY: &str = "estop";

/// A call on its way into the store.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// The delivery it becomes.
    pub id: DeliveryId,
    /// Within its source: the same key calls once.
    pub key: String,
    /// What it says.
    pub calling: Calling,
    /// When.
    pub at: Moment,
}

/// What a schedule's time came to.
#[derive(Clone, Debug)]
pub struct NewTick {
    /// Whose.
    pub playbook: PlaybookName,
    /// The schedule as written, so that another one begins anew.
    pub schedule: String,
    /// How far it was carried out before.
    pub from: Moment,
    /// How far it is carried out now.
    pub to: Moment,
    /// What was found.
    pub calls: Vec<NewCall>,
    /// Whom to tell, where something was left out.
    pub notice: Option<Notice>,
}

impl Store {
    /// Stores a person's call of a playbook. The same key finds the first, and says the same.
    pub async fn call(&self, call: NewCall, who: Actor) -> Result<Taken, Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let taken = take(tx, &call).await?;
                if let Taken::New { id } = taken {
                    tx.record(&called(&call, id).by(who)).await?;
                }
                Ok(taken)
            })
        })
        .await
    }

    /// How far a schedule was carried out; the first question begins it now.
    pub async fn ticked(
        &self,
        playbook: &PlaybookName,
        schedule: String,
        now: Moment,
    ) -> Result<Moment, Error> {
        let row = query("select at from tick where playbook = $1 and schedule = $2")
            .bind(playbook.as_str())
            .bind(&schedule)
            .fetch_optional(self.reading())
            .await?;
        if let Some(row) = row {
            return moment(&row, "at");
        }
        let playbook = playbook.clone();
        self.write(move |tx| {
            Box::pin(async move {
                query(
                    "insert into tick (playbook, schedule, at) values ($1, $2, $3) \
                     on conflict (playbook) do update set schedule = $2, at = $3 \
                     where tick.schedule <> $2",
                )
                .bind(playbook.as_str())
                .bind(&schedule)
                .bind(now.as_millis())
                .execute(&mut tx.db)
                .await?;
                Ok(now)
            })
        })
        .await
    }

    /// Stores what a tick found, unless someone else carried it out meanwhile.
    pub async fn tick(&self, tick: NewTick) -> Result<Vec<DeliveryId>, Error> {
        self.write(move |tx| Box::pin(async move { carry_out(tx, &tick).await }))
            .await
    }

    /// Has this playbook, as it is now, found this entity since then?
    pub async fn found_since(
        &self,
        digest: &str,
        entity: Entity,
        since: Moment,
    ) -> Result<bool, Error> {
        let row = query(
            "select 1 from run where entity_id = $1 and playbook_digest = $2 \
             and received_at > $3 limit 1",
        )
        .bind(bytes(entity.id.uuid()))
        .bind(digest)
        .bind(since.as_millis())
        .fetch_optional(self.reading())
        .await?;
        Ok(row.is_some())
    }
}

async fn carry_out(tx: &mut Tx, tick: &NewTick) -> Result<Vec<DeliveryId>, Error> {
    let moved = query("update tick set at = $4 where playbook = $1 and schedule = $2 and at = $3")
        .bind(tick.playbook.as_str())
        .bind(&tick.schedule)
        .bind(tick.from.as_millis())
        .bind(tick.to.as_millis())
        .execute(&mut tx.db)
        .await?;
    if moved.rows_affected() == 0 {
        return Ok(Vec::new());
    }
    let mut made = Vec::new();
    for call in &tick.calls {
        if let Taken::New { id } = take(tx, call).await? {
            made.push(id);
        }
    }
    let at = tick.calls.first().map_or(tick.to, |call| call.at);
    let detail = json!({ "playbook": tick.playbook, "due": tick.to, "found": made.len() });
    tx.record(&Record::new(at, "schedule.ticked", detail))
        .await?;
    if let Some(notice) = &tick.notice {
        super::notices::write(tx, notice).await?;
    }
    Ok(made)
}

/// Takes a call as a delivery: new, a repeat, or another call under the same key.
pub(super) async fn take(tx: &mut Tx, call: &NewCall) -> Result<Taken, Error> {
    let source = call.calling.caller.source();
    let source = SourceName::new(source)
        .ok_or_else(|| Error::Damaged(format!("`{source}` is no source")))?;
    let body = Bytes::from(super::rows::to_json(&call.calling)?);
    intake::take_unless_other(
        tx,
        &NewDelivery {
            id: call.id,
            source,
            key: call.key.clone(),
            digest: BodyDigest::of(&body),
            key_id: OWN_KEY.to_owned(),
            headers: "{}".to_owned(),
            body,
            received_at: call.at,
        },
    )
    .await
}

pub(super) fn called(call: &NewCall, id: DeliveryId) -> Record {
    let Calling {
        called,
        entities,
        because,
        ..
    } = &call.calling;
    let detail = json!({
        "playbook": called.playbook, "entities": entities, "because": because,
        "params": called.params,
    });
    let mut record = Record::new(call.at, "playbook.called", detail);
    record.delivery = Some(id);
    record
}
