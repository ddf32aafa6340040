//! The schema, step by step, forward only.
//!
//! Each step runs once, in a transaction of its own, and is never edited afterwards: a digest of
//! its text is kept, so that a file which another history made is refused and not guessed at.

use futures_util::FutureExt as _;
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::sql::{FileConnection, query};

/// Number, name and text of a step.
type Step = (i64, &'static str, &'static str);

/// Every step, in order.
const STEPS: [Step; 18] = [
    (1, "spine", include_str!("schema/0001_spine.sql")),
    (2, "inventory", include_str!("schema/0002_inventory.sql")),
    (3, "approvals", include_str!("schema/0003_approvals.sql")),
    (5, "drills", include_str!("schema/0005_drills.sql")),
    (6, "evidence", include_str!("schema/0006_evidence.sql")),
    (11, "holds", include_str!("schema/0011_holds.sql")),
    (12, "freezes", include_str!("schema/0012_freezes.sql")),
    (14, "calls", include_str!("schema/0014_calls.sql")),
    (16, "restraints", include_str!("schema/0016_restraints.sql")),
    (19, "tellings", include_str!("schema/0019_tellings.sql")),
    (20, "shipped", include_str!("schema/0020_shipped.sql")),
    (22, "callbacks", include_str!("schema/0022_callbacks.sql")),
    (23, "pull", include_str!("schema/0023_pull.sql")),
    (24, "tools", include_str!("schema/0024_tools.sql")),
    (25, "retention", include_str!("schema/0025_retention.sql")),
    (26, "indexes", include_str!("schema/0026_indexes.sql")),
    (27, "leaner", include_str!("schema/0027_leaner.sql")),
    (28, "joined", include_str!("schema/0028_joined.sql")),
];

const TABLE: &str = "create table if not exists migration (
    number integer not null primary key,
    name   text    not null,
    digest blob    not null
) strict";

/// Brings the schema up to date.
pub(super) fn migrate(db: &mut FileConnection) -> Result<(), Error> {
    db.run_script(TABLE)?;
    for step in STEPS {
        // Another process may be doing the same: whoever comes second finds it done.
        db.run_script("begin immediate")?;
        let done = apply(db, step);
        db.run_script(if done.is_ok() { "commit" } else { "rollback" })?;
        done?;
    }
    none_beyond(db)
}

/// Has this file every step of ours, and none beyond? Changes nothing.
pub(super) fn is_newest(db: &mut FileConnection) -> Result<bool, Error> {
    let table = at_once(async {
        query("select name from sqlite_schema where name = 'migration'")
            .fetch_optional(&mut *db)
            .await
    })?;
    if table.is_none() {
        return Err(Error::Damaged("it is no store of estop".to_owned()));
    }
    for step in STEPS {
        if !is_done(db, step)? {
            return Ok(false);
        }
    }
    none_beyond(db)?;
    Ok(true)
}

fn none_beyond(db: &mut FileConnection) -> Result<(), Error> {
    let newest = STEPS.iter().map(|(number, ..)| *number).max();
    let beyond = at_once(async {
        query("select number from migration where number > $1 limit 1")
            .bind(newest)
            .fetch_optional(db)
            .await
    })?;
    match beyond {
        None => Ok(()),
        Some(row) => Err(Error::Damaged(format!(
            "a newer version of estop has changed its schema (step {}); use that version",
            row.get::<i64>("number")?
        ))),
    }
}

/// A step of another text is none of ours.
fn is_done(db: &mut FileConnection, (number, name, text): Step) -> Result<bool, Error> {
    let found = at_once(async {
        query("select digest from migration where number = $1")
            .bind(number)
            .fetch_optional(&mut *db)
            .await
    })?;
    match found {
        None => Ok(false),
        Some(row) if row.get::<Vec<u8>>("digest")? == digest(text) => Ok(true),
        Some(_) => Err(Error::Damaged(format!(
            "schema step {number} ({name}) is another than ours"
        ))),
    }
}

fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

fn apply(db: &mut FileConnection, step: Step) -> Result<(), Error> {
    if is_done(db, step)? {
        return Ok(());
    }
    let (number, name, text) = step;
    db.run_script(text)?;
    at_once(async {
        query("insert into migration (number, name, digest) values ($1, $2, $3)")
            .bind(number)
            .bind(name)
            .bind(digest(text))
            .execute(&mut *db)
            .await
    })?;
    Ok(())
}

/// A connection answers without waiting, so its futures are ready when they are first asked.
fn at_once<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let waited = || Err(Error::Busy("a connection waited".to_owned()));
    work.now_or_never().unwrap_or_else(waited)
}

#[cfg(test)]
mod tests {
    use super::super::sql::{Access, FromValue as _};
    use super::{Error, FileConnection, STEPS, TABLE, apply, at_once, migrate, query};

