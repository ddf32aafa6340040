//! Parameters by name, values by type, and what a stranger to the schema gets.

use super::file::{Access, FileConnection};
use super::readers::Readers;
use super::{Row, query};
use crate::store::error::Error;

fn open() -> (FileConnection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = FileConnection::open(&folder.path().join("it.db"), Access::Write).unwrap();
    db.run_script("create table t (a integer, b text, c blob)")
        .unwrap();
    (db, folder)
}

async fn only_row(db: &mut FileConnection) -> Row {
    query("select a, b, c from t").fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn a_parameter_goes_where_its_number_says_and_not_where_it_first_stands() {
    let (mut db, _folder) = open();

    let inserted = query("insert into t (b, a, c) values ($2, $1, $3)")
        .bind(7_i64)
        .bind("seven")
        .bind(None::<Vec<u8>>)
        .execute(&mut db)
        .await;

    assert_eq!(inserted.unwrap().rows_affected(), 1);
    let row = only_row(&mut db).await;
    assert_eq!(row.get::<i64>("a").unwrap(), 7);
    assert_eq!(row.get::<String>("b").unwrap(), "seven");
    assert_eq!(row.get::<Option<Vec<u8>>>("c").unwrap(), None);
}

#[tokio::test]
async fn a_parameter_that_is_not_given_is_refused() {
    let (mut db, _folder) = open();

    let refused = query("insert into t (a, b) values ($1, $2)")
        .bind(1_i64)
        .execute(&mut db)
        .await;

    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn another_type_than_expected_is_damage() {
    let (mut db, _folder) = open();
    let insert = query("insert into t (a, b) values (-1, 'text')");
    insert.execute(&mut db).await.unwrap();

    let row = only_row(&mut db).await;

    assert!(matches!(row.get::<u32>("a"), Err(Error::Damaged(_))));
    assert!(matches!(row.get::<i64>("b"), Err(Error::Damaged(_))));
    assert!(matches!(row.get::<i64>("missing"), Err(Error::Damaged(_))));
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (_db, folder) = open();
    let readers = Readers::open(&folder.path().join("it.db")).unwrap();

    let refused = query("insert into t (a) values (1)")
        .execute(&readers)
        .await;

    assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
    let rows = query("select a from t").fetch_all(&readers).await.unwrap();
    assert!(rows.is_empty());
}
