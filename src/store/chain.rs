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

/// A record that is sealed, and not yet a row.
#[derive(Debug)]
struct Line {
    head: Head,
    run: Option<Vec<u8>>,
    line: String,
}

/// The end of the chain within one transaction, and what was sealed onto it since it began. The
/// rows are inserted with the commit, all at once: every statement is a trip to SQLite's thread.
#[derive(Debug)]
pub(super) struct Chain {
    head: Head,
    lines: Vec<Line>,
}

/// A place in the chain to come back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(usize, Head);

impl Chain {
    /// Goes on from this head.
    pub(super) const fn after(head: Head) -> Self {
        Self {
            head,
            lines: Vec::new(),
        }
    }

    /// Where it ends now.
    pub(super) const fn mark(&self) -> Mark {
        Mark(self.lines.len(), self.head)
    }

    /// Forgets what was sealed since, with the work that was rolled back.
    pub(super) fn back_to(&mut self, Mark(length, head): Mark) {
        self.lines.truncate(length);
        self.head = head;
    }

    /// Inserts what was sealed, and commits.
    pub(super) async fn commit(&mut self, db: &mut SqliteConnection) -> Result<(), Error> {
        let chunks: Vec<_> = chunks(&self.lines).collect();
        let Some((last, earlier)) = chunks.split_last() else {
            sqlx::query("commit").execute(db).await?;
            return Ok(());
        };
        for chunk in earlier {
            insert(db, chunk, "").await?;
        }
        insert(db, last, "; commit").await
    }
}

async fn insert(db: &mut SqliteConnection, lines: &[Line], then: &str) -> Result<(), Error> {
    let rows = vec!["(?, ?, ?, ?)"; lines.len()].join(", ");
    let sql = format!("insert into record (number, run_id, line, seal) values {rows}{then}");
    let mut insert = sqlx::query(sqlx::AssertSqlSafe(sql));
    for line in lines {
        insert = insert
            .bind(line.head.number)
            .bind(line.run.as_deref())
            .bind(&line.line)
            .bind(line.head.seal.0.to_vec());
    }
    insert.execute(db).await?;
    Ok(())
}

impl Tx {
    /// Seals a record onto the chain, as part of this transaction.
    pub(super) async fn record(&mut self, record: &Record) -> Result<(), Error> {
        let line = record.line();
        self.chain.head = self.chain.head.after(&line);
        self.chain.lines.push(Line {
            head: self.chain.head,
            run: record.run.map(|run| run.uuid().as_bytes().to_vec()),
            line,
        });
        Ok(())
    }
}
