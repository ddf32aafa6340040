//! The disk fails under the real program: a write is refused, cut short or finds no room, or a sync
//! fails; and then the power goes, which takes whatever was never synced. Whatever was thanked for
//! is there afterwards and is carried out once.
//!
//! A small library in front of the C library plays the disk (`failing_disk.c`); the C compiler that
//! builds the program builds it. Every n-th call fails in a story of its own, until a story comes to
//! its end untouched. `ESTOP_TEST_DISK_EVERY=1` tries every call; the default tries a few of them.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use estop::domain::record::Chain;
use estop::sim::{Aspect, INVOICE_BOT};
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::program::{Program, Site, exchange};

/// Deliveries in one story.
const DELIVERIES: usize = 3;
/// Longest wait for a sender's deliveries to be taken, and for all of them to be carried out.
const STORY_LIMIT: Duration = Duration::from_secs(60);
/// How long a program with a failing disk is given; it may be past saving.
const TROUBLE: Duration = Duration::from_secs(4);
/// How often everyone looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Most calls of one kind in a story; more means that no story comes to its end.
const CALLS_MAX: usize = 4_000;
/// Which calls fail unless a person asks for more of them: early ones one by one, then sparsely.
const SOME: [usize; 11] = [1, 2, 4, 9, 17, 19, 20, 41, 70, 110, 170];

/// How the disk fails.
#[derive(Clone, Copy, Debug)]
struct Failure {
    how: &'static str,
    times: usize,
}

/// Once: the program may go on or end, but must not be wrong.
const fn once(how: &'static str) -> Failure {
    Failure { how, times: 1 }
}

