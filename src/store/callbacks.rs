//! Who waits to be called back about a delivery, and how far that is.

use std::time::Duration;

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{bytes, moment, uuid};
use super::sql::{Row, query};
use crate::domain::callback::CallbackAddress;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::domain::notice::Notice;
use crate::domain::record::Record;

/// Callbacks looked at together.
const DUE_MAX: u32 = 100;

/// Somebody who waits.
#[derive(Clone, Debug)]
pub struct Callback {
    /// For the end of which delivery.
    pub delivery: DeliveryId,
    /// Where they are called.
    pub address: CallbackAddress,
    /// Since when.
    pub asked_at: Moment,
    /// Calls that failed so far.
    pub attempts: u32,
}

/// Why nobody waits any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalledBack {
    /// They heard it.
    Done,
    /// They no longer wait.
    Gone,
    /// They could not be reached.
    GivenUp,
}

impl CalledBack {
    /// The word for it in the store and the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Gone => "gone",
            Self::GivenUp => "given_up",
        }
    }
}

impl Store {
    /// Somebody waits for the end of this delivery. Asked again they wait again, at the newer
    /// address: the first answer was lost.
    pub async fn await_callback(
        &self,
        delivery: DeliveryId,
        address: CallbackAddress,
        at: Moment,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                query(
                    "insert into callback (delivery_id, address, state, asked_at, due_at) \
                     values ($1, $2, 'waiting', $3, $3) on conflict (delivery_id) do update \
                     set address = $2, state = 'waiting', asked_at = $3, due_at = $3, attempts = 0",
                )
                .bind(bytes(delivery.uuid()))
                .bind(address.expose())
                .bind(at.as_millis())
                .execute(&mut tx.db)
                .await?;
                let detail = json!({ "host": address.host() });
                let mut record = Record::new(at, "callback.awaited", detail);
                record.delivery = Some(delivery);
                tx.record(&record).await
            })
        })
        .await
    }

    /// Those whose turn it is, longest due first.
    pub async fn due_callbacks(&self, now: Moment) -> Result<Vec<Callback>, Error> {
        let rows = query(
            "select delivery_id, address, asked_at, attempts from callback \
             where state = 'waiting' and due_at <= $1 order by due_at limit $2",
        )
        .bind(now.as_millis())
        .bind(DUE_MAX)
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(callback).collect()
    }

    /// Looks at them again later. `attempts` is how many calls have failed by then.
    pub async fn postpone_callback(
        &self,
        callback: &Callback,
        (at, pause): (Moment, Duration),
        attempts: u32,
    ) -> Result<(), Error> {
        let (delivery, due) = (callback.delivery, at.plus(pause));
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                query(
                    "update callback set due_at = $2, attempts = $3 \
                     where delivery_id = $1 and state = 'waiting'",
                )
                .bind(bytes(delivery.uuid()))
                .bind(due.as_millis())
                .bind(attempts)
                .execute(&mut tx.db)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Nobody waits any more; the address is forgotten.
    pub async fn end_callback(
        &self,
        callback: &Callback,
        (how, at): (CalledBack, Moment),
        notice: Option<Notice>,
    ) -> Result<(), Error> {
        let (delivery, asked_at) = (callback.delivery, callback.asked_at);
        let host = callback.address.host().to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let ended = query(
                    "update callback set state = $2, address = '' \
                     where delivery_id = $1 and state = 'waiting' and asked_at = $3",
                )
                .bind(bytes(delivery.uuid()))
                .bind(how.word())
                .bind(asked_at.as_millis())
                .execute(&mut tx.db)
                .await?;
                if ended.rows_affected() == 0 {
                    return Ok(());
                }
                let detail = json!({ "host": host, "how": how.word() });
                let mut record = Record::new(at, "callback.ended", detail);
                record.delivery = Some(delivery);
                tx.record(&record).await?;
                match &notice {
                    Some(notice) => super::notices::write(tx, notice).await,
                    None => Ok(()),
                }
            })
        })
        .await
    }
}

fn callback(row: &Row) -> Result<Callback, Error> {
    let address: String = row.get("address")?;
    Ok(Callback {
        delivery: DeliveryId::from_uuid(uuid(row, "delivery_id")?),
        address: CallbackAddress::kept(&address)
            .ok_or_else(|| Error::Damaged("an address of a callback".to_owned()))?,
        asked_at: moment(row, "asked_at")?,
        attempts: row.get("attempts")?,
    })
}
