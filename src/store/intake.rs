//! Taking a delivery: stored when it is new, found when it repeats, kept apart when it conflicts.

use super::deliveries::Taken;
use super::error::Error;
use super::rows::{bytes, uuid};
use super::sql::query;
use super::writer::Tx;
use crate::domain::delivery::{DeliveryState, NewDelivery};
use crate::domain::id::{DeliveryId, DetectionId};
use crate::domain::notice::{Notice, Urgency};
use crate::domain::record::{Actor, Record};

const INSERT: &str = "insert into delivery (delivery_id, source, delivery_key, conflict_of, digest, \
     key_id, headers, body, received_at, state, why, body_key, detection_id) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing";

/// How a delivery stands as soon as it is stored.
#[derive(Clone, Copy)]
enum Stands {
    /// To be read.
    Unread,
    /// It has become this detection.
    Read(DetectionId),
    /// Kept apart from the first of its key.
    Apart(DeliveryId),
}

/// Takes one, which is to be read.
pub(super) async fn take(tx: &mut Tx, new: &NewDelivery) -> Result<Taken, Error> {
    take_as(tx, new, Stands::Unread).await
}

/// Takes one that was read. If it is new, what it has become is still to be stored.
pub(super) async fn take_read(
    tx: &mut Tx,
    new: &NewDelivery,
    detection: DetectionId,
) -> Result<Taken, Error> {
    take_as(tx, new, Stands::Read(detection)).await
}

async fn take_as(tx: &mut Tx, new: &NewDelivery, stands: Stands) -> Result<Taken, Error> {
    if insert(tx, new, stands).await? {
        tx.record(&stored(new, "delivery.stored")).await?;
        return Ok(Taken::New { id: new.id });
    }
    repeated(tx, new).await
}

/// Takes one of our own making. Under a key that came before with other bytes nothing is stored:
/// whoever asked is told at once.
pub(super) async fn take_unless_other(tx: &mut Tx, new: &NewDelivery) -> Result<Taken, Error> {
    if insert(tx, new, Stands::Unread).await? {
        tx.record(&stored(new, "delivery.stored")).await?;
        return Ok(Taken::New { id: new.id });
    }
    let (id, digest) = first_of(tx, new).await?;
    Ok(if digest == new.digest.0 {
        Taken::Repeat { id }
    } else {
        Taken::Conflict { id }
    })
}

/// The key came before: with the same bytes it is a repeat, with others it is kept apart.
async fn repeated(tx: &mut Tx, new: &NewDelivery) -> Result<Taken, Error> {
    let (id, digest) = first_of(tx, new).await?;
    if digest == new.digest.0 {
        return Ok(Taken::Repeat { id });
    }
    keep_apart(tx, new, id).await
}

async fn first_of(tx: &mut Tx, new: &NewDelivery) -> Result<(DeliveryId, Vec<u8>), Error> {
    let first = query(
        "select delivery_id, digest from delivery \
         where source = $1 and delivery_key = $2 and conflict_of is null",
    )
    .bind(new.source.as_str())
    .bind(&new.key)
    .fetch_one(&mut tx.db)
    .await?;
    let id = DeliveryId::from_uuid(uuid(&first, "delivery_id")?);
    Ok((id, first.get("digest")?))
}

/// A signed delivery that reuses a key for other bytes may hide or swap a detection (threat W04).
async fn keep_apart(tx: &mut Tx, new: &NewDelivery, first: DeliveryId) -> Result<Taken, Error> {
    let twin = query("select delivery_id from delivery where conflict_of = $1 and digest = $2")
        .bind(bytes(first.uuid()))
        .bind(new.digest.0.to_vec())
        .fetch_optional(&mut tx.db)
        .await?;
    if let Some(twin) = twin {
        return Ok(Taken::Conflict {
            id: DeliveryId::from_uuid(uuid(&twin, "delivery_id")?),
        });
    }
    insert(tx, new, Stands::Apart(first)).await?;
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

async fn insert(tx: &mut Tx, new: &NewDelivery, stands: Stands) -> Result<bool, Error> {
    let (state, conflict_of, detection) = match stands {
        Stands::Unread => (DeliveryState::Received, None, None),
        Stands::Read(detection) => (DeliveryState::Read, None, Some(detection)),
        Stands::Apart(first) => (DeliveryState::Quarantined, Some(first), None),
    };
    let why = conflict_of
        .map(|first| format!("the same delivery key came first, with other bytes, as {first}"));
    let closed = tx.vault.close(&new.body, new.id.uuid().as_bytes());
    let closed = closed.map_err(|why| Error::Refused(why.to_string()))?;
    let inserted = query(INSERT)
        .bind(bytes(new.id.uuid()))
        .bind(new.source.as_str())
        .bind(&new.key)
        .bind(conflict_of.map(|first| bytes(first.uuid())))
        .bind(new.digest.0.to_vec())
        .bind(&new.key_id)
        .bind(&new.headers)
        .bind(closed.bytes)
        .bind(new.received_at.as_millis())
        .bind(state.word())
        .bind(why)
        .bind(closed.key)
        .bind(detection.map(|detection| bytes(detection.uuid())))
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
