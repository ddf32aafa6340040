//! Leases: the right to work on a run, for a time.
//!
//! A claim counts an attempt before the attempt is made; putting a run down in good order clears
//! the count. So a run that keeps killing its worker is found out.

use std::time::Duration;

use super::Store;
use super::claimed::Claimed;
use super::error::Error;
use super::rows::{bytes, json, run, step};
use super::sql::{Row, query, query_in_both};
use super::writer::Tx;
use crate::domain::action::RiskVerdict;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::run::{Lane, RunLease, RunState};
use crate::domain::step::{PriorWord, Step};

/// Whether a run goes on by itself. Said as the index of what is due says it, or SQLite does not use
/// that; and by comparisons, since for a list it makes a table each time.
macro_rules! goes_on {
    () => {
        "(state = 'queued' or state = 'running' or state = 'undoing' or state = 'unknown')"
    };
}
pub(super) use goes_on;

pub(super) const CLAIM_NEXT: &str = concat!(
    "update run set lease_holder = $1, lease_epoch = lease_epoch + 1, \
     lease_until = $2, attempts = attempts + 1 \
     where run_id = (select run_id from run where ",
    goes_on!(),
    " and lane <= $3 and due_at <= $4 and lease_until <= $4 \
     order by lane, due_at limit 1) returning *"
);

const CLAIM_ONE: &str = concat!(
    "update run set lease_holder = $1, lease_epoch = lease_epoch + 1, \
     lease_until = $2, attempts = attempts + 1 \
     where run_id = $5 and ",
    goes_on!(),
    " and lane <= $3 and due_at <= $4 and lease_until <= $4 returning *"
);

/// Who claims, and for how long.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Names the worker in the lease.
    pub holder: String,
    /// The slowest lane it serves.
    pub lane: Lane,
    /// Now, by the store's clock.
    pub now: Moment,
    /// Until when the lease lasts unless it is kept.
    pub until: Moment,
}

impl Claim {
    /// When the lease ends, by the clock that leases are measured by.
    pub(super) fn ends(&self, tx: &Tx) -> Moment {
        tx.now(self.now).plus(self.until.since(self.now))
    }
}

impl Store {
    /// Claims the run that has waited longest in the fastest lane, if any is due.
    pub async fn claim_next(&self, claim: Claim) -> Result<Option<Claimed>, Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move { claim_in(tx, CLAIM_NEXT, &claim, None).await })
        })
        .await
    }

    /// Claims this run, if it is due and nobody holds it.
    pub async fn claim_run(&self, id: RunId, claim: Claim) -> Result<Option<Claimed>, Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move { claim_in(tx, CLAIM_ONE, &claim, Some(id)).await })
        })
        .await
    }

    /// Keeps leases for so much longer, and answers those that are lost.
    pub async fn keep_leases(
        &self,
        leases: Vec<RunLease>,
        (at, longer): (Moment, Duration),
    ) -> Result<Vec<RunLease>, Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                let until = tx.now(at).plus(longer);
                let mut lost = Vec::new();
                for lease in leases {
                    let kept = query(
                        "update run set lease_until = $3 \
                         where run_id = $1 and lease_epoch = $2 and lease_until > 0",
                    )
                    .bind(bytes(lease.run.uuid()))
                    .bind(lease.epoch)
                    .bind(until.as_millis())
                    .execute(&mut tx.db)
                    .await?;
                    if kept.rows_affected() == 0 {
                        forgive(tx, lease.run).await?;
                        lost.push(lease);
                    }
                }
                Ok(lost)
            })
        })
        .await
    }

    /// May whoever holds this lease write to the tenant at this moment? Asked before every write
    /// that is tried again; the first one is asked when its step is started.
    pub async fn may_write(&self, lease: RunLease, at: Moment) -> Result<(), Error> {
        let held = query_in_both(
            "select lease_until, null as now from run where run_id = $1 and lease_epoch = $2",
            "select lease_until, cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as now \
             from run where run_id = $1 and lease_epoch = $2",
        )
        .bind(bytes(lease.run.uuid()))
        .bind(lease.epoch)
        .fetch_optional(self.glancing())
        .await?
        .ok_or(Error::LeaseLost)?;
        let told = |now| self.clock.told(Moment::from_millis(now));
        let now = held.get::<Option<i64>>("now")?.map_or(at, told);
        if held.get::<i64>("lease_until")? <= now.as_millis() {
            return Err(Error::LeaseLost);
        }
        if self.standing_now().await?.stops_writes() {
            return Err(Error::Braked);
        }
        Ok(())
    }

    /// How many runs somebody holds a lease on, run out or not.
    pub async fn leases_held(&self) -> Result<i64, Error> {
        let row = query("select count(*) as held from run where lease_until > 0")
            .fetch_one(self.reading())
            .await?;
        row.get("held")
    }

    /// Puts a run down in good order, to be taken up again when it is due.
    pub async fn put_down(
        &self,
        lease: RunLease,
        due: Moment,
        because: Option<String>,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let put = query(
                    "update run set lease_holder = null, lease_until = 0, attempts = 0, due_at = $3, \
                     because = $4 where run_id = $1 and lease_epoch = $2",
                )
                .bind(bytes(lease.run.uuid()))
                .bind(lease.epoch)
                .bind(tx.due(due).as_millis())
                .bind(because)
                .execute(&mut tx.db)
                .await?;
                if put.rows_affected() == 1 { Ok(()) } else { Err(Error::LeaseLost) }
            })
        })
        .await
    }

    /// Ends every lease: whoever held one died with the process before this one. Where several
    /// services share the database they live on, and each lease ends by itself.
    pub async fn free_leases(&self) -> Result<u64, Error> {
        if self.is_shared() {
            return Ok(0);
        }
        self.write(|tx| {
            Box::pin(async move {
                let freed = query(concat!(
                    "update run set lease_holder = null, lease_until = 0, \
                     lease_epoch = lease_epoch + 1 where lease_until > 0 and ",
                    goes_on!()
                ))
                .execute(&mut tx.db)
                .await?;
                Ok(freed.rows_affected())
            })
        })
        .await
    }
}

