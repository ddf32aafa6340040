//! How SQLite answers what is asked all the time: by which index, and without a table of its own.

use super::migrations::migrate;
use super::sql::{Access, FileConnection, FromValue as _};
use super::{claims, endings, evidence, holds, retention, runs, settings};

fn store() -> (FileConnection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.db");
    let mut db = FileConnection::open(&path, Access::Write).unwrap();
    migrate(&mut db).unwrap();
    (db, folder)
}

/// One column of an explanation.
fn explained(db: &FileConnection, (how, column): (&str, usize), text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    db.each_row(&format!("{how} {text}"), |row| {
        lines.extend(row.get(column).and_then(String::from_value));
        Ok(())
    })
    .unwrap();
    assert!(!lines.is_empty(), "{text}");
    lines
}

#[test]
fn what_is_due_is_found_by_an_index_of_what_is_due() {
    let (db, _folder) = store();

    for (text, index) in [
        (claims::CLAIM_NEXT, "run_due"),
        (runs::SLOW, "run_due"),
        (evidence::DUE, "evidence_due"),
        (holds::OVER, "hold_due"),
        (retention::DETECTIONS, "delivery_joined"),
    ] {
        let plan = explained(&db, ("explain query plan", 3), text);
        let found = plan
            .iter()
            .any(|line| line.ends_with(index) || line.contains(&format!("{index} ")));
        assert!(found, "{index}: {plan:?}");
    }
}

#[test]
fn on_the_way_of_a_strike_no_table_is_made() {
    let (db, _folder) = store();

    for text in [settings::READ, endings::END, runs::MOVE] {
        let codes = explained(&db, ("explain", 1), text);
        let made = codes.iter().any(|code| code == "OpenEphemeral");
        assert!(!made, "{text}");
    }
}
