//! What a commit waits for: who hears of it before it is on disk, who after, and who never.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel, sync_channel};

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::Entry;
use super::chain::Head;
use super::commit::commit_together;
use super::error::Error;
use super::journal::{Committed, Journal, sync_loop};
use super::moved::Moved;
use super::piece::{Answer, GoOn, Work};
use super::strikes::{self, Strike};
use super::unanswered::Unanswered;
use super::writer::{Asked, Durability, Files, Tx};
use super::writer_tests::record;
use crate::clock::Clock;
use crate::domain::action::Action;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::step::Before;
use crate::vault::Vault;

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
        starts: false,
    };
    (tx, files.beside.unwrap().journal)
}

fn note(tx: &mut Tx) -> BoxFuture<'_, Result<(), Error>> {
    Box::pin(async move { tx.record(&record("it")).await })
}

fn refuse(_: &mut Tx) -> BoxFuture<'_, Result<(), Error>> {
    Box::pin(async { Err(Error::Refused("no".to_owned())) })
}

/// Who asked for a piece.
struct Caller(oneshot::Receiver<Result<Answer<()>, Error>>);

impl Caller {
    /// What it is answered, if it has been by now.
    async fn hears(&mut self) -> Option<Result<(), Error>> {
        match self.0.try_recv().ok()? {
            Ok(answer) => Some(answer.heard().await),
            Err(error) => Some(Err(error)),
        }
    }
}

fn piece(how: Durability) -> (Asked, Caller) {
    let (reply, answer) = oneshot::channel();
    (
        (
            Box::new(Work::new((note, None), reply, &Unanswered::default())),
            how,
        ),
        Caller(answer),
    )
}

/// A piece that is asked for, who hears when what follows may begin, and who is answered.
type Followed = (Asked, Receiver<()>, Caller);

/// A note from which something follows.
fn followed(how: Durability) -> Followed {
    doing(note, how)
}

fn doing<F>(work: F, how: Durability) -> Followed
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<(), Error>> + Send + 'static,
{
    let (heard, hears) = channel();
    let (reply, answer) = oneshot::channel();
    let go_on: GoOn<()> = Box::new(move |()| heard.send(()).unwrap());
    let work = Work::new((work, Some(go_on)), reply, &Unanswered::default());
    ((Box::new(work), how), hears, Caller(answer))
}

/// Starts a step that closes nothing.
fn start(tx: &mut Tx) -> BoxFuture<'_, Result<(), Error>> {
    let run = RunId::from_uuid(Uuid::from_u128(1));
    let strike = Strike {
        position: 0,
        before: Before::Nothing,
        closes: Vec::new(),
    };
    let at = Moment::from_millis(0);
    Box::pin(async move {
        let what = (&strike, Action::DisableAgent);
        strikes::started(tx, (run, None), what, at).await
    })
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

    assert_eq!(own_answer.hears().await, Some(Ok(())));
    assert_eq!(answer.hears().await, None);
    sync_once(&journal, waiting).unwrap();
    assert_eq!(answer.hears().await, Some(Ok(())));
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
    assert_eq!(answer.hears().await, None, "nobody is told of success");
}

#[tokio::test]
async fn what_follows_begins_at_the_commit_and_thanks_wait_for_the_disk() {
    let (files, _folder) = files().await;
    let (mut tx, journal) = tx(files);
    for how in [Durability::Soon, Durability::Beside] {
        let (delivery, hears, mut answer) = followed(how);

        let waiting = commit_together(&mut tx, &mut vec![delivery]).await;

        assert_eq!(hears.try_recv(), Ok(()));
        assert_eq!(answer.hears().await, None);
        sync_once(&journal, waiting).unwrap();
        assert_eq!(answer.hears().await, Some(Ok(())));
    }
}

