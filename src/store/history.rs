//! What was detected before, page by page, for whoever asks what would be decided today.

use super::Store;
use super::error::Error;
use super::rows::{bytes, json};
use super::sql::query;
use crate::domain::decision::Decision;
use crate::domain::detection::Detection;
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;

/// Most detections on one page.
pub const PAGE_MAX: u32 = 500;

/// A detection, and what was decided when it came.
pub type Past = (Detection, Vec<Decision>);

impl Store {
    /// How many detections came since then.
    pub async fn count_detections(&self, since: Moment) -> Result<i64, Error> {
        let row = query("select count(*) as count from detection where received_at >= $1")
            .bind(since.as_millis())
            .fetch_one(self.reading())
            .await?;
        row.get("count")
    }

    /// The first detections since then that come after this one, oldest first, at most
    /// [`PAGE_MAX`]. Ids are ordered by time.
    pub async fn detections_since(
        &self,
        since: Moment,
        after: Option<DetectionId>,
    ) -> Result<Vec<Past>, Error> {
        let after = after.map_or_else(Vec::new, |id| bytes(id.uuid()));
        let rows = query(
            "select said, decisions from detection \
             where received_at >= $1 and detection_id > $2 order by detection_id limit $3",
        )
        .bind(since.as_millis())
        .bind(after)
        .bind(PAGE_MAX)
        .fetch_all(self.reading())
        .await?;
        rows.iter()
            .map(|row| Ok((json(row, "said")?, json(row, "decisions")?)))
            .collect()
    }
}
