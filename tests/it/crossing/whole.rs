//! All of it arrives, whatever the schema holds.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{Ended, Move, typed};

/// A column as the file's schema has it.
struct Column {
    name: String,
    kind: String,
    needed: bool,
}

fn columns(file: &Connection, table: &str) -> Vec<Column> {
    let text = format!("select name, type, \"notnull\" from pragma_table_info('{table}')");
    let mut found = file.prepare(&text).unwrap();
    let found = found.query_map([], |row| {
        Ok(Column {
            name: row.get(0)?,
            kind: row.get(1)?,
            needed: row.get(2)?,
        })
    });
    found.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Something of the kind that the column holds, made to be hard to carry.
fn made_up(column: &Column, row: usize) -> String {
    if !column.needed && row == 1 {
        return "null".to_owned();
    }
    match column.kind.to_lowercase().as_str() {
        "integer" => format!("{}", -9_000_000_000_000_i64 + row as i64),
        "text" => format!(
            "'{} {row}: ü \" '' \\ | \u{1f6d1}' || char(10, 9)",
            column.name
        ),
        "blob" => format!("x'00ff{:028x}'", row + 1),
        other => panic!("{}: {other}", column.name),
    }
}

/// Three rows in every table but the record, which proves itself.
fn fill(file: &Connection, table: &str) {
    if table == "record" {
        return;
    }
    let columns = columns(file, table);
    let names: Vec<_> = columns
        .iter()
        .map(|it| format!("\"{}\"", it.name))
        .collect();
    for row in 0..3 {
        let mut values: Vec<_> = columns.iter().map(|it| made_up(it, row)).collect();
        if table == "record_cut" {
            // Nothing is cut off, and there is one row of it.
            values = vec!["1".into(), "0".into(), "zeroblob(32)".into(), "7".into()];
        }
        let (names, values) = (names.join(", "), values.join(", "));
        let text = format!("insert into \"{table}\" ({names}) values ({values})");
        file.execute_batch(&text)
            .unwrap_or_else(|error| panic!("{table}: {error}"));
        if table == "record_cut" {
            return;
        }
    }
}

/// Every row of a table as hexadecimal digits, sorted.
fn rows_here(file: &Connection, table: &str) -> Vec<String> {
    let columns = columns(file, table);
    let one = |it: &Column| match it.kind.to_lowercase().as_str() {
        "integer" => format!("coalesce(cast(\"{}\" as text), '-')", it.name),
        // Its digits of nothing are none.
        _ => format!(
            "iif(\"{0}\" is null, '-', lower(hex(cast(\"{0}\" as blob))))",
            it.name
        ),
    };
    let row: Vec<_> = columns.iter().map(one).collect();
    let text = format!("select {} from \"{table}\"", row.join(" || '|' || "));
    let mut found = file.prepare(&text).unwrap();
    let found = found.query_map([], |row| row.get(0)).unwrap();
    let mut rows: Vec<String> = found.collect::<Result<_, _>>().unwrap();
    rows.sort();
    rows
}

fn rows_there(moved: &Move, file: &Connection, table: &str) -> Vec<String> {
    let columns = columns(file, table);
    let one = |it: &Column| match it.kind.to_lowercase().as_str() {
        "integer" => format!("coalesce(cast(\"{}\" as text), '-')", it.name),
        "text" => format!(
            "coalesce(encode(convert_to(\"{}\", 'UTF8'), 'hex'), '-')",
            it.name
        ),
        _ => format!("coalesce(encode(\"{}\", 'hex'), '-')", it.name),
    };
    let row: Vec<_> = columns.iter().map(one).collect();
    let text = format!("select {} from \"{table}\"", row.join(" || '|' || "));
    let said = moved.database.tell(&text);
    let mut rows: Vec<String> = said.lines().map(str::to_owned).collect();
    rows.sort();
    rows
}

/// A table or a column that the server's schema lacks fails here, and so does one that counts by
/// itself: what follows the greatest is nobody's care as long as there is none.
#[tokio::test]
async fn every_row_of_every_table_arrives_as_it_was_and_the_file_stays_as_it_is() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    let tables = moved.tables();
    assert!(tables.len() > 35, "{tables:?}");
    let file = Connection::open(moved.file()).unwrap();
    for table in &tables {
        fill(&file, table);
        assert!(!rows_here(&file, table).is_empty(), "{table}");
    }
    file.execute_batch("pragma wal_checkpoint(truncate)")
        .unwrap();
    drop(file);
    let before = std::fs::read(moved.file()).unwrap();

    let ended = moved.migrate().await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(before == std::fs::read(moved.file()).unwrap());
    let said = ended.json();
    let file = Connection::open(moved.file()).unwrap();
    for table in &tables {
        let (here, there) = (rows_here(&file, table), rows_there(&moved, &file, table));
        assert_eq!(here, there, "{table}");
        assert_eq!(said["tables"][table], here.len(), "{table}");
    }
    let mut there: BTreeSet<_> = moved.tables_there().into_iter().collect();
    for table in tables
        .iter()
        .map(String::as_str)
        .chain(["migration", "keeper"])
    {
        assert!(there.remove(table), "{table}");
    }
    assert!(there.is_empty(), "the file has none of these: {there:?}");
    let by_itself = moved.database.tell(
        "select table_name, column_name from information_schema.columns where table_schema = 'public' \
         and (is_identity = 'YES' or column_default like 'nextval%')",
    );
    assert_eq!(by_itself, "", "the copy leaves these behind the greatest");
}