/// A strike leaves as soon as it is heard of.
#[tokio::test]
async fn a_strike_that_leaves_at_once_is_heard_of_when_it_is_on_disk_whoever_has_gone_away() {
    let (files, _folder) = files().await;
    let (mut tx, journal) = tx(files);
    let (strike, hears, gone_away) = followed(Durability::Synced);
    drop(gone_away);
    let (late, late_hears, goes_away) = followed(Durability::Synced);

    let waiting = commit_together(&mut tx, &mut vec![strike, late]).await;

    assert!(hears.try_recv().is_err());
    sync_once(&journal, waiting).unwrap();
    assert_eq!(hears.try_recv(), Ok(()));
    drop(goes_away);
    assert_eq!(late_hears.try_recv(), Ok(()));
}

/// Thanks are written by the task that asked; a strike leaves by others, which it wakes.
#[tokio::test]
async fn whoever_is_told_has_a_turn_before_the_caller_goes_on() {
    let (files, _folder) = files().await;
    let (mut tx, journal) = tx(files);
    let (tell, told) = channel();
    let thanks = tell.clone();
    let (reply, answer) = oneshot::channel();
    #[expect(clippy::disallowed_methods, reason = "the test stands in for a worker")]
    let go_on: GoOn<()> = Box::new(move |()| {
        tokio::spawn(async move { tell.send("it strikes").unwrap() });
    });
    let work = Work::new((note, Some(go_on)), reply, &Unanswered::default());
    let asked: Asked = (Box::new(work), Durability::Synced);
    let waiting = commit_together(&mut tx, &mut vec![asked]).await;
    sync_once(&journal, waiting).unwrap();

    Caller(answer).hears().await.unwrap().unwrap();
    thanks.send("the sender is thanked").unwrap();

    assert_eq!(told.try_recv(), Ok("it strikes"));
    assert_eq!(told.try_recv(), Ok("the sender is thanked"));
}

/// Whoever makes a run does not know beforehand whether its first step starts with it.
#[tokio::test]
async fn who_starts_a_step_is_heard_of_when_it_is_on_disk_whatever_was_asked() {
    let (files, _folder) = files().await;
    let (mut tx, journal) = tx(files);
    for how in [Durability::WithTheNext, Durability::Beside] {
        let (strike, hears, mut answer) = doing(start, how);
        let (plain, _plain, mut plain_answer) = followed(Durability::WithTheNext);

        let waiting = commit_together(&mut tx, &mut vec![strike, plain]).await;

        assert!(hears.try_recv().is_err());
        assert_eq!(answer.hears().await, None);
        assert_eq!(
            plain_answer.hears().await,
            Some(Ok(())),
            "it started nothing"
        );
        sync_once(&journal, waiting).unwrap();
        assert!(hears.try_recv().is_err(), "it is the caller who tells");
        assert_eq!(answer.hears().await, Some(Ok(())));
        assert_eq!(hears.try_recv(), Ok(()));
    }
}

#[tokio::test]
async fn what_is_not_committed_leads_to_nothing() {
    let (files, _folder) = files().await;
    let (mut tx, _journal) = tx(files);
    let (refused, hears, mut answer) = doing(refuse, Durability::Soon);

    let waiting = commit_together(&mut tx, &mut vec![refused]).await;

    assert!(waiting.is_empty());
    assert!(hears.try_recv().is_err());
    assert!(matches!(answer.hears().await, Some(Err(Error::Refused(_)))));
}

/// A strike is synced where it was committed once the disk is known to be quick; a delivery alone
/// leaves it to the thread beside, so that what follows is made meanwhile.
#[tokio::test]
async fn only_a_quick_disk_is_waited_for_where_it_was_committed() {
    let (files, _folder) = files().await;
    let (strike, _told) = piece(Durability::Synced);
    let (delivery, _thanked) = piece(Durability::Soon);
    let (decided, _thanked) = piece(Durability::Beside);
    let (_tx, journal) = tx(files);
    let (strike, deliveries) = ([strike], [delivery, decided]);

    assert!(
        !journal.syncs_here(&strike),
        "nobody knows yet how quick it is"
    );
    journal.sync(Vec::new()).unwrap();

    assert!(journal.syncs_here(&strike));
    assert!(!journal.syncs_here(&deliveries));
}
