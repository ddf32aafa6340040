//! A statement and its parameters, on their way to a database.

use super::row::Row;
use super::value::Value;
use crate::store::error::Error;

/// A statement with its parameters, `$1` first.
#[derive(Debug)]
pub(in crate::store) struct Query {
    pub(super) text: Text,
    pub(super) parameters: Vec<Value>,
}

/// What it says to either database. Nearly always the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

/// A statement. Its text is fixed, so that it stays prepared and can carry nobody's input.
pub(in crate::store) const fn query(text: &'static str) -> Query {
    query_in_both(text, text)
}

/// A statement for which the two have no words in common.
pub(in crate::store) const fn query_in_both(sqlite: &'static str, postgres: &'static str) -> Query {
    Query {
        text: Text { sqlite, postgres },
        parameters: Vec::new(),
    }
}

/// What a statement did.
#[derive(Debug)]
pub(in crate::store) struct Answer {
    pub(super) rows: Vec<Row>,
    pub(super) changed: u64,
}

impl Answer {
    /// How many rows it inserted, changed or deleted.
    pub(in crate::store) const fn rows_affected(&self) -> u64 {
        self.changed
    }
}

/// Where a statement can run: the writer's open transaction, or a reader.
pub(in crate::store) trait Session {
    fn run(self, query: Query) -> impl Future<Output = Result<Answer, Error>> + Send;
}

impl Query {
    /// The next parameter.
    pub(in crate::store) fn bind(mut self, parameter: impl Into<Value>) -> Self {
        self.parameters.push(parameter.into());
        self
    }

    pub(in crate::store) async fn execute(self, on: impl Session) -> Result<Answer, Error> {
        on.run(self).await
    }

    pub(in crate::store) async fn fetch_all(self, on: impl Session) -> Result<Vec<Row>, Error> {
        Ok(on.run(self).await?.rows)
    }

    pub(in crate::store) async fn fetch_optional(
        self,
        on: impl Session,
    ) -> Result<Option<Row>, Error> {
        Ok(on.run(self).await?.rows.into_iter().next())
    }

    pub(in crate::store) async fn fetch_one(self, on: impl Session) -> Result<Row, Error> {
        let row = on.run(self).await?.rows.into_iter().next();
        row.ok_or_else(|| Error::Refused("what it names is not in the store".to_owned()))
    }
}
