//! The hash chain of records, as the writer extends it.

use super::error::Error;
use super::sql::{Query, Row, query, query_in_both};
use super::writer::Tx;
use crate::domain::record::{Record, Seal, seal};

/// Where the chain ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    number: i64,
    seal: Seal,
}

impl Head {
    /// An empty chain.
    pub(super) const GENESIS: Self = Self {
        number: 0,
        seal: Seal::GENESIS,
    };

    /// What a transaction asks first: a visiting command or another service may have moved it.
    pub(super) const fn question() -> Query {
        query_in_both(
            "select null as now, number, seal from record order by number desc limit 1",
            "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as now, \
                    number, seal \
             from (select 1) as one left join \
                  (select number, seal from record order by number desc limit 1) as head on true",
        )
    }

    /// What it was answered.
    pub(super) fn of(row: Option<&Row>) -> Result<Self, Error> {
        let Some(row) = row.filter(|row| !row.is_null("number")) else {
            return Ok(Self::GENESIS);
        };
        Ok(Self {
            number: row.get("number")?,
            seal: super::rows::seal(row)?,
        })
    }

    fn after(self, line: &str) -> Self {
        Self {
            number: self.number + 1,
            seal: seal(self.seal, line),
        }
    }
}

impl Tx {
    /// Seals a record onto the chain, as part of this transaction.
    pub(super) async fn record(&mut self, record: &Record) -> Result<(), Error> {
        let line = record.line();
        let head = self.head.after(&line);
        query("insert into record (number, run_id, line, seal) values ($1, $2, $3, $4)")
            .bind(head.number)
            .bind(record.run.map(|run| run.uuid().as_bytes().to_vec()))
            .bind(line)
            .bind(head.seal.0.to_vec())
            .execute(&mut self.db)
            .await?;
        self.head = head;
        Ok(())
    }
}
