//! The hash chain of records, as the writer extends it.

use sqlx::{Row as _, SqliteConnection};

use super::error::Error;
use super::intake::chunks;
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

    /// Begins a write transaction and reads the head in it, in one trip to SQLite's thread.
    pub(super) async fn read_at_begin(db: &mut SqliteConnection) -> Result<Self, Error> {
        let row = sqlx::query(
            "begin immediate; select number, seal from record order by number desc limit 1",
        )
        .fetch_optional(db)
        .await?;
        let Some(row) = row else {
            return Ok(Self::GENESIS);
        };
        let bytes: Vec<u8> = row.try_get("seal")?;
        let bytes = bytes
            .try_into()
            .map_err(|_| Error::Damaged("a seal".to_owned()))?;
        Ok(Self {
            number: row.try_get("number")?,
            seal: Seal(bytes),
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
        self.record_all(std::slice::from_ref(record)).await
    }

    /// Seals these records onto the chain, in this order.
    pub(super) async fn record_all(&mut self, records: &[Record]) -> Result<(), Error> {
        for chunk in chunks(records) {
            let rows = vec!["(?, ?, ?, ?)"; chunk.len()].join(", ");
            let sql = format!("insert into record (number, run_id, line, seal) values {rows}");
            let mut insert = sqlx::query(sqlx::AssertSqlSafe(sql));
            let mut head = self.head;
            for record in chunk {
                let line = record.line();
                head = head.after(&line);
                insert = insert
                    .bind(head.number)
                    .bind(record.run.map(|run| run.uuid().as_bytes().to_vec()))
                    .bind(line)
                    .bind(head.seal.0.to_vec());
            }
            insert.execute(&mut self.db).await?;
            self.head = head;
        }
        Ok(())
    }
}
