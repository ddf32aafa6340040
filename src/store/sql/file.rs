//! A connection to a SQLite file. What it is asked for it does at once, on the asking thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, OpenFlags};

use super::query::{Answer, Query, Session};
use super::row::{Columns, Row};
use super::value::Value;
use crate::store::error::Error;

/// Longest wait for a lock another process holds, such as `estop token create`.
const BUSY_LIMIT: Duration = Duration::from_secs(5);
/// Pages a reader keeps in memory.
const CACHE_KIB: i64 = 16 * 1024;
/// Pages a writer keeps in memory: few. Whenever a page of an index was split, SQLite's commit walks
/// all that it keeps, in case some lie beyond the end of the file; what is not kept lies in the
/// system's memory.
const WRITING_CACHE_KIB: i64 = 2 * 1024;
/// Most statements that stay prepared.
const PREPARED_MAX: usize = 256;

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Access {
    /// Read and write, and create the file where it is missing.
    Write,
    /// Read only.
    Read,
    /// Keep others from writing, and write nothing: the journal stays as it is, too.
    Keep,
}

/// An open file.
#[derive(Debug)]
pub(in crate::store) struct FileConnection {
    db: rusqlite::Connection,
    /// What is known of every statement that was asked, by its text.
    shapes: RefCell<HashMap<&'static str, Shape>>,
}

/// What a text says of its statement.
#[derive(Clone, Debug)]
struct Shape {
    columns: Columns,
    /// For each place in the order in which SQLite numbers them: which of our parameters it means.
    order: Arc<[usize]>,
}

impl FileConnection {
    pub(in crate::store) fn open(path: &Path, access: Access) -> Result<Self, Error> {
        let how = match access {
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Keep => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        let db =
            rusqlite::Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        db.busy_timeout(BUSY_LIMIT)?;
        db.set_prepared_statement_cache_capacity(PREPARED_MAX);
        // Without it every parameter that an index might care about prepares its statement anew.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        if access == Access::Keep {
            db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        let kept = match access {
            Access::Write => WRITING_CACHE_KIB,
            Access::Read | Access::Keep => CACHE_KIB,
        };
        db.pragma_update(None, "cache_size", -kept)?;
        // What a savepoint would need to go back stays in memory: it is gone with us anyway.
        db.pragma_update(None, "temp_store", "memory")?;
        Ok(Self {
            db,
            shapes: RefCell::default(),
        })
    }

    /// Runs several statements, or one that must not stay prepared. They have no parameters.
    pub(in crate::store) fn run_script(&self, script: &str) -> Result<(), Error> {
        Ok(self.db.execute_batch(script)?)
    }

    /// Reads row by row, by a text that is made from the names of the schema.
    pub(in crate::store) fn each_row(
        &self,
        text: &str,
        mut each: impl FnMut(Vec<Value>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut statement = self.db.prepare(text)?;
        let width = statement.column_count();
        let mut found = statement.raw_query();
        while let Some(row) = found.next()? {
            let value = |place| Value::read(row.get_ref(place)?).map_err(Error::Damaged);
            each((0..width).map(value).collect::<Result<_, Error>>()?)?;
        }
        Ok(())
    }

    /// Tells after each commit how many pages the journal holds. Takes the place of SQLite's own
    /// checkpoints.
    pub(in crate::store) fn on_commit(
        &mut self,
        mut tell: impl FnMut(u32) + Send + 'static,
    ) -> Result<(), Error> {
        self.db.wal_hook(Some(move |_: &mut _, pages| {
            tell(u32::try_from(pages).unwrap_or_default());
            Ok(())
        }))?;
        Ok(())
    }

    pub(super) fn answer(&self, query: &Query) -> Result<Answer, Error> {
        let mut statement = self.db.prepare_cached(query.text.sqlite)?;
        let Shape { columns, order } = self.shape_of(query.text.sqlite, &statement)?;
        bind(&mut statement, &order, &query.parameters)?;
        let width = statement.column_count();
        if width == 0 {
            let changed = statement.raw_execute()? as u64;
            let rows = Vec::new();
            return Ok(Answer { rows, changed });
        }
        let mut rows = Vec::new();
        let mut found = statement.raw_query();
        while let Some(row) = found.next()? {
            let value = |place| Value::read(row.get_ref(place)?).map_err(Error::Damaged);
            rows.push(Row {
                columns: columns.clone(),
                values: (0..width).map(value).collect::<Result<_, Error>>()?,
            });
        }
        let changed = rows.len() as u64;
        Ok(Answer { rows, changed })
    }
}

impl FileConnection {
    fn shape_of(
        &self,
        text: &'static str,
        statement: &CachedStatement<'_>,
    ) -> Result<Shape, Error> {
        let mut known = self.shapes.borrow_mut();
        // A column that a newer schema adds is not one that this program asks for.
        if let Some(shape) = known.get(text) {
            return Ok(shape.clone());
        }
        let shape = Shape {
            columns: statement.column_names().map(Box::from).collect(),
            order: order(statement)?,
        };
        known.insert(text, shape.clone());
        Ok(shape)
    }
}

/// SQLite numbers `$1` by where it first stands in the text; we mean its name.
fn order(statement: &CachedStatement<'_>) -> Result<Arc<[usize]>, Error> {
    let named = |place| {
        let name = statement.parameter_name(place)?;
        name.strip_prefix('$')?
            .parse::<usize>()
            .ok()?
            .checked_sub(1)
    };
    let order = (1..=statement.parameter_count()).map(|place| named(place).ok_or_else(unnamed));
    order.collect()
}

fn bind(
    statement: &mut CachedStatement<'_>,
    order: &[usize],
    parameters: &[Value],
) -> Result<(), Error> {
    for (place, number) in (1..).zip(order) {
        let value = parameters.get(*number).ok_or_else(unnamed)?;
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

fn unnamed() -> Error {
    Error::Refused("a statement names a parameter that it was not given".to_owned())
}

impl Session for &mut FileConnection {
    async fn run(self, query: Query) -> Result<Answer, Error> {
        self.answer(&query)
    }
}
