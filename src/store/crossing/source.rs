//! The file that a store is moved out of. Nobody else writes to it for as long as this lives, and
//! nor do we.

use std::path::Path;

use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{CrossError, Obstacle};
use crate::clock::Clock;
use crate::domain::record::Seal;
use crate::store::error::Error;
use crate::store::lock::{self, Lock};
use crate::store::migrations::is_newest;
use crate::store::sql::{Access, FileConnection, FromValue, Value};

/// Most rows that are handed on at once.
const ROWS_MAX: usize = 1_000;
/// Most bytes, but for a row that is longer.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// How many armfuls may wait.
const WAITING_MAX: usize = 2;
/// Every table but the one that says which schema this is: the server has its own.
const TABLES: &str = "select name from sqlite_schema where type = 'table' \
     and name not like 'sqlite\\_%' escape '\\' and name <> 'migration' order by name";
/// The end of the record: where it was cut off, unless something follows.
const HEADS: [&str; 2] = [
    "select number, seal from record_cut",
    "select number, seal from record order by number desc limit 1",
];

/// A table of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) rows: u64,
}

impl Table {
    /// Its name as it stands in a statement.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// Its columns as they stand in a statement.
    pub(super) fn list(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|name| quoted(name)).collect();
        columns.join(", ")
    }
}

/// Names come from a schema; one may be a word of SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Some rows of one table.
pub(super) struct Armful {
    /// Which, in the order of the source.
    pub(super) table: usize,
    pub(super) rows: Vec<Vec<Value>>,
}

/// The file.
pub(super) struct Source {
    db: FileConnection,
    pub(super) tables: Vec<Table>,
    _lock: Lock,
}

impl Source {
    /// Enters it as the one service that works on it, and keeps visiting commands from writing.
    pub(super) async fn enter(path: &Path, clock: &Clock) -> Result<Self, CrossError> {
        if !path.is_file() {
            return Err(CrossError::new(
                Obstacle::Unfit,
                format!("there is no store at {}", path.display()),
                "name the file: --from sqlite:PATH",
            ));
        }
        let lock = lock::take(path, clock).await?;
        let mut db = FileConnection::open(path, Access::Keep).map_err(CrossError::of_file)?;
        db.run_script("begin immediate")
            .map_err(CrossError::of_file)?;
        if !is_newest(&mut db).map_err(CrossError::of_file)? {
            return Err(CrossError::new(
                Obstacle::InTheWay,
                "the store was left by an older version, and its file is not changed here",
                format!(
                    "bring it up to date, which any visit does: estop audit verify --store sqlite:{}",
                    path.display()
                ),
            ));
        }
        let tables = tables(&db).map_err(CrossError::of_file)?;
        Ok(Self {
            db,
            tables,
            _lock: lock,
        })
    }

    /// Each table and its rows.
    pub(super) fn counts(&self) -> Vec<(String, u64)> {
        let counts = self.tables.iter();
        counts
            .map(|table| (table.name.clone(), table.rows))
            .collect()
    }

    /// Reads all of it on a thread that may wait, which ends early where nobody listens.
    pub(super) fn read(self) -> (Receiver<Armful>, JoinHandle<Result<Self, Error>>) {
        let (to, armfuls) = channel(WAITING_MAX);
        let reading = spawn_blocking(move || {
            let gone = |_| Error::Busy("nobody takes what is read".to_owned());
            for (place, table) in self.tables.iter().enumerate() {
                let hand_on = |rows| {
                    let armful = Armful { table: place, rows };
                    to.blocking_send(armful).map_err(gone)
                };
                read_table(&self.db, table, hand_on)?;
            }
            Ok(self)
        });
        (armfuls, reading)
    }

    /// Where the record ends.
    pub(super) fn head(&self) -> Result<(i64, Seal), CrossError> {
        let mut head = (0, Seal::GENESIS);
        for text in HEADS {
            let read = self.db.each_row(text, |row| {
                head = sealed(row)?;
                Ok(())
            });
            read.map_err(CrossError::of_file)?;
        }
        Ok(head)
    }
}

/// The source, once all of it was read.
pub(super) async fn read_whole(
    reading: JoinHandle<Result<Source, Error>>,
) -> Result<Source, CrossError> {
    let read = reading.await;
    let died = |_| Error::Busy("whoever read it died".to_owned());
    let read = read.map_err(died).and_then(|read| read);
    read.map_err(CrossError::of_file)
}

fn read_table(
    db: &FileConnection,
    table: &Table,
    mut hand_on: impl FnMut(Vec<Vec<Value>>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut rows = Vec::new();
    let mut bytes = 0;
    let text = format!("select {} from {}", table.list(), table.quoted());
    db.each_row(&text, |row| {
        bytes += row.iter().map(Value::size).sum::<usize>();
        rows.push(row);
        if rows.len() < ROWS_MAX && bytes < BYTES_MAX {
            return Ok(());
        }
        bytes = 0;
        hand_on(std::mem::take(&mut rows))
    })?;
    if rows.is_empty() {
        return Ok(());
    }
    hand_on(rows)
}

fn tables(db: &FileConnection) -> Result<Vec<Table>, Error> {
    let mut tables = Vec::new();
    for name in texts(db, TABLES)? {
        let about = name.replace('\'', "''");
        let columns = format!("select name from pragma_table_info('{about}') order by cid");
        let mut rows = 0;
        db.each_row(&format!("select count(*) from {}", quoted(&name)), |row| {
            rows = only(row)?;
            Ok(())
        })?;
        tables.push(Table {
            columns: texts(db, &columns)?,
            name,
            rows,
        });
    }
    Ok(tables)
}

fn texts(db: &FileConnection, text: &str) -> Result<Vec<String>, Error> {
    let mut texts = Vec::new();
    db.each_row(text, |row| {
        texts.push(only(row)?);
        Ok(())
    })?;
    Ok(texts)
}

/// The value of a row that has one.
pub(super) fn only<T: for<'r> FromValue<'r>>(row: Vec<Value>) -> Result<T, Error> {
    let value = row.first().and_then(T::from_value);
    value.ok_or_else(|| Error::Damaged("another type of value".to_owned()))
}

/// A number and a seal.
fn sealed(row: Vec<Value>) -> Result<(i64, Seal), Error> {
    let number = row.first().and_then(i64::from_value);
    let seal = row.get(1).and_then(<&[u8]>::from_value);
    let seal = seal.and_then(|seal| seal.try_into().ok()).map(Seal);
    number
        .zip(seal)
        .ok_or_else(|| Error::Damaged("the record has no head".to_owned()))
}
