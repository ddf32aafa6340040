//! A store moves out of its file into a server: wholly and proved, or not at all.
//!
//! Knows: the tables of both as their schemas name them, the record chain.
//! Never: what a row means. Bodies that lie closed are moved closed.
//!
//! Laws
//! * Every table of the file is copied. Their names are asked of the file; there is no list of them.
//! * On the server it is one transaction, the schema included: one that was interrupted leaves nothing.
//! * It is committed only once every table counts what it counts in the file, and every seal of the
//!   record holds there, up to the same head.
//! * Nothing in the file is changed, and nobody else writes to it meanwhile.
//! * From just before the commit on, a mark beside the file keeps everyone from opening it: two
//!   services on two stores would both be believed.
//!
//! Read next: `source`, `target`, `mark`, `obstacle`.

mod mark;
mod obstacle;
mod source;
mod target;

use std::path::{Path, PathBuf};

pub(super) use mark::{Mark, beside};
pub use obstacle::{CrossError, Obstacle};

use super::place::ServerPlace;
use crate::clock::Clock;
use crate::domain::record::Seal;
use source::Source;
use target::Target;

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossed<'a> {
    /// So many rows of all tables are copied.
    Copied {
        /// The table in hand.
        table: &'a str,
        /// Rows of all tables so far.
        rows: u64,
        /// Rows of all tables.
        of: u64,
    },
    /// The record is proved up to this one.
    Proved {
        /// The number of the record.
        record: i64,
        /// The last one.
        of: i64,
    },
}

/// What was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Each table and its rows; none where it had been moved before.
    pub tables: Vec<(String, u64)>,
    /// The end of the record on the server: the last number and its seal.
    pub head: (i64, Seal),
    /// It was moved there by an earlier try that did not live to say so.
    pub was_there: bool,
    /// What keeps everyone from opening the file.
    pub mark: PathBuf,
}

/// Moves the store in this file to an empty database, and tells how far it has come.
pub async fn cross(
    from: &Path,
    to: &ServerPlace,
    clock: &Clock,
    mut told: impl FnMut(Crossed<'_>),
) -> Result<Crossing, CrossError> {
    let source = Source::enter(from, clock).await?;
    let earlier = Mark::read(from)?;
    if let Some(mark) = &earlier {
        mark.leads_to(to)?;
    }
    let mut target = Target::enter(to).await?;
    let done = async {
        if let Some(mark) = &earlier
            && target.has(mark.head).await?
        {
            return Ok(Err(mark.head));
        }
        target.must_be_empty(to).await?;
        target.build().await?;
        fill(source, &mut target, &mut told).await.map(Ok)
    };
    let (source, head) = match done.await {
        Ok(Ok(filled)) => filled,
        Ok(Err(head)) => {
            target.leave().await;
            return Ok(Crossing {
                tables: Vec::new(),
                head,
                was_there: true,
                mark: beside(from),
            });
        }
        Err(error) => {
            target.leave().await;
            return Err(error);
        }
    };
    let mark = Mark {
        moved_to: to.to_string(),
        at: clock.now(),
        head,
    };
    // First the old one is shut: between the two no moment may come in which both are open.
    if let Err(error) = mark.write(from) {
        target.leave().await;
        return Err(error);
    }
    target.commit().await?;
    Ok(Crossing {
        tables: source.counts(),
        head,
        was_there: false,
        mark: beside(from),
    })
}

/// Copies every table and proves the copy.
async fn fill(
    source: Source,
    target: &mut Target,
    told: &mut impl FnMut(Crossed<'_>),
) -> Result<(Source, (i64, Seal)), CrossError> {
    let tables = source.tables.clone();
    for table in &tables {
        target.expect(table).await?;
    }
    let of = tables.iter().map(|table| table.rows).sum();
    let mut rows = 0;
    let (mut armfuls, reading) = source.read();
    while let Some(armful) = armfuls.recv().await {
        let table = &tables[armful.table];
        target.pour(table, &armful.rows).await?;
        rows += armful.rows.len() as u64;
        told(Crossed::Copied {
            table: &table.name,
            rows,
            of,
        });
    }
    let source = source::read_whole(reading).await?;
    for table in &tables {
        target.must_count(table).await?;
    }
    let head = source.head()?;
    let tell = |record| told(Crossed::Proved { record, of: head.0 });
    target.must_prove(head, tell).await?;
    target.learn(&tables).await?;
    Ok((source, head))
}
