//! The rows of a run held against its sealed records (threat D10).

use super::Store;
use super::approvals::approvals_in;
use super::claims::steps_in;
use super::error::Error;
use super::records::sealed_of;
use super::rows::{bytes, run as run_of, uuid};
use super::sql::query;
use super::writer::Tx;
use crate::domain::attested::{Rows, differs};
use crate::domain::id::RunId;
use crate::domain::record::{Broken, Record, Seal, SealedLine, seal};

/// Most records of one run that are looked through; one with more is not judged.
const RECORDS_MAX: u32 = 2_000;

impl Store {
    /// What is stored of a run and is not what its sealed records say, where anything is.
    pub async fn differs(&self, run: RunId) -> Result<Option<String>, Error> {
        // In a transaction of the writer, since a run may go on meanwhile; nothing in it needs the disk.
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                match differs_in(tx, run).await {
                    Err(Error::Damaged(why)) => Ok(Some(why)),
                    judged => judged,
                }
            })
        })
        .await
    }

    /// The runs that were made after this one, in order, so many at most.
    pub async fn runs_after(&self, run: Option<RunId>, limit: u32) -> Result<Vec<RunId>, Error> {
        let after = run.map_or_else(Vec::new, |run| bytes(run.uuid()));
        let rows = query("select run_id from run where run_id > $1 order by run_id limit $2")
            .bind(after)
            .bind(limit)
            .fetch_all(self.reading())
            .await?;
        let id = |row| uuid(row, "run_id").map(RunId::from_uuid);
        rows.iter().map(id).collect()
    }
}

/// Whoever acts on what is stored of a run holds it against the record first.
pub(super) async fn must_agree(tx: &mut Tx, run: RunId) -> Result<(), Error> {
    match differs_in(tx, run).await? {
        None => Ok(()),
        Some(what) => Err(Error::Damaged(format!(
            "{run} is not what its records say: {what}; nothing is done by it. Restore the store, or \
             stop the run and order anew what is still needed"
        ))),
    }
}

async fn differs_in(tx: &mut Tx, run: RunId) -> Result<Option<String>, Error> {
    let lines = sealed_of(&mut tx.db, run, RECORDS_MAX).await?;
    if lines.len() >= RECORDS_MAX as usize || is_cut(tx).await? {
        return Ok(None);
    }
    let mut records = Vec::with_capacity(lines.len());
    for (before, line) in &lines {
        match read(*before, line) {
            Ok(record) => records.push(record),
            Err(broken) => return Ok(Some(broken)),
        }
    }
    let rows = rows(tx, run).await?;
    Ok(differs(&rows, &records))
}

/// Where old records were let go, the first of a run may be among them.
async fn is_cut(tx: &mut Tx) -> Result<bool, Error> {
    let cut = query("select number from record_cut")
        .fetch_optional(&mut tx.db)
        .await?;
    Ok(cut.is_some())
}

fn read(before: Seal, sealed: &SealedLine) -> Result<Record, String> {
    let SealedLine {
        number,
        line,
        seal: is,
    } = sealed;
    if seal(before, line) != *is {
        return Err(Broken::Changed { number: *number }.to_string());
    }
    serde_json::from_str(line).map_err(|why| format!("record {number}: {why}"))
}

async fn rows(tx: &mut Tx, run: RunId) -> Result<Rows, Error> {
    let row = query("select * from run where run_id = $1")
        .bind(bytes(run.uuid()))
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or_else(|| Error::Damaged(format!("{run} is not there")))?;
    Ok(Rows {
        run: run_of(&row)?,
        playbook_digest: row.get("playbook_digest")?,
        steps: steps_in(tx, run).await?,
        approvals: approvals_in(tx, run).await?,
        released: row.get("released")?,
        kept: row.get("kept")?,
    })
}
