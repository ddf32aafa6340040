//! Deliveries: stored before anyone is thanked, found again when they repeat.

use std::time::Duration;

use super::Store;
use super::error::Error;
use super::intake;
use super::piece::GoOn;
use super::rows::{bytes, moment, uuid, word, word_or_none};
use super::sql::{Row, query};
use super::writer::{Durability, Queue, Tx};
use crate::domain::delivery::{BodyDigest, Delivery, DeliveryState, NewDelivery};
use crate::domain::detection::SourceName;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::domain::notice::Urgency;
use crate::domain::playbook::ServiceMode;
use crate::domain::record::{Actor, Record};
use crate::vault::{Closed, Vault};

/// What became of a delivery that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Stored for the first time.
    New {
        /// Its name.
        id: DeliveryId,
    },
    /// The same key and bytes came before.
    Repeat {
        /// The name of the first.
        id: DeliveryId,
    },
    /// The same key came before with other bytes: kept apart, quarantined, and a person is told.
    Conflict {
        /// The name of this one.
        id: DeliveryId,
    },
}

/// A delivery to be read, and what people have set that binds its reader.
#[derive(Clone, Debug)]
pub struct ToRead {
    /// With its exact bytes.
    pub delivery: Delivery,
    /// The mode a person or the configuration has set.
    pub mode: Option<ServiceMode>,
    /// Which restraints on playbooks count: see [`Store::restraints`].
    pub epoch: i64,
}

impl Store {
    /// Stores a verified delivery, or finds the one it repeats. Answers once it is on disk.
    pub async fn take_delivery(&self, new: NewDelivery) -> Result<Taken, Error> {
        self.take_delivery_and(new, |_| ()).await
    }

    /// The same, and `go_on` hears what became of it as soon as it is committed, even if the caller goes
    /// away. What follows may begin beside the sync: what of it is felt outside waits for a
    /// later sync, which carries this commit too. Thanks wait for the answer.
    pub async fn take_delivery_and(
        &self,
        new: NewDelivery,
        go_on: impl FnOnce(Taken) + Send + 'static,
    ) -> Result<Taken, Error> {
        self.count_asked();
        let go_on: GoOn<Taken> = Box::new(move |taken| go_on(*taken));
        let how = (Queue::Intake, Durability::Soon);
        self.writer
            .write_and(
                (
                    move |tx| Box::pin(async move { intake::take(tx, &new).await }),
                    Some(go_on),
                ),
                how,
            )
            .await
    }

    /// Deliveries that were stored longer than `hinted` ago and not yet read, oldest first: after a
    /// crash, and behind lost wake-ups. What was stored later than now was stored by a clock that was
    /// put right since, or by another service's, and waits for neither.
    pub async fn unread(
        &self,
        (now, hinted): (Moment, Duration),
        limit: u32,
    ) -> Result<Vec<DeliveryId>, Error> {
        let rows = query(
            "select delivery_id from delivery where state = 'received' \
             and (received_at < $1 or received_at > $2) order by received_at limit $3",
        )
        .bind(now.minus(hinted).as_millis())
        .bind(now.as_millis())
        .bind(limit)
        .fetch_all(self.reading())
        .await?;
        rows.iter()
            .map(|row| Ok(DeliveryId::from_uuid(uuid(row, "delivery_id")?)))
            .collect()
    }

