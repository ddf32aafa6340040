//! A connection to a SQLite file. What it is asked for it does at once, on the asking thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, OpenFlags};

use super::query::{Answer, Query, Session};
use super::row::{Columns, Row};
use super::value::Value;
use crate::store::error::Error;

/// Longest wait for a lock another process holds, such as `estop token create`.
const BUSY_LIMIT: Duration = Duration::from_secs(5);
/// Pages a connection keeps in memory.
const CACHE_KIB: i64 = 16 * 1024;
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
    /// Names of the columns of every statement that was asked, by its text.
    columns: RefCell<HashMap<&'static str, Columns>>,
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
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        // What a savepoint would need to go back stays in memory: it is gone with us anyway.
        db.pragma_update(None, "temp_store", "memory")?;
        Ok(Self {
            db,
            columns: RefCell::default(),
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
        bind(&mut statement, &query.parameters)?;
        let width = statement.column_count();
        if width == 0 {
            let changed = statement.raw_execute()? as u64;
            let rows = Vec::new();
            return Ok(Answer { rows, changed });
        }
        let columns = self.columns_of(query.text.sqlite, &statement);
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
    fn columns_of(&self, text: &'static str, statement: &CachedStatement<'_>) -> Columns {
        let mut known = self.columns.borrow_mut();
        // A column that a newer schema adds is not one that this program asks for.
        let named = || statement.column_names().map(Box::from).collect();
        Columns::clone(known.entry(text).or_insert_with(named))
    }
}

/// SQLite numbers `$1` by where it first stands in the text; we mean its name.
fn bind(statement: &mut CachedStatement<'_>, parameters: &[Value]) -> Result<(), Error> {
    for place in 1..=statement.parameter_count() {
        let number = statement
            .parameter_name(place)
            .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| parameters.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| {
            Error::Refused("a statement names a parameter that it was not given".to_owned())
        })?;
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

impl Session for &mut FileConnection {
    async fn run(self, query: Query) -> Result<Answer, Error> {
        self.answer(&query)
    }
}