/// Whoever lives to say that it lost its lease did not die of the run: the attempt that was counted
/// for it is taken back, so that a machine that is suspended poisons nothing (threat E06).
async fn forgive(tx: &mut Tx, run: RunId) -> Result<(), Error> {
    query("update run set attempts = case when attempts > 0 then attempts - 1 else 0 end where run_id = $1")
        .bind(bytes(run.uuid()))
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

async fn claim_in(
    tx: &mut Tx,
    sql: &'static str,
    claim: &Claim,
    id: Option<RunId>,
) -> Result<Option<Claimed>, Error> {
    let mut query = query(sql)
        .bind(&claim.holder)
        .bind(claim.ends(tx).as_millis())
        .bind(claim.lane.rank())
        .bind(tx.now(claim.now).as_millis());
    if let Some(id) = id {
        query = query.bind(bytes(id.uuid()));
    }
    match query.fetch_optional(&mut tx.db).await? {
        Some(row) => Ok(Some(claimed(tx, &row, claim.now).await?)),
        None => Ok(None),
    }
}

async fn claimed(tx: &mut Tx, row: &Row, now: Moment) -> Result<Claimed, Error> {
    let mut run = run(row)?;
    if run.state == RunState::Undoing {
        super::due::no_later_than(tx, &mut run, now).await?;
    }
    let risk: Option<String> = row.get("risk_verdict")?;
    let prior: Option<String> = row.get("prior_word")?;
    let word = query(
        "select max(at) as at from (select at from orders where run_id = $1 \
         union all select decided_at from approval where run_id = $1) as words",
    )
    .bind(bytes(run.id.uuid()))
    .fetch_one(&mut tx.db)
    .await?;
    let at_work = matches!(run.state, RunState::Queued | RunState::Running);
    let reopened = if at_work && run.struck_at.is_some() {
        super::drift_rows::reopened(tx, run.id).await?
    } else {
        Vec::new()
    };
    let ordered_at = word.get::<Option<i64>>("at")?.map(Moment::from_millis);
    Ok(Claimed {
        lease: RunLease {
            run: run.id,
            epoch: row.get("lease_epoch")?,
        },
        steps: steps_in(tx, run.id).await?,
        run,
        terms: json(row, "terms")?,
        attempts: row.get("attempts")?,
        risk: risk.as_deref().and_then(RiskVerdict::from_word),
        prior: prior.as_deref().and_then(PriorWord::from_word),
        ordered_at,
        kept: row.get("kept")?,
        begun: false,
        started: Vec::new(),
        reopened,
    })
}

pub(super) async fn steps_in(tx: &mut Tx, run: RunId) -> Result<Vec<Step>, Error> {
    let rows = query("select * from step where run_id = $1 order by position")
        .bind(bytes(run.uuid()))
        .fetch_all(&mut tx.db)
        .await?;
    rows.iter().map(step).collect()
}
