//! The schema on PostgreSQL, step by step, forward only, while services of the version before may
//! still be at work.
//!
//! A step may add tables, and columns that may be empty; who does not know them writes as before.
//! Each says which step the oldest program may stand on that it leaves at work: one that takes
//! something away waits for a release in which nobody uses it any more.

use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::sql::{BEGIN, Live, query};

/// A step, never edited afterwards.
struct Step {
    number: i64,
    name: &'static str,
    text: &'static str,
    /// A program whose newest step is this one, or a later one, may run beside it.
    beside: i64,
}

const STEPS: [Step; 1] = [Step {
    number: 25,
    name: "first",
    text: include_str!("schema/postgres/0025_first.sql"),
    beside: 25,
}];

const TABLE: &str = "create table if not exists migration (
    number bigint not null primary key,
    name text not null,
    digest bytea not null,
    beside bigint not null
)";

/// Brings the schema up to date, all or nothing.
pub(super) async fn migrate(db: &mut Live) -> Result<(), Error> {
    db.run_script(BEGIN).await?;
    let done = steps(db).await;
    let ended = db.run_script(if done.is_ok() { "commit" } else { "rollback" });
    ended.await?;
    done
}

/// Every step that is not done, within the transaction in hand.
pub(super) async fn steps(db: &mut Live) -> Result<(), Error> {
    db.run_script(TABLE).await?;
    for step in &STEPS {
        apply(db, step).await?;
    }
    let beyond = query("select number from migration where number > $1 and beside > $1 limit 1")
        .bind(newest())
        .fetch_optional(db)
        .await?;
    match beyond {
        None => Ok(()),
        Some(row) => Err(Error::Damaged(format!(
            "a newer version of estop has changed its schema (step {}) beyond what this one may run \
             beside; use that version",
            row.get::<i64>("number")?
        ))),
    }
}

/// The newest step that we know.
pub(super) fn newest() -> i64 {
    STEPS
        .iter()
        .map(|step| step.number)
        .max()
        .unwrap_or_default()
}

async fn apply(db: &mut Live, step: &Step) -> Result<(), Error> {
    let digest = Sha256::digest(step.text.as_bytes()).to_vec();
    let found = query("select digest from migration where number = $1")
        .bind(step.number)
        .fetch_optional(&mut *db)
        .await?;
    if let Some(row) = found {
        if row.get::<Vec<u8>>("digest")? == digest {
            return Ok(());
        }
        return Err(Error::Damaged(format!(
            "schema step {} ({}) is another than ours",
            step.number, step.name
        )));
    }
    db.run_script(step.text).await?;
    query("insert into migration (number, name, digest, beside) values ($1, $2, $3, $4)")
        .bind(step.number)
        .bind(step.name)
        .bind(digest)
        .bind(step.beside)
        .execute(&mut *db)
        .await?;
    Ok(())
}