    fn fresh() -> (FileConnection, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let db = FileConnection::open(&folder.path().join("it.db"), Access::Write).unwrap();
        (db, folder)
    }

    fn refused(db: &mut FileConnection) -> String {
        match migrate(db) {
            Err(Error::Damaged(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_older_store_is_brought_up_to_date_with_what_is_in_it() {
        let (mut db, _folder) = fresh();
        db.run_script(TABLE).unwrap();
        apply(&mut db, STEPS[0]).unwrap();
        db.run_script(
            "insert into delivery (delivery_id, source, delivery_key, digest, key_id, headers, body, \
             received_at, state) values (x'07', 'lab', 'k', x'00', 'a', '{}', x'7b7d', 1, 'received')",
        )
        .unwrap();

        migrate(&mut db).unwrap();
        migrate(&mut db).unwrap();

        let row = at_once(async {
            query("select body, body_key from delivery")
                .fetch_one(&mut db)
                .await
        })
        .unwrap();
        assert_eq!(row.get::<Vec<u8>>("body").unwrap(), b"{}");
        assert_eq!(row.get::<Option<String>>("body_key").unwrap(), None);
    }

    /// Its tables are made anew.
    #[test]
    fn what_the_caps_count_and_what_is_to_be_gathered_come_along() {
        let (mut db, _folder) = fresh();
        db.run_script(TABLE).unwrap();
        for step in STEPS.into_iter().filter(|(number, ..)| *number <= 26) {
            apply(&mut db, step).unwrap();
        }
        db.run_script(
            "insert into cap_use (scope, entity_id, at) values ('tenant', x'07', 5); \
             insert into cap_use (scope, entity_id, at) values ('source lab', x'07', 6); \
             insert into evidence (run_id, state, asked_at, due_at, rounds, doors) \
             values (x'08', 'due', 1, 2, 3, '[4]')",
        )
        .unwrap();

        migrate(&mut db).unwrap();

        let mut found = Vec::new();
        for text in [
            "select scope || at || hex(entity_id) from cap_use order by at",
            "select hex(run_id) || state || asked_at || due_at || rounds || doors from evidence",
        ] {
            let read = db.each_row(text, |row| {
                found.extend(row.first().and_then(String::from_value));
                Ok(())
            });
            read.unwrap();
        }
        assert_eq!(found, ["tenant507", "source lab607", "08due123[4]"]);
    }

    #[test]
    fn a_schema_of_a_newer_version_is_left_alone() {
        let (mut db, _folder) = fresh();
        migrate(&mut db).unwrap();
        db.run_script("insert into migration values (9999, 'later', x'00')")
            .unwrap();

        assert!(refused(&mut db).contains("a newer version of estop"));
    }

    #[test]
    fn a_schema_of_another_history_is_left_alone() {
        let (mut db, _folder) = fresh();
        migrate(&mut db).unwrap();
        db.run_script("update migration set digest = x'00' where number = 1")
            .unwrap();

        assert!(refused(&mut db).contains("schema step 1 (spine) is another than ours"));
    }

    /// The schema as SQLite keeps it.
    fn schema(db: &mut FileConnection) -> Vec<String> {
        let rows = at_once(async {
            query("select type || name || coalesce(sql, '') as whole from sqlite_master order by 1")
                .fetch_all(db)
                .await
        });
        let whole = |row: super::super::sql::Row| row.get::<String>("whole").unwrap();
        rows.unwrap().into_iter().map(whole).collect()
    }

    /// A connection that waits for no disk: a process that is killed leaves the system running.
    fn quick(file: &std::path::Path) -> FileConnection {
        let db = FileConnection::open(file, Access::Write).unwrap();
        db.run_script("pragma journal_mode = delete; pragma synchronous = off")
            .unwrap();
        db
    }

    #[test]
    fn d16_killed_at_any_statement_a_step_is_done_wholly_by_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let mut db = quick(&file("whole.db"));
        migrate(&mut db).unwrap();
        let whole = schema(&mut db);
        let mut before = quick(&file("before.db"));
        before.run_script(TABLE).unwrap();
        let mut killed = 0;
        for step in STEPS {
            let statements: Vec<_> = step.2.split_inclusive(";\n").collect();
            for upto in 1..=statements.len() {
                let copy = file(&format!("{}-{upto}.db", step.1));
                std::fs::copy(file("before.db"), &copy).unwrap();
                let db = quick(&copy);
                db.run_script("begin immediate").unwrap();
                db.run_script(&statements[..upto].concat()).unwrap();
                // Nothing is committed, and the process is gone.
                drop(db);
                killed += 1;

                let mut db = quick(&copy);
                migrate(&mut db).unwrap();

                let found = schema(&mut db);
                assert_eq!(found, whole, "{}, after {upto} statements", step.1);
            }
            apply(&mut before, step).unwrap();
        }
        assert!(killed > 80, "{killed}");
    }
}
