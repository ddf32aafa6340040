//! Statements, their parameters and their rows, in one shape whatever database stands behind.
//!
//! Promise: a statement runs on the thread that asks, when that is the writer's; a reader's runs
//! on a thread that may wait, but for a glance at a few rows. Its text stays prepared.
//! Knows: SQLite.
//! Never: what a table means.
//!
//! Read next: `query`, `connection`, `readers`, `row`, `value`.

mod connection;
mod query;
mod readers;
mod row;
mod value;

pub(super) use connection::{Access, Connection};
pub(super) use query::{Query, Session, query};
pub(super) use readers::{Glance, Readers};
pub(super) use row::Row;

#[cfg(test)]
mod tests;
