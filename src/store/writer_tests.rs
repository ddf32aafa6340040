//! What one commit carries, and what it survives.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use serde_json::Value;
use tokio::sync::oneshot;

use super::chain::Head;
use super::commit::commit_together;
use super::error::Error;
use super::journal::{Committed, Journal, sync_loop};
use super::moved::Moved;
use super::piece::{Early, Work};
use super::unanswered::Unanswered;
use super::writer::{Asked, Durability, Files, Tx};
use super::{Entry, Store, Taken};
use crate::clock::Clock;
use crate::domain::delivery::{BodyDigest, NewDelivery};
use crate::domain::detection::SourceName;
use crate::domain::id::DeliveryId;
use crate::domain::moment::Moment;
use crate::domain::record::{Chain, Record};
use crate::vault::Vault;

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

fn record(what: &str) -> Record {
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

/// A writer's files without its threads, and what a piece of work is answered by.
async fn files() -> (Files, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _) = Clock::by_hand(Moment::from_millis(0));
    let path = folder.path().join("estop.db");
    let opened = super::sqlite::open(&path, Entry::Service, clock)
        .await
        .unwrap();
    (opened.files, folder)
}

fn tx(files: Files) -> (Tx, Journal) {
    let tx = Tx {
        db: files.db,
        head: Head::GENESIS,
        moved: Moved::default(),
        vault: Arc::new(Vault::open_door()),
        clock: files.clock,
        opened: None,
    };
    (tx, files.beside.unwrap().journal)
}

fn note(tx: &mut Tx) -> BoxFuture<'_, Result<(), Error>> {
    Box::pin(async move { tx.record(&record("it")).await })
}

fn refuse(_: &mut Tx) -> BoxFuture<'_, Result<(), Error>> {
    Box::pin(async { Err(Error::Refused("no".to_owned())) })
}

fn piece(how: Durability) -> (Asked, oneshot::Receiver<Result<(), Error>>) {
    let (reply, answer) = oneshot::channel();
    (
        (
            Box::new(Work::new((note, None), reply, &Unanswered::default())),
            how,
        ),
        answer,
    )
}

/// Syncs this one batch and ends.
fn sync_once(journal: &Journal, waiting: Vec<Committed>) -> Result<(), Error> {
    let (to_disk, commits) = sync_channel(1);
    to_disk.send(waiting).unwrap();
    drop(to_disk);
    sync_loop(journal, &commits)
}

#[tokio::test]
async fn only_what_is_told_to_no_one_goes_without_waiting_for_the_disk() {
    let (files, _folder) = files().await;
    let (mut tx, journal) = tx(files);
    let (told, mut answer) = piece(Durability::Synced);
    let (own, mut own_answer) = piece(Durability::WithTheNext);

    let waiting = commit_together(&mut tx, &mut vec![told, own]).await;

    assert_eq!(own_answer.try_recv(), Ok(Ok(())));
    assert!(answer.try_recv().is_err());
    sync_once(&journal, waiting).unwrap();
    assert_eq!(answer.try_recv(), Ok(Ok(())));
}

#[tokio::test]
async fn what_the_disk_does_not_keep_is_never_called_done() {
    let (files, _folder) = files().await;
    let (mut tx, _journal) = tx(files);
    let (told, mut answer) = piece(Durability::Synced);
    // It cannot be synced.
    let (clock, _) = Clock::by_hand(Moment::from_millis(0));
    let nothing = Journal::new(File::open("/dev/null").unwrap(), clock);

    let waiting = commit_together(&mut tx, &mut vec![told]).await;
    let synced = sync_once(&nothing, waiting);

    assert!(matches!(synced, Err(Error::DiskFailed(_))));
    assert!(answer.try_recv().is_err(), "nobody is told of success");
}

#[tokio::test]
async fn what_follows_begins_at_the_commit_and_thanks_wait_for_the_disk() {
    let (files, _folder) = files().await;
    let (mut tx, journal) = tx(files);
    let (heard, hears) = std::sync::mpsc::channel();
    let (reply, mut answer) = oneshot::channel();
    let early: Early<()> = Box::new(move |()| heard.send(()).unwrap());
    let delivery: Asked = (
        Box::new(Work::new(
            (note, Some(early)),
            reply,
            &Unanswered::default(),
        )),
        Durability::Soon,
    );

    let waiting = commit_together(&mut tx, &mut vec![delivery]).await;

    assert_eq!(hears.try_recv(), Ok(()));
    assert!(answer.try_recv().is_err());
    sync_once(&journal, waiting).unwrap();
    assert_eq!(answer.try_recv(), Ok(Ok(())));
}

#[tokio::test]
async fn what_is_not_committed_leads_to_nothing() {
    let (files, _folder) = files().await;
    let (mut tx, _journal) = tx(files);
    let (heard, hears) = std::sync::mpsc::channel();
    let (reply, mut answer) = oneshot::channel();
    let early: Early<()> = Box::new(move |()| heard.send(()).unwrap());
    let refused: Asked = (
        Box::new(Work::new(
            (refuse, Some(early)),
            reply,
            &Unanswered::default(),
        )),
        Durability::Soon,
    );

    let waiting = commit_together(&mut tx, &mut vec![refused]).await;

    assert!(waiting.is_empty());
    assert!(hears.try_recv().is_err());
    assert!(matches!(answer.try_recv(), Ok(Err(Error::Refused(_)))));
}

/// A strike is synced where it was committed once the disk is known to be quick; a delivery alone
/// leaves it to the thread beside, so that what follows is made meanwhile.
#[tokio::test]
async fn only_a_quick_disk_is_waited_for_where_it_was_committed() {
    let (files, _folder) = files().await;
    let (strike, _told) = piece(Durability::Synced);
    let (delivery, _thanked) = piece(Durability::Soon);
    let (_tx, journal) = tx(files);
    let (strike, delivery) = ([strike], [delivery]);

    assert!(
        !journal.syncs_here(&strike),
        "nobody knows yet how quick it is"
    );
    journal.sync(Vec::new()).unwrap();

    assert!(journal.syncs_here(&strike));
    assert!(!journal.syncs_here(&delivery));
}
