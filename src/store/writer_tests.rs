//! What one commit carries, and what it survives.

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::oneshot;

use super::error::Error;
use super::{Entry, Store, Taken};
use crate::clock::Clock;
use crate::domain::delivery::{BodyDigest, NewDelivery};
use crate::domain::detection::SourceName;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::domain::record::{Chain, Record};

/// A store whose writer begins when it is told to, so that what is asked of it before is one batch.
pub(super) async fn store() -> (Store, oneshot::Sender<()>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _) = Clock::by_hand(Moment::from_millis(0));
    let path = folder.path().join("estop.db");
    let (store, writing) = Store::open(&path, Entry::Service, clock).await.unwrap();
    let (begin, begun) = oneshot::channel();
    #[expect(clippy::disallowed_methods, reason = "the test stands in for the roof")]
    tokio::spawn(async move {
        begun.await.unwrap();
        writing.await;
    });
    (store, begin, folder)
}

pub(super) fn delivery(store: &Store, key: &str, body: &'static str) -> NewDelivery {
    NewDelivery {
        id: DeliveryId::from_uuid(store.clock.uuid()),
        source: SourceName::new("lab").unwrap(),
        key: format!("id:{key}"),
        digest: BodyDigest::of(body.as_bytes()),
        key_id: "lab".to_owned(),
        headers: "{}".to_owned(),
        body: Bytes::from_static(body.as_bytes()),
        received_at: Moment::from_millis(1),
    }
}

pub(super) fn record(what: &str) -> Record {
    Record::new(Moment::from_millis(1), what, Value::Null)
}

async fn records(store: &Store) -> usize {
    let mut chain = Chain::default();
    let lines = store.sealed_lines(0, 100).await.unwrap();
    lines.iter().for_each(|line| chain.follow(line).unwrap());
    lines.len()
}

#[tokio::test]
async fn deliveries_taken_together_are_told_apart_like_those_taken_alone() {
    let (store, begin, _folder) = store().await;
    let first = delivery(&store, "a", "{}");
    let (a, b) = (first.id, delivery(&store, "b", "{}"));
    let conflict = delivery(&store, "a", "[]");
    let (b_id, c) = (b.id, conflict.id);
    let sent = [first, delivery(&store, "a", "{}"), b, conflict];

    let together = join_all(sent.map(|new| store.take_delivery(new)));
    let (taken, _) = futures_util::join!(together, async { begin.send(()) });

    let taken: Result<Vec<_>, _> = taken.into_iter().collect();
    let expected = [
        Taken::New { id: a },
        Taken::Repeat { id: a },
        Taken::New { id: b_id },
        Taken::Conflict { id: c },
    ];
    assert_eq!(taken.unwrap(), expected);
    assert_eq!(records(&store).await, 3);
}

#[tokio::test]
async fn more_deliveries_than_one_statement_holds_are_all_taken() {
    let (store, begin, _folder) = store().await;
    let sent: Vec<_> = (0..200)
        .map(|number| delivery(&store, &number.to_string(), "{}"))
        .collect();

    let together = join_all(sent.into_iter().map(|new| store.take_delivery(new)));
    let (taken, _) = futures_util::join!(together, async { begin.send(()) });

    let new = |taken: &Result<Taken, Error>| matches!(taken, Ok(Taken::New { .. }));
    assert!(taken.iter().all(new), "{taken:?}");
    assert_eq!(store.sealed_lines(0, 1_000).await.unwrap().len(), 200);
}

#[tokio::test]
async fn deliveries_beyond_those_that_may_wait_are_told_to_come_again() {
    let (store, begin, _folder) = store().await;
    let sent: Vec<_> = (0..1_100)
        .map(|number| delivery(&store, &number.to_string(), "{}"))
        .collect();

    let together = join_all(sent.into_iter().map(|new| store.take_delivery(new)));
    let (taken, _) = futures_util::join!(together, async { begin.send(()) });

    let (taken, busy): (Vec<_>, Vec<_>) = taken.into_iter().partition(Result::is_ok);
    assert!(
        busy.iter().all(|it| matches!(it, Err(Error::Busy(_)))),
        "{busy:?}"
    );
    assert_eq!(
        store.sealed_lines(0, 2_000).await.unwrap().len(),
        taken.len()
    );
    assert!((1_024..1_100).contains(&taken.len()), "{}", taken.len());
}

#[tokio::test]
async fn a_piece_that_fails_takes_no_other_with_it() {
    let (store, begin, _folder) = store().await;
    let piece = |what: &'static str| {
        store.write(move |tx| {
            Box::pin(async move {
                tx.record(&record(what)).await?;
                match what {
                    "second" => Err(Error::LeaseLost),
                    _ => Ok(what),
                }
            })
        })
    };

    let together = join_all(["first", "second", "third"].map(piece));
    let (answers, _) = futures_util::join!(together, async { begin.send(()) });

    let expected = [Ok("first"), Err(Error::LeaseLost), Ok("third")];
    assert_eq!(answers, expected);
    assert_eq!(records(&store).await, 2);
}
