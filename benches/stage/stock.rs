//! A store that is old: full of detections that were decided long ago.

use std::path::Path;
use std::time::Duration;

use estop::clock::Clock;
use estop::store::{Entry, Store};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// Rows between two words about how far it has come.
const TOLD_EVERY: u64 = 1_000_000;
/// How old the newest of them is.
const AGE: Duration = Duration::from_secs(24 * 3600);
/// What a row says beside its ids, so that it is 300 bytes long.
const SAID: usize = 210;

/// Makes the store and fills it with so many detections, in the order in which they came; their
/// keys lie anywhere, as those of senders do.
pub async fn fill(file: &Path, rows: u64) {
    let clock = Clock::system();
    let opened = Store::open(file, Entry::Service, clock.clone()).await;
    drop(opened.unwrap());
    let (file, newest) = (file.to_owned(), clock.now().minus(AGE).as_millis());
    let filling = tokio::task::spawn_blocking(move || insert(&file, rows, newest));
    filling.await.unwrap();
}

fn insert(file: &Path, rows: u64, newest: i64) {
    let mut store = Connection::open(file).unwrap();
    store
        .execute_batch("pragma synchronous = off; pragma cache_size = -1000000")
        .unwrap();
    let filling = store.transaction().unwrap();
    let mut insert = filling
        .prepare(
            "insert into detection (detection_id, detection_key, received_at, said, decisions) \
             values (?1, ?2, ?3, ?4, '[]')",
        )
        .unwrap();
    let said = format!("{{\"said\":\"{}\"}}", "x".repeat(SAID));
    for number in 0..rows {
        let received = newest - i64::try_from(rows - number).unwrap();
        let millis = u64::try_from(received).unwrap();
        let id = uuid::Builder::from_unix_timestamp_millis(
            millis,
            Uuid::new_v4().as_bytes()[..10].try_into().unwrap(),
        );
        let key = format!("bench:{}", Uuid::new_v4());
        insert
            .execute(params![id.into_uuid().as_bytes(), key, received, said])
            .unwrap();
        if number % TOLD_EVERY == TOLD_EVERY - 1 {
            eprintln!("{} of {rows} detections are stored", number + 1);
        }
    }
    drop(insert);
    filling.commit().unwrap();
    store
        .execute_batch("pragma wal_checkpoint(truncate)")
        .unwrap();
}
