//! Signed heads of the record, and the cut that one of them allows.

use super::Store;
use super::error::Error;
use super::rows::{moment, seal};
use super::runs::LIST_MAX;
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::anchor::Anchor;
use crate::domain::moment::Moment;
use crate::domain::record::{Record, Seal};

/// Most records taken away in one transaction.
const PIECE: u32 = 1_000;

/// Where the record begins: what came before was old, and was cut off at an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The last record that was cut off.
    pub number: i64,
    /// Its seal.
    pub seal: Seal,
}

impl Store {
    /// Keeps a signed head. When it answers, the head and all before it are on disk.
    pub async fn anchor(&self, anchor: Anchor) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                query(
                    "insert into anchor (number, seal, at, key, signature) \
                     values ($1, $2, $3, $4, $5) on conflict do nothing",
                )
                .bind(anchor.number)
                .bind(anchor.seal.0.to_vec())
                .bind(anchor.at.as_millis())
                .bind(&anchor.key)
                .bind(&anchor.signature)
                .execute(&mut tx.db)
                .await?;
                Ok(())
            })
        })
        .await
    }

    /// Anchors behind this record, in order.
    pub async fn anchors(&self, after: i64, limit: u32) -> Result<Vec<Anchor>, Error> {
        let rows = query("select * from anchor where number > $1 order by number limit $2")
            .bind(after)
            .bind(limit.min(LIST_MAX))
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(anchor).collect()
    }

    /// The last anchor.
    pub async fn last_anchor(&self) -> Result<Option<Anchor>, Error> {
        let row = query("select * from anchor order by number desc limit 1")
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(anchor).transpose()
    }

    /// Where the record begins, if it was ever cut.
    pub async fn record_cut(&self) -> Result<Option<Cut>, Error> {
        let row = query("select number, seal from record_cut")
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(cut).transpose()
    }

    /// Cuts the record at the last anchor before this moment that lies behind `handed`, the last
    /// record everyone has, and before everything that a case keeps. Answers where, if it moved.
    pub async fn cut_record(
        &self,
        (before, handed): (Moment, i64),
        at: Moment,
    ) -> Result<Option<Cut>, Error> {
        self.write(move |tx| Box::pin(cut_at(tx, (before, handed), at)))
            .await
    }

    /// Takes away a piece of what was cut off; answers how many records.
    pub async fn let_records_go(&self) -> Result<u64, Error> {
        self.write_with_the_next(|tx| {
            Box::pin(async move {
                let gone = query(
                    "delete from record where number in (select r.number from record r \
                     where r.number <= (select number from record_cut) order by r.number limit $1)",
                )
                .bind(PIECE)
                .execute(&mut tx.db)
                .await?;
                Ok(gone.rows_affected())
            })
        })
        .await
    }
}

/// The last record always stays, so that the chain has an end to go on from. Whatever a kept run came
/// from was recorded after its delivery was received, and so after every anchor before that.
async fn cut_at(
    tx: &mut Tx,
    (before, handed): (Moment, i64),
    at: Moment,
) -> Result<Option<Cut>, Error> {
    let row = query(
        "select a.number, a.seal from anchor a where a.at < $1 and a.number <= $2 \
         and a.number > coalesce((select number from record_cut), 0) \
         and a.number < (select max(number) from record) \
         and a.at < coalesce((select min(r.received_at) from run r join kept_run k \
             on k.run_id = r.run_id where k.released_at is null), $1) \
         order by a.number desc limit 1",
    )
    .bind(before.as_millis())
    .bind(handed)
    .fetch_optional(&mut tx.db)
    .await?;
    let Some(cut) = row.as_ref().map(cut).transpose()? else {
        return Ok(None);
    };
    query(
        "insert into record_cut (one, number, seal, at) values (1, $1, $2, $3) \
         on conflict (one) do update set number = $1, seal = $2, at = $3",
    )
    .bind(cut.number)
    .bind(cut.seal.0.to_vec())
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    let detail = serde_json::json!({ "through": cut.number, "seal": cut.seal.hex() });
    tx.record(&Record::new(at, "record.cut", detail)).await?;
    Ok(Some(cut))
}

fn cut(row: &Row) -> Result<Cut, Error> {
    Ok(Cut {
        number: row.get("number")?,
        seal: seal(row)?,
    })
}

fn anchor(row: &Row) -> Result<Anchor, Error> {
    Ok(Anchor {
        number: row.get("number")?,
        seal: seal(row)?,
        at: moment(row, "at")?,
        key: row.get("key")?,
        signature: row.get("signature")?,
    })
}