/// From then on for good, as a full disk does.
const fn for_good(how: &'static str) -> Failure {
    Failure { how, times: 0 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e01_a_loss_of_power_takes_nothing_that_was_thanked_for() {
    let library = library();

    let told = tell(&library, (once("nothing"), 1)).await;

    assert_eq!(
        told,
        Told::Untouched,
        "a disk that was told nothing has failed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d09_a_write_that_fails_once_loses_nothing_that_was_thanked_for() {
    sweep(once("eio")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d05_a_full_disk_is_never_thanked_from() {
    sweep(for_good("enospc")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d09_a_write_that_was_cut_short_loses_nothing_that_was_thanked_for() {
    sweep(once("short")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d09_after_a_sync_that_failed_nothing_more_is_thanked_for() {
    sweep(once("sync")).await;
}

/// A file system that is remounted read-only in the middle of the work: the program ends, since
/// nothing that it says may be stored any more, and its platform starts another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d07_a_disk_that_turns_read_only_ends_the_program() {
    let library = library();

    for at in SOME {
        match tell(&library, (for_good("erofs"), at)).await {
            Told::Ended => {}
            Told::WentOn(log) => panic!("after write {at} it goes on:\n{log}"),
            Told::Untouched => {
                assert!(at > SOME[0], "nothing was written");
                return;
            }
        }
    }
}

/// How the program took it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    /// Nothing failed.
    Untouched,
    /// It went on until it was killed, and logged this.
    WentOn(String),
    /// It ended by itself.
    Ended,
}

/// Lets each chosen call fail in a story of its own.
async fn sweep(failure: Failure) {
    let library = library();
    let room = Semaphore::new(2);
    let every = variable("ESTOP_TEST_DISK_EVERY");
    let calls: Vec<usize> = match every.and_then(|it| it.parse().ok()) {
        Some(step) => (1..CALLS_MAX).step_by(step).collect(),
        None => SOME.to_vec(),
    };
    // All of one story's calls are made before the last of these: then the rest is untouched too.
    for some in calls.chunks(8) {
        let stories = some.iter().map(|at| async {
            let _place = room.acquire().await.unwrap();
            tell(&library, (failure, *at)).await
        });
        if join_all(stories).await.contains(&Told::Untouched) {
            return;
        }
    }
    assert!(
        calls.len() == SOME.len(),
        "no story came to its end untouched"
    );
}

#[allow(clippy::disallowed_methods, reason = "a test has no roof above it")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Builds the failing disk, once for each sweep.
fn library() -> tempfile::TempPath {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/disk/failing_disk.c");
    let built = tempfile::Builder::new()
        .suffix(".so")
        .tempfile()
        .unwrap()
        .into_temp_path();
    let compiler = variable("CC").unwrap_or_else(|| "cc".to_owned());
    let said = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([built.as_os_str(), source.as_os_str()])
        .arg("-ldl")
        .output()
        .expect("the C compiler that built the program");
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{errors}");
    built
}

/// One story.
async fn tell(library: &tempfile::TempPath, (failure, at): (Failure, usize)) -> Told {
    let site = Site::in_file().await;
    let said = site.folder().join("disk-failed");
    let mut sender = Sender::new(&site);
    let (at, times) = (at.to_string(), failure.times.to_string());
    let mut troubled = site.start(&[
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAILING_DISK_FILES", "estop.db"),
        ("FAILING_DISK_HOW", failure.how),
        ("FAILING_DISK_AT", &at),
        ("FAILING_DISK_TIMES", &times),
        ("FAILING_DISK_SAID", said.to_str().unwrap()),
    ]);
    if troubled.doors().await.is_some() {
        sender.try_for(&mut troubled, TROUBLE).await;
    }
    if said.exists() && failure.how == "erofs" {
        sender.post_one_more(&mut troubled).await;
    }
    let ended = troubled.has_ended().is_some();
    let log = site.log();
    troubled.kill().await;
    lose_power(&site);
    let case = format!("{failure:?} at {at}: {:?}", sender.taken);

    let mut sound = site.start(&[]);
    assert!(sound.doors().await.is_some(), "{case}\n{}", site.log());
    // What was thanked for is there: the same delivery gets the same answer, and comes to its end.
    let before = sender.taken.clone();
    sender.try_for(&mut sound, STORY_LIMIT).await;
    for (first, again) in before.iter().zip(&sender.taken) {
        assert!(first.is_none() || first == again, "{case}");
    }
    assert!(sender.all_ended, "{case}\n{}", site.log());
    assert_eq!(sound.ask_to_stop().await.code(), Some(0), "{case}");

    whole(&site, &case).await;
    match (said.exists(), ended) {
        (false, _) => Told::Untouched,
        (true, false) => Told::WentOn(log),
        (true, true) => Told::Ended,
    }
}

/// Leaves of each file of the store what had reached the disk, and nothing where nothing had.
fn lose_power(site: &Site) {
    for entry in std::fs::read_dir(site.folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("estop.db") || name.ends_with(".platter") || name.ends_with(".lock") {
            continue;
        }
        let platter = path.with_file_name(format!("{name}.platter"));
        if platter.exists() {
            std::fs::rename(&platter, &path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
    }
}

/// Sends until it is thanked, and asks how it went.
struct Sender<'a> {
    site: &'a Site,
    messages: Vec<(String, String)>,
    /// Where each delivery's status is, as its first 202 said.
    taken: Vec<Option<String>>,
    all_ended: bool,
}

impl<'a> Sender<'a> {
    fn new(site: &'a Site) -> Self {
        let message = |_| {
            let id = format!("msg_{}", site.clock.uuid().simple());
            (id, site.detection())
        };
        Self {
            site,
            messages: (0..DELIVERIES).map(message).collect(),
            taken: vec![None; DELIVERIES],
            all_ended: false,
        }
    }

    /// Until everything is contained, the program has ended, or the time is over.
    async fn try_for(&mut self, program: &mut Program, limit: Duration) {
        let clock = self.site.clock.clone();
        let Some(address) = program.doors().await else {
            return;
        };
        self.all_ended = false;
        let mut seen = vec![None; DELIVERIES];
        let trying = async {
            while !self.all_ended && program.has_ended().is_none() {
                for (place, path) in seen.iter_mut().enumerate() {
                    if path.is_none() {
                        *path = self.post(&address, place).await;
                    }
                }
                self.all_ended = self.ask(&address, &seen).await;
                clock.sleep(LOOK_EVERY).await;
            }
        };
        // What has not ended by then is looked at by whoever asked.
        let _ = clock.within(limit, trying).await;
        for (known, path) in self.taken.iter_mut().zip(seen) {
            *known = path.or(known.take());
        }
    }

    /// Whatever it still is, the next delivery shows it.
    async fn post_one_more(&self, program: &mut Program) {
        if let Some(address) = program.doors().await {
            let id = format!("msg_{}", self.site.clock.uuid().simple());
            let request = self.site.signed(&id, &self.site.detection());
            let answer = exchange(&self.site.clock, &address, &request).await;
            let taken = answer.is_some_and(|answer| answer.status == 202);
            assert!(!taken, "a disk that takes nothing was thanked from");
        }
        let ends = async {
            while program.has_ended().is_none() {
                self.site.clock.sleep(LOOK_EVERY).await;
            }
        };
        // Whoever asks looks whether it has.
        let _ = self.site.clock.within(STORY_LIMIT, ends).await;
    }

    async fn post(&self, address: &str, place: usize) -> Option<String> {
        let (id, body) = &self.messages[place];
        let request = self.site.signed(id, body);
        let answer = exchange(&self.site.clock, address, &request).await?;
        assert!(matches!(answer.status, 202 | 503), "{answer:?}");
        if answer.status != 202 {
            return None;
        }
        let location = answer.header("location")?;
        let path = location.splitn(4, '/').nth(3)?;
        Some(format!("/{path}"))
    }

    async fn ask(&self, address: &str, paths: &[Option<String>]) -> bool {
        for path in paths {
            let Some(path) = path else { return false };
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let answer = exchange(&self.site.clock, address, &request).await;
            let state = answer.and_then(|answer| answer.member("state"));
            if state.as_deref() != Some("contained") {
                return false;
            }
        }
        true
    }
}

/// The file is sound, its chain holds, and the tenant felt one effect.
async fn whole(site: &Site, case: &str) {
    let db = rusqlite::Connection::open(site.folder().join("estop.db")).unwrap();
    let sound: String = db
        .query_row("pragma integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok", "{case}");
    drop(db);
    let visit = site.visit().await;
    let mut chain = Chain::default();
    for line in visit.store.sealed_lines(0, 10_000).await.unwrap() {
        chain.follow(&line).unwrap();
    }
    visit.leave().await;
    let effects = site.entra.effects();
    let switched: Vec<_> = effects
        .iter()
        .filter(|it| it.entity == INVOICE_BOT && it.aspect == Aspect::AccountEnabled)
        .map(|it| it.to.clone())
        .collect();
    assert_eq!(switched, [json!({ "accountEnabled": false })], "{case}");
}
