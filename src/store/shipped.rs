//! How far the record chain was handed to each place that wants it.

use super::Store;
use super::error::Error;
use super::rows::bytes;
use super::sql::query;
use crate::domain::action::RiskVerdict;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;

impl Store {
    /// The number of the last record this place has; 0 before the first.
    pub async fn shipped(&self, place: String) -> Result<i64, Error> {
        let row = query("select number from shipped where place = $1")
            .bind(place)
            .fetch_optional(self.reading())
            .await?;
        row.map_or(Ok(0), |row| row.get("number"))
    }

    /// Notes how far this place has come; never backwards.
    pub async fn note_shipped(&self, place: String, number: i64, at: Moment) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                query(
                    "insert into shipped (place, number, at) values ($1, $2, $3) \
                     on conflict (place) do update set number = $2, at = $3 \
                     where shipped.number < $2",
                )
                .bind(&place)
                .bind(number)
                .bind(at.as_millis())
                .execute(&mut tx.db)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// What a person said about the risk when they asked for a run to be put back.
    pub async fn risk_verdict(&self, run: RunId) -> Result<Option<RiskVerdict>, Error> {
        let row = query("select risk_verdict from run where run_id = $1")
            .bind(bytes(run.uuid()))
            .fetch_optional(self.reading())
            .await?;
        let Some(row) = row else { return Ok(None) };
        super::rows::word_or_none(&row, "risk_verdict", RiskVerdict::from_word)
    }
}
