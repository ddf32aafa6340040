//! When what waits is due, once the clock was put right: moments that lie behind it would be waited
//! for as long as it was wrong (threat E09).

use std::time::Duration;

use super::Store;
use super::error::Error;
use super::sql::query;
use super::writer::Tx;
use crate::domain::moment::Moment;

/// Of a table, what waits: due so many milliseconds sooner, but not sooner than now.
macro_rules! sooner {
    ($table:literal, $waits:literal) => {
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
const RUNS: &str = sooner!(
    "run",
    "state in ('queued', 'running', 'undoing', 'unknown')"
);

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