#[tokio::test]
async fn what_it_says_is_what_a_person_needs_next_and_no_progress_where_nobody_looks() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    let key = moved.folder.path().join("estop.db.ticket-key");
    std::fs::write(&key, "x").unwrap();

    let ended = Ended::of(moved.begin(&[])).await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let rows = format!("tables moved to {}; 2 records, chain intact", moved.place());
    assert!(ended.output.contains(&rows), "{ended:?}");
    assert!(ended.output.contains("\nhead 2:"), "{ended:?}");
    for part in [
        format!("store: \"{}\"", moved.place()),
        format!("cp -p {} estop.ticket-key", key.display()),
        "estop doctor".to_owned(),
        "start nothing on it".to_owned(),
    ] {
        assert!(ended.talk.contains(&part), "{part}: {ended:?}");
    }
    assert!(!ended.talk.contains('\r'), "{ended:?}");
}

#[tokio::test]
async fn nobody_opens_a_store_that_was_moved_and_moving_it_again_says_so() {
    let Some(moved) = Move::ready().await else {
        return;
    };
    let first = moved.migrate().await;

    let list = ["token", "list", "--store", &moved.named()];
    let visited = Ended::of(typed(&list)).await;
    let again = moved.migrate().await;
    let elsewhere = moved.database.address().replace("world_", "other_");
    let words = [
        "store",
        "migrate",
        "--from",
        &moved.named(),
        "--to",
        &elsewhere,
    ];
    let elsewhere = Ended::of(typed(&words)).await;
    std::fs::write(moved.mark(), "{").unwrap();
    let torn = Ended::of(typed(&list)).await;
    std::fs::remove_file(moved.mark()).unwrap();
    let taken_away = Ended::of(typed(&list)).await;

    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(visited.code, Some(2), "{visited:?}");
    let word = format!("was moved to {}", moved.place());
    assert!(visited.talk.contains(&word), "{visited:?}");
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(again.json()["moved_before"], true, "{again:?}");
    assert_eq!(again.json()["head"], first.json()["head"]);
    assert_eq!(elsewhere.code, Some(8), "{elsewhere:?}");
    assert!(elsewhere.talk.contains(&word), "{elsewhere:?}");
    assert_eq!(torn.code, Some(2), "a mark that cannot be read: {torn:?}");
    assert_eq!(taken_away.code, Some(0), "{taken_away:?}");
}
