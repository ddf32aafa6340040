//! When what waits is due, once the clock was put right: moments that lie behind it would be waited
//! for as long as it was wrong (threat E09).

use std::time::Duration;

use super::Store;
use super::claims::goes_on;
use super::error::Error;
use super::rows::bytes;
use super::sql::query;
use super::writer::Tx;
use crate::domain::moment::Moment;
use crate::domain::run::Run;

/// Of a table, what waits: due so many milliseconds sooner, but not sooner than now.
macro_rules! sooner {
    ($table:literal, $waits:expr) => {
        concat!(
            "update ",
            $table,
            " set due_at = case when due_at - $1 < $2 then $2 else due_at - $1 end \
              where due_at > $2 and ",
            $waits
        )
    };
}

/// Runs are due by the clock of whoever keeps the leases; on a shared database nobody of us puts
/// that right.
const RUNS: &str = sooner!("run", goes_on!());

const OTHERS: [&str; 3] = [
    sooner!("telling", "state = 'due'"),
    sooner!("callback", "state = 'waiting'"),
    sooner!("evidence", "state <> 'complete'"),
];

impl Store {
    /// At a start, everything that was to wait is tried at once: nobody knows what the clock did
    /// meanwhile. Where several services share the database, those who live on know it.
    pub async fn due_at_once(&self, at: Moment) -> Result<(), Error> {
        if self.is_shared() {
            return Ok(());
        }
        self.due_sooner(Duration::MAX, at).await
    }

    /// The clock was put back by so much: what waits by it waits no longer than was meant.
    pub async fn due_sooner(&self, back: Duration, at: Moment) -> Result<(), Error> {
        let runs = (!self.is_shared()).then_some(RUNS);
        self.write(move |tx| {
            Box::pin(async move {
                for sooner in runs.into_iter().chain(OTHERS) {
                    pull_forward(tx, sooner, (back, at)).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

async fn pull_forward(
    tx: &mut Tx,
    sooner: &'static str,
    (back, at): (Duration, Moment),
) -> Result<(), Error> {
    query(sooner)
        .bind(i64::try_from(back.as_millis()).unwrap_or(i64::MAX))
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

/// What a run's steps did was done by now, whatever a clock said then that was put right since: an
/// undo waits until nothing of it can be on its way, and would wait for that clock's moment. How
/// long each took stays.
pub(super) async fn no_later_than(tx: &mut Tx, run: &mut Run, now: Moment) -> Result<(), Error> {
    query(
        "update step set begun_at = begun_at - (coalesce(ended_at, begun_at) - $2), \
                         ended_at = case when ended_at is null then null else $2 end \
         where run_id = $1 and coalesce(ended_at, begun_at) > $2",
    )
    .bind(bytes(run.id.uuid()))
    .bind(now.as_millis())
    .execute(&mut tx.db)
    .await?;
    if run.ended_at.is_some_and(|ended| ended > now) {
        query("update run set ended_at = $2 where run_id = $1")
            .bind(bytes(run.id.uuid()))
            .bind(now.as_millis())
            .execute(&mut tx.db)
            .await?;
        run.ended_at = Some(now);
    }
    Ok(())
}
