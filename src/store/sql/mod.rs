//! Statements, their parameters and their rows, in one shape whatever database stands behind.
//!
//! Promise: a statement runs on the thread that asks, when that is the writer's; a reader's runs
//! on a thread that may wait, but for a glance at a few rows. Its text stays prepared. What goes to a
//! server waits for it on no thread at all.
//! Knows: SQLite, PostgreSQL.
//! Never: what a table means.
//!
//! Read next: `query`, `connection`, `file`, `live`, `server`, `tls`, `ear`, `bulk`, `readers`, `reading_threads`, `row`, `value`.

mod bulk;
mod connection;
mod ear;
mod file;
mod live;
mod query;
mod readers;
mod reading_threads;
mod row;
mod server;
mod tls;
mod value;

pub(super) use bulk::Kinds;
pub(super) use connection::{BEGIN, Connection};
pub(super) use file::{Access, FileConnection};
pub(super) use live::Live;
pub(super) use query::{Query, Session, query, query_in_both};
pub(super) use readers::{Glance, Readers};
pub(super) use row::Row;
pub(super) use server::{For, Server, is_kept};
pub(super) use value::{FromValue, Value};

#[cfg(test)]
mod tests;
