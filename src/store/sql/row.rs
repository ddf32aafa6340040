//! A row that was read: it owns its values, and is asked for them by name.

use std::sync::Arc;

use super::value::{FromValue, Value};
use crate::store::error::Error;

/// The names of a statement's columns, shared by its rows.
pub(super) type Columns = Arc<[Box<str>]>;

/// One row.
#[derive(Clone, Debug)]
pub(in crate::store) struct Row {
    pub(super) columns: Columns,
    pub(super) values: Vec<Value>,
}

impl Row {
    /// Does nothing stand in this column?
    pub(in crate::store) fn is_null(&self, column: &str) -> bool {
        self.get::<Option<&Value>>(column) == Ok(None)
    }

    /// What stands in this column. A value of another type is damage, or of a newer version.
    pub(in crate::store) fn get<'r, T: FromValue<'r>>(&'r self, column: &str) -> Result<T, Error> {
        let place = self.columns.iter().position(|name| **name == *column);
        let value = place.and_then(|place| self.values.get(place));
        let value = value.ok_or_else(|| Error::Damaged(format!("no column {column}")))?;
        T::from_value(value)
            .ok_or_else(|| Error::Damaged(format!("another type of value in {column}")))
    }
}
