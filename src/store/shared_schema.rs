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

const STEPS: [Step; 2] = [
    Step {
        number: 25,
        name: "first",
        text: include_str!("schema/postgres/0025_first.sql"),
        beside: 25,
    },
    Step {
        number: 26,
        name: "indexes",
        text: include_str!("schema/postgres/0026_indexes.sql"),
        beside: 25,
    },
];

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
    if !is_done(db).await? {
        may_change(db).await?;
        db.run_script(TABLE).await?;
        for step in &STEPS {
            apply(db, step).await?;
        }
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

/// Is every step there that we know? Whoever only asks needs no right to change the schema.
async fn is_done(db: &mut Live) -> Result<bool, Error> {
    let there = query("select to_regclass('migration') is not null as there")
        .fetch_one(&mut *db)
        .await?;
    if !there.get::<bool>("there")? {
        return Ok(false);
    }
    for step in &STEPS {
        if !is_there(db, step).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A service whose role may only use the tables leaves the schema to its owner.
async fn may_change(db: &mut Live) -> Result<(), Error> {
    let row = query("select has_schema_privilege(current_schema(), 'create') as may")
        .fetch_one(db)
        .await?;
    if row.get::<Option<bool>>("may")?.unwrap_or(false) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "its schema is older than step {}, which this version needs, and our role there may not change \
         it. As the role that owns it: estop store prepare --to postgres://OWNER@HOST/DATABASE, then \
         deploy/postgresql/roles.sql",
        newest()
    )))
}

/// The newest step that we know.
pub(super) fn newest() -> i64 {
    STEPS
        .iter()
        .map(|step| step.number)
        .max()
        .unwrap_or_default()
}

/// Is this step done, and as we know it?
async fn is_there(db: &mut Live, step: &Step) -> Result<bool, Error> {
    let found = query("select digest from migration where number = $1")
        .bind(step.number)
        .fetch_optional(db)
        .await?;
    match found {
        None => Ok(false),
        Some(row) if row.get::<Vec<u8>>("digest")? == digest_of(step) => Ok(true),
        Some(_) => Err(Error::Damaged(format!(
            "schema step {} ({}) is another than ours",
            step.number, step.name
        ))),
    }
}

fn digest_of(step: &Step) -> Vec<u8> {
    Sha256::digest(step.text.as_bytes()).to_vec()
}

async fn apply(db: &mut Live, step: &Step) -> Result<(), Error> {
    if is_there(db, step).await? {
        return Ok(());
    }
    db.run_script(step.text).await?;
    query("insert into migration (number, name, digest, beside) values ($1, $2, $3, $4)")
        .bind(step.number)
        .bind(step.name)
        .bind(digest_of(step))
        .bind(step.beside)
        .execute(&mut *db)
        .await?;
    Ok(())
}
