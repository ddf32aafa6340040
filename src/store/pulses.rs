//! When each source spoke, and how long it was silent in between.

use std::time::Duration;

use super::Store;
use super::error::Error;
use super::rows::moment;
use super::sql::{Query, Row, query};
use super::writer::Tx;
use crate::domain::detection::SourceName;
use crate::domain::moment::Moment;
use crate::domain::pulse::{DAYS_KEPT, Pulse};

/// Milliseconds of a day.
const DAY: i64 = 24 * 3600 * 1000;

/// What is known of the time before a source was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// We have listened since it spoke last, so its silence was a gap.
    Again,
    /// We were away in between: nobody knows whether it was silent.
    First,
}

impl Store {
    /// What is known of a source that is listened to from now on, if it was not before.
    pub async fn pulse(&self, source: &SourceName, now: Moment) -> Result<Pulse, Error> {
        let known = pulse_of(source).fetch_optional(self.reading()).await?;
        if let Some(row) = known {
            return pulse(&row);
        }
        let source = source.clone();
        self.write(move |tx| {
            Box::pin(async move {
                query(
                    "insert into source_pulse (source, first_at, last_at) values ($1, $2, $2) \
                     on conflict do nothing",
                )
                .bind(source.as_str())
                .bind(now.as_millis())
                .execute(&mut tx.db)
                .await?;
                pulse(&pulse_of(&source).fetch_one(&mut tx.db).await?)
            })
        })
        .await
    }

    /// Notes that a source spoke.
    pub async fn heard(&self, source: &SourceName, at: Moment, how: Heard) -> Result<(), Error> {
        let source = source.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let known = pulse(&pulse_of(&source).fetch_one(&mut tx.db).await?)?;
                let gap = i64::try_from(at.since(known.last_at).as_millis()).unwrap_or(i64::MAX);
                if how == Heard::Again {
                    keep_gap(tx, &source, (at.as_millis() / DAY, gap)).await?;
                }
                query("update source_pulse set last_at = $2 where source = $1 and last_at < $2")
                    .bind(source.as_str())
                    .bind(at.as_millis())
                    .execute(&mut tx.db)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn keep_gap(tx: &mut Tx, source: &SourceName, (day, gap): (i64, i64)) -> Result<(), Error> {
    query(
        "insert into source_gap (source, day, longest) values ($1, $2, $3) \
         on conflict (source, day) do update set longest = $3 \
         where source_gap.longest < $3",
    )
    .bind(source.as_str())
    .bind(day)
    .bind(gap)
    .execute(&mut tx.db)
    .await?;
    query("delete from source_gap where source = $1 and day <= $2")
        .bind(source.as_str())
        .bind(day - DAYS_KEPT)
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

fn pulse_of(source: &SourceName) -> Query {
    query(
        "select first_at, last_at, \
         (select max(longest) from source_gap where source_gap.source = $1) as longest \
         from source_pulse where source = $1",
    )
    .bind(source.as_str())
}

fn pulse(row: &Row) -> Result<Pulse, Error> {
    let longest: Option<i64> = row.get("longest")?;
    Ok(Pulse {
        first_at: moment(row, "first_at")?,
        last_at: moment(row, "last_at")?,
        longest: longest
            .and_then(|millis| u64::try_from(millis).ok())
            .map(Duration::from_millis),
    })
}
