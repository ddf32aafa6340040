//! Runs that a case keeps, whatever their age.

use super::Store;
use super::error::Error;
use super::rows::{bytes, moment, uuid, word};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::id::RunId;
use crate::domain::order::Order;
use crate::domain::retention::{CaseName, KeptRun};

impl Store {
    /// What cases keep now, oldest first; of one run, or of all.
    pub async fn kept_runs(&self, run: Option<RunId>) -> Result<Vec<KeptRun>, Error> {
        let rows = query(
            "select run_id, case_name, by_whom, because, since from kept_run \
             where released_at is null and (run_id = $1 or $1 is null) \
             order by since, run_id, case_name",
        )
        .bind(run.map(|run| bytes(run.uuid())))
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(kept).collect()
    }
}

fn kept(row: &Row) -> Result<KeptRun, Error> {
    Ok(KeptRun {
        run: RunId::from_uuid(uuid(row, "run_id")?),
        case: word(row, "case_name", CaseName::new)?,
        by: row.get("by_whom")?,
        because: row.get("because")?,
        since: moment(row, "since")?,
    })
}

/// Keeps a run for a case. One that the case keeps already stays as it is.
pub(super) async fn keep(
    tx: &mut Tx,
    order: &Order,
    (run, case): (RunId, &CaseName),
) -> Result<RunId, Error> {
    let there = query("select run_id from run where run_id = $1")
        .bind(bytes(run.uuid()))
        .fetch_optional(&mut tx.db)
        .await?;
    if there.is_none() {
        return Err(Error::Refused(format!("there is no {run}")));
    }
    query(
        "insert into kept_run (run_id, case_name, by_whom, because, since) \
         values ($1, $2, $3, $4, $5) on conflict (run_id, case_name) do update set \
         by_whom = $3, because = $4, since = $5, released_at = null, released_by = null \
         where kept_run.released_at is not null",
    )
    .bind(bytes(run.uuid()))
    .bind(case.as_str())
    .bind(&order.operator.name)
    .bind(&order.reason)
    .bind(order.at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(run)
}

/// The case needs it no longer.
pub(super) async fn release(
    tx: &mut Tx,
    order: &Order,
    (run, case): (RunId, &CaseName),
) -> Result<RunId, Error> {
    let released = query(
        "update kept_run set released_at = $3, released_by = $4 \
         where run_id = $1 and case_name = $2 and released_at is null",
    )
    .bind(bytes(run.uuid()))
    .bind(case.as_str())
    .bind(order.at.as_millis())
    .bind(&order.operator.name)
    .execute(&mut tx.db)
    .await?;
    if released.rows_affected() == 0 {
        return Err(Error::Refused(format!("{case} does not keep {run}")));
    }
    Ok(run)
}