    /// One delivery with its exact bytes.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, Error> {
        Ok(self.delivery_to_read(id).await?.map(|found| found.delivery))
    }

    /// One delivery and what people have set: what triage asks first of all, in one look.
    pub async fn delivery_to_read(&self, id: DeliveryId) -> Result<Option<ToRead>, Error> {
        let row = query(
            "select *, (select value from setting where name = 'mode') as mode, \
                    (select value from setting where name = 'restraints') as restraints \
             from delivery where delivery_id = $1",
        )
        .bind(bytes(id.uuid()))
        .fetch_optional(self.reading())
        .await?;
        let read = |row| {
            Ok(ToRead {
                delivery: delivery(&row, &self.vault)?,
                mode: word_or_none(&row, "mode", ServiceMode::from_word)?,
                epoch: super::restraints::epoch(&row)?,
            })
        };
        row.map(read).transpose()
    }

    /// The same for a delivery that is at hand as it was stored.
    pub async fn handed_to_read(&self, delivery: Delivery) -> Result<ToRead, Error> {
        let row = query(
            "select (select value from setting where name = 'mode') as mode, \
                    (select value from setting where name = 'restraints') as restraints",
        )
        .fetch_one(self.glancing())
        .await?;
        Ok(ToRead {
            delivery,
            mode: word_or_none(&row, "mode", ServiceMode::from_word)?,
            epoch: super::restraints::epoch(&row)?,
        })
    }

    /// Keys that close deliveries which nobody has read yet, and which we do not have. Without them
    /// something that was accepted would be lost.
    pub async fn missing_keys(&self) -> Result<Vec<String>, Error> {
        let rows = query(
            "select distinct body_key from delivery \
             where state = 'received' and body_key is not null",
        )
        .fetch_all(self.reading())
        .await?;
        let keys = rows.iter().map(|row| row.get("body_key"));
        let keys = keys.collect::<Result<Vec<String>, _>>()?;
        Ok(keys
            .into_iter()
            .filter(|key| !self.vault.has(key))
            .collect())
    }

    /// Counts a reading before it is made, and answers how many were begun.
    pub async fn count_reading(&self, id: DeliveryId) -> Result<u32, Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let row = query(
                    "update delivery set attempts = attempts + 1 where delivery_id = $1 \
                     returning attempts",
                )
                .bind(bytes(id.uuid()))
                .fetch_one(&mut tx.db)
                .await?;
                row.get("attempts")
            })
        })
        .await
    }

    /// Forgets the readings begun so far: the last one ended in good order.
    pub async fn forget_readings(&self, id: DeliveryId) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                query("update delivery set attempts = 0 where delivery_id = $1")
                    .bind(bytes(id.uuid()))
                    .execute(&mut tx.db)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Sets an unread delivery aside, with its reason, and tells a person.
    pub async fn quarantine(&self, id: DeliveryId, why: String, at: Moment) -> Result<(), Error> {
        let notice = self.notice(at, Urgency::Page, format!("quarantine {id}"), format!(
            "{id} is authentic but could not be understood: {why}. It is kept; after a fix: estop detections replay {id}"
        ));
        self.write(move |tx| {
            Box::pin(async move {
                let moved = set_state(tx, id, DeliveryState::Quarantined, Some(&why)).await?;
                if moved {
                    let mut record = Record::new(
                        at,
                        "delivery.quarantined",
                        serde_json::json!({ "why": why }),
                    );
                    record.delivery = Some(id);
                    tx.record(&record).await?;
                    super::notices::write(tx, &notice).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Puts a quarantined delivery back to be read again, on an operator's word.
    pub async fn replay(&self, id: DeliveryId, who: Actor, at: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let moved = query(
                    "update delivery set state = 'received', why = null, attempts = 0 \
                     where delivery_id = $1 and state = 'quarantined' and conflict_of is null",
                )
                .bind(bytes(id.uuid()))
                .execute(&mut tx.db)
                .await?;
                if moved.rows_affected() == 0 {
                    return Err(Error::Refused(format!(
                        "{id} cannot be replayed: only a quarantined delivery with a key of its own can"
                    )));
                }
                let mut record =
                    Record::new(at, "delivery.replayed", serde_json::Value::Null).by(who);
                record.delivery = Some(id);
                tx.record(&record).await
            })
        })
        .await
    }
}

fn delivery(row: &Row, vault: &Vault) -> Result<Delivery, Error> {
    let id = uuid(row, "delivery_id")?;
    let closed = Closed {
        key: row.get("body_key")?,
        bytes: row.get("body")?,
    };
    let body = vault.open(closed, id.as_bytes());
    Ok(Delivery {
        id: DeliveryId::from_uuid(id),
        source: word(row, "source", SourceName::new)?,
        state: word(row, "state", DeliveryState::from_word)?,
        why: row.get("why")?,
        body: body.map_err(|why| Error::Damaged(why.to_string()))?.into(),
        digest: digest(row)?,
        key_id: row.get("key_id")?,
        headers: row.get("headers")?,
        received_at: moment(row, "received_at")?,
    })
}

fn digest(row: &Row) -> Result<BodyDigest, Error> {
    let bytes: Vec<u8> = row.get("digest")?;
    let bytes = bytes
        .try_into()
        .map_err(|_| Error::Damaged("a digest".to_owned()))?;
    Ok(BodyDigest(bytes))
}

/// Moves a delivery out of `received`; false when it was moved before.
pub(super) async fn set_state(
    tx: &mut Tx,
    id: DeliveryId,
    state: DeliveryState,
    why: Option<&str>,
) -> Result<bool, Error> {
    let moved = query(
        "update delivery set state = $2, why = $3 where delivery_id = $1 and state = 'received'",
    )
    .bind(bytes(id.uuid()))
    .bind(state.word())
    .bind(why)
    .execute(&mut tx.db)
    .await?;
    Ok(moved.rows_affected() == 1)
}
