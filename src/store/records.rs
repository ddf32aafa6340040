//! The record chain, read back; detections and their decisions, for people.

use super::Store;
use super::error::Error;
use super::rows::{bytes, json};
use super::runs::LIST_MAX;
use super::sql::{Row, Session, query};
use crate::domain::decision::Decision;
use crate::domain::detection::Detection;
use crate::domain::id::{DetectionId, RunId};
use crate::domain::moment::Moment;
use crate::domain::record::{Record, Seal, SealedLine};

impl Store {
    /// Sealed lines after number `after`, in order.
    pub async fn sealed_lines(&self, after: i64, limit: u32) -> Result<Vec<SealedLine>, Error> {
        let rows = query(
            "select number, line, seal from record where number > $1 \
             and number > coalesce((select number from record_cut), 0) order by number limit $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(sealed_line).collect()
    }

    /// The end of the chain.
    pub async fn last_sealed(&self) -> Result<Option<SealedLine>, Error> {
        let row = query("select number, line, seal from record order by number desc limit 1")
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(sealed_line).transpose()
    }

    /// What happened in a run, in order.
    pub async fn records_of(&self, run: RunId) -> Result<Vec<Record>, Error> {
        let rows = query("select line from record where run_id = $1 order by number limit 1000")
            .bind(bytes(run.uuid()))
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(|row| json(row, "line")).collect()
    }

    /// What happened in a run with its seals, each with the seal before it, in order.
    pub async fn sealed_lines_of(
        &self,
        run: RunId,
        limit: u32,
    ) -> Result<Vec<(Seal, SealedLine)>, Error> {
        sealed_of(self.reading(), run, limit).await
    }

    /// Seals a record that stands for itself, such as the set of playbooks that is now active.
    pub async fn record(&self, record: Record) -> Result<(), Error> {
        self.write(move |tx| Box::pin(async move { tx.record(&record).await }))
            .await
    }

    /// A detection and what was decided on it.
    pub async fn detection(
        &self,
        id: DetectionId,
    ) -> Result<Option<(Detection, Vec<Decision>)>, Error> {
        let row = query("select said, decisions from detection where detection_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.map(|row| Ok((json(&row, "said")?, json(&row, "decisions")?)))
            .transpose()
    }

    /// Deliveries, newest first, as JSON rows for listings: id, source, state, why, received, type.
    pub async fn deliveries(
        &self,
        state: Option<&str>,
        before: Option<DetectionId>,
        limit: u32,
    ) -> Result<Vec<serde_json::Value>, Error> {
        let rows = query(
            "select v.delivery_id, v.source, v.state, v.why, v.received_at, v.detection_id, d.said \
             from delivery v left join detection d on d.detection_id = v.detection_id \
             where (v.state = $1 or $1 is null) and (v.delivery_id < $2 or $2 is null) \
             order by v.delivery_id desc limit $3",
        )
        .bind(state)
        .bind(before.map(|id| bytes(id.uuid())))
        .bind(limit.min(LIST_MAX))
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(listed).collect()
    }
}

/// The sealed lines of a run, each with the seal before it, in order.
pub(super) async fn sealed_of(
    on: impl Session,
    run: RunId,
    limit: u32,
) -> Result<Vec<(Seal, SealedLine)>, Error> {
    let rows = query(
        "select r.number, r.line, r.seal, coalesce(p.seal, \
             (select c.seal from record_cut c where c.number = r.number - 1)) as before from record r \
         left join record p on p.number = r.number - 1 \
         where r.run_id = $1 order by r.number limit $2",
    )
    .bind(bytes(run.uuid()))
    .bind(limit)
    .fetch_all(on)
    .await?;
    let one = |row: &Row| {
        let before: Option<Vec<u8>> = row.get("before")?;
        let before = before.and_then(|seal| seal.try_into().ok());
        Ok((before.map_or(Seal::GENESIS, Seal), sealed_line(row)?))
    };
    rows.iter().map(one).collect()
}

pub(super) fn sealed_line(row: &Row) -> Result<SealedLine, Error> {
    let seal: Vec<u8> = row.get("seal")?;
    // A damaged seal must be found by the one who verifies, not hidden by the one who reads.
    let seal = seal.try_into().map_or(Seal::GENESIS, Seal);
    Ok(SealedLine {
        number: row.get("number")?,
        line: row.get("line")?,
        seal,
    })
}

/// What a listing shows of a detection.
#[derive(Default, serde::Deserialize)]
struct Headline {
    detection_type: Option<String>,
    severity: Option<String>,
}

fn listed(row: &Row) -> Result<serde_json::Value, Error> {
    use crate::domain::id::DeliveryId;
    let received: i64 = row.get("received_at")?;
    let said = row.get::<Option<String>>("said")?;
    let headline = said.map(|said| serde_json::from_str(&said));
    let headline: Headline = headline
        .transpose()
        .map_err(|error| Error::Damaged(error.to_string()))?
        .unwrap_or_default();
    let detection = super::rows::uuid_or_none(row, "detection_id")?.map(DetectionId::from_uuid);
    Ok(serde_json::json!({
        "delivery": DeliveryId::from_uuid(super::rows::uuid(row, "delivery_id")?),
        "detection": detection,
        "source": row.get::<String>("source")?,
        "state": row.get::<String>("state")?,
        "why": row.get::<Option<String>>("why")?,
        "received_at": Moment::from_millis(received),
        "type": headline.detection_type,
        "severity": headline.severity,
    }))
}
