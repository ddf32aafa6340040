//! What became of a delivery: the detection it became or joined, and that detection's runs.

use super::Store;
use super::error::Error;
use super::rows::{bytes, json, moment_or_none, run, word};
use super::sql::query;
use crate::domain::delivery::DeliveryState;
use crate::domain::detection::{Detection, SourceName};
use crate::domain::id::{DeliveryId, DetectionId};
use crate::domain::moment::Moment;
use crate::domain::run::Run;

/// What is known of a delivery, for its sender.
#[derive(Clone, Debug)]
pub struct Status {
    /// Who sent the delivery.
    pub source: SourceName,
    /// Where the delivery stands.
    pub delivery_state: DeliveryState,
    /// Why it stands there.
    pub why: Option<String>,
    /// The detection it became or joined.
    pub detection: Option<Detection>,
    /// The runs of that detection.
    pub runs: Vec<Run>,
    /// When the first of their holds ends, where any does.
    pub held_until: Option<Moment>,
}

impl Store {
    /// What a sender may know of its delivery: the detection it became and that detection's runs.
    pub async fn status_of(&self, id: DeliveryId) -> Result<Option<Status>, Error> {
        let row = query(
            "select v.source, v.state, v.why, d.said from delivery v \
             left join detection d on d.detection_id = v.detection_id where v.delivery_id = $1",
        )
        .bind(bytes(id.uuid()))
        .fetch_optional(self.reading())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let detection: Option<Detection> = match row.get::<Option<String>>("said")? {
            Some(_) => Some(json(&row, "said")?),
            None => None,
        };
        let runs = match &detection {
            Some(detection) => self.runs_of(detection.id).await?,
            None => Vec::new(),
        };
        let held_until = match &detection {
            Some(detection) => self.held_until(detection.id).await?,
            None => None,
        };
        Ok(Some(Status {
            source: word(&row, "source", SourceName::new)?,
            held_until,
            delivery_state: word(&row, "state", DeliveryState::from_word)?,
            why: row.get("why")?,
            detection,
            runs,
        }))
    }

    async fn held_until(&self, detection: DetectionId) -> Result<Option<Moment>, Error> {
        let row = query(
            "select min(h.until) as until from run r join hold h on h.run_id = r.run_id \
             where r.detection_id = $1 and h.released_at is null and h.over_at is null",
        )
        .bind(bytes(detection.uuid()))
        .fetch_one(self.reading())
        .await?;
        moment_or_none(&row, "until")
    }

    /// The runs a detection led to, in the order they were made.
    pub async fn runs_of(&self, detection: DetectionId) -> Result<Vec<Run>, Error> {
        let rows = query("select * from run where detection_id = $1 order by run_id")
            .bind(bytes(detection.uuid()))
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(run).collect()
    }
}
