//! Taking deliveries: many at once when they are new, one by one when they repeat.

use sqlx::Row as _;

use super::deliveries::Taken;
use super::error::Error;
use super::rows::{bytes, uuid};
use super::writer::{Tx, Waiting};
use crate::domain::delivery::{DeliveryState, NewDelivery};
use crate::domain::id::DeliveryId;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::record::{Actor, Record};

/// Most rows in one statement.
const CHUNK_MAX: usize = 64;

const INSERT: &str = "insert into delivery (delivery_id, source, delivery_key, conflict_of, digest, \
     key_id, headers, body, received_at, state, why) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing";

/// Parts whose lengths are powers of two: few enough for their statements to stay prepared.
pub(super) fn chunks<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let most = rest.len().min(CHUNK_MAX);
        let length = (most > 0).then(|| 1 << most.ilog2())?;
        let (chunk, after) = rest.split_at(length);
        rest = after;
        Some(chunk)
    })
}

/// Takes all of these, in order.
pub(super) async fn take_all(tx: &mut Tx, waiting: &[Waiting]) -> Result<Vec<Taken>, Error> {
    let mut stored_now = Vec::with_capacity(waiting.len());
    for chunk in chunks(waiting) {
        insert_new(tx, chunk, &mut stored_now).await?;
    }
    let is_new = |new: &NewDelivery| stored_now.contains(&new.id);
    let news = waiting.iter().map(|one| &one.new);
    let records: Vec<_> = news
        .clone()
        .filter(|new| is_new(new))
        .map(|new| stored(new, "delivery.stored"))
        .collect();
    tx.record_all(&records).await?;
    let mut taken = Vec::with_capacity(waiting.len());
    for new in news {
        taken.push(if is_new(new) {
            Taken::New { id: new.id }
        } else {
            repeated(tx, new).await?
        });
    }
    Ok(taken)
}

/// Inserts those whose key is new, and adds their names to `stored_now`.
async fn insert_new(
    tx: &mut Tx,
    chunk: &[Waiting],
    stored_now: &mut Vec<DeliveryId>,
) -> Result<(), Error> {
    let row = "(?, ?, ?, ?, ?, ?, ?, ?, 'received')";
    let rows = vec![row; chunk.len()].join(", ");
    let sql = format!(
        "insert into delivery (delivery_id, source, delivery_key, digest, key_id, headers, body, \
         received_at, state) values {rows} on conflict do nothing returning delivery_id"
    );
    let mut insert = sqlx::query(sqlx::AssertSqlSafe(sql));
    for Waiting { new, .. } in chunk {
        insert = insert
            .bind(bytes(new.id.uuid()))
            .bind(new.source.as_str())
            .bind(&new.key)
            .bind(new.digest.0.to_vec())
            .bind(&new.key_id)
            .bind(&new.headers)
            .bind(new.body.to_vec())
            .bind(new.received_at.as_millis());
    }
    for row in insert.fetch_all(&mut tx.db).await? {
        stored_now.push(DeliveryId::from_uuid(uuid(&row, "delivery_id")?));
    }
    Ok(())
}

/// Takes one.
pub(super) async fn take(tx: &mut Tx, new: &NewDelivery) -> Result<Taken, Error> {
    if insert(tx, new, None).await? {
        tx.record(&stored(new, "delivery.stored")).await?;
        return Ok(Taken::New { id: new.id });
    }
    repeated(tx, new).await
}

/// The key came before: with the same bytes it is a repeat, with others it is kept apart.
async fn repeated(tx: &mut Tx, new: &NewDelivery) -> Result<Taken, Error> {
    let first = sqlx::query(
        "select delivery_id, digest from delivery \
         where source = $1 and delivery_key = $2 and conflict_of is null",
    )
    .bind(new.source.as_str())
    .bind(&new.key)
    .fetch_one(&mut tx.db)
    .await?;
    let id = DeliveryId::from_uuid(uuid(&first, "delivery_id")?);
    if first.try_get::<Vec<u8>, _>("digest")? == new.digest.0 {
        return Ok(Taken::Repeat { id });
    }
    keep_apart(tx, new, id).await
}

/// A signed delivery that reuses a key for other bytes may hide or swap a detection (threat W04).
async fn keep_apart(tx: &mut Tx, new: &NewDelivery, first: DeliveryId) -> Result<Taken, Error> {
    let twin =
        sqlx::query("select delivery_id from delivery where conflict_of = $1 and digest = $2")
            .bind(bytes(first.uuid()))
            .bind(new.digest.0.to_vec())
            .fetch_optional(&mut tx.db)
            .await?;
    if let Some(twin) = twin {
        return Ok(Taken::Conflict {
            id: DeliveryId::from_uuid(uuid(&twin, "delivery_id")?),
        });
    }
    insert(tx, new, Some(first)).await?;
    tx.record(&stored(new, "delivery.conflict")).await?;
    let notice = Notice {
        id: crate::domain::id::NoticeId::from_uuid(new.id.uuid()),
        at: new.received_at,
        key: format!("conflict {first}"),
        urgency: Urgency::Page,
        text: format!(
            "{} carries the key of {first} with other bytes. It is kept apart and nothing follows from it: ask its sender, {}, why.",
            new.id, new.source
        ),
        run: None,
    };
    super::notices::write(tx, &notice).await?;
    Ok(Taken::Conflict { id: new.id })
}

async fn insert(
    tx: &mut Tx,
    new: &NewDelivery,
    conflict_of: Option<DeliveryId>,
) -> Result<bool, Error> {
    let (state, why) = match conflict_of {
        None => (DeliveryState::Received, None),
        Some(first) => (
            DeliveryState::Quarantined,
            Some(format!(
                "the same delivery key came first, with other bytes, as {first}"
            )),
        ),
    };
    let inserted = sqlx::query(INSERT)
        .bind(bytes(new.id.uuid()))
        .bind(new.source.as_str())
        .bind(&new.key)
        .bind(conflict_of.map(|first| bytes(first.uuid())))
        .bind(new.digest.0.to_vec())
        .bind(&new.key_id)
        .bind(&new.headers)
        .bind(new.body.to_vec())
        .bind(new.received_at.as_millis())
        .bind(state.word())
        .bind(why)
        .execute(&mut tx.db)
        .await?;
    Ok(inserted.rows_affected() == 1)
}

fn stored(new: &NewDelivery, what: &str) -> Record {
    let detail = serde_json::json!({
        "digest": new.digest.hex(),
        "key": new.key_id,
        "bytes": new.body.len(),
    });
    let mut record =
        Record::new(new.received_at, what, detail).by(Actor(format!("source:{}", new.source)));
    record.delivery = Some(new.id);
    record
}
