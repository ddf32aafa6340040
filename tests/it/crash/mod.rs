//! The crash matrix: the real program is killed at every named point and in the middle of every
//! write, is started again, and must end as if nothing had happened.
//!
//! Run it with `cargo test --test it crash -- --include-ignored`; it takes five minutes. With
//! `ESTOP_TEST_STORE=postgres` the store is a real PostgreSQL, where whoever takes over waits for a
//! lease to end: then a share of the cases is told, spread over all of them, and with
//! `ESTOP_CRASH=whole` every one.
//!
//! Each case is one story: a signed detection about an agent with a user account, containment, a
//! person's undo. The program dies once in it:
//!
//! * at a named point, by abort, for the first, second, … time that the point is passed, until a
//!   story comes to its end untouched. `store.commit.before` and `store.commit.after` so cover
//!   every commit of the story from both sides; `step.performed` covers "reply read";
//! * by `kill -9` while the tenant holds one of its writes, before the effect or after it;
//! * by `kill -9` at moments that have no name, from its start on.
//!
//! What must hold after each is said in `story`.
//!
//! Knows: the program's outside, the simulated tenant, the store as a visiting command sees it.
//! Never: the program's inside.

mod case;
mod story;
mod victim;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use estop::clock::Clock;
use estop::telemetry::POINTS;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::cluster::{is_wanted, variable};
use case::{Act, Case, HELD, Kill, WRITES};
use story::Ending;

/// Room for stories told at the same time, by all tests together: most of their time is waiting.
static ROOM: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(how_much().at_a_time));
/// Most passes of one point in one story; more means that no story comes to its end.
const PASSES_MAX: u32 = 80;
/// Unnamed moments in each act: they reach from the start of the program to the end of its work.
const MOMENTS: u32 = 24;
/// Odd, so that they do not fall together with anyone's ticks.
const MOMENTS_APART: Duration = Duration::from_millis(47);
/// How often progress is told, in cases.
const TELL_EVERY: usize = 10;

/// How much of the matrix is told, and how.
#[derive(Clone, Copy)]
struct Share {
    at_a_time: usize,
    /// One of so many passes of a point, the first among them.
    passes_apart: usize,
    /// One of so many moments without a name.
    moments_apart: usize,
}

const WHOLE: Share = Share {
    at_a_time: 12,
    passes_apart: 1,
    moments_apart: 1,
};

fn how_much() -> Share {
    match (is_wanted(), variable("ESTOP_CRASH").as_deref()) {
        (false, None | Some("whole")) => WHOLE,
        // Nearly all of a story is then the wait for the lease of a service that died.
        (true, Some("whole")) => Share {
            at_a_time: 16,
            ..WHOLE
        },
        (true, None) => Share {
            at_a_time: 16,
            passes_apart: 9,
            moments_apart: 6,
        },
        (_, Some(other)) => panic!("ESTOP_CRASH is `{other}`; only whole is known"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the crash matrix takes five minutes; CI tells it"]
async fn e01_killed_at_every_point_nothing_is_lost_and_nothing_is_done_twice() {
    let matrix = Matrix::new();

    let sweeps = [Act::Containing, Act::Undoing]
        .into_iter()
        .flat_map(|act| POINTS.map(|point| Box::pin(matrix.sweep(act, point))));
    join_all(sweeps).await;

    let hit: BTreeSet<_> = matrix.tally.lock().unwrap().hit.clone();
    matrix.verdict();
    assert_eq!(hit, BTreeSet::from(POINTS), "points that were never hit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the crash matrix takes five minutes; CI tells it"]
async fn e01_killed_while_a_write_is_on_its_way_nothing_is_lost_and_nothing_is_done_twice() {
    let matrix = Matrix::new();

    let cases = WRITES.iter().flat_map(|write| {
        HELD.map(|held| Box::pin(matrix.must_hit(Case::of(write.act, Kill::Holding(write, held)))))
    });
    join_all(cases).await;

    matrix.verdict();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the crash matrix takes five minutes; CI tells it"]
async fn e01_killed_at_any_moment_nothing_is_lost_and_nothing_is_done_twice() {
    let matrix = Matrix::new();

    let cases = [Act::Containing, Act::Undoing].into_iter().flat_map(|act| {
        let moments = (0..MOMENTS).step_by(how_much().moments_apart);
        let moments = moments.map(|number| MOMENTS_APART * number);
        moments.map(move |after| Case::of(act, Kill::After(after)))
    });
    join_all(cases.map(|case| matrix.tell(case))).await;

    matrix.verdict();
}

/// Every case goes through here.
struct Matrix {
    clock: Clock,
    tally: Mutex<Tally>,
}

#[derive(Default)]
struct Tally {
    told: usize,
    died: usize,
    hit: BTreeSet<&'static str>,
    failed: Vec<String>,
}

impl Matrix {
    fn new() -> Self {
        Self {
            clock: Clock::system(),
            tally: Mutex::default(),
        }
    }

    /// One point, killed at its first pass, its second, … until it is not reached any more. The
    /// further it goes, the more are told at the same time.
    async fn sweep(&self, act: Act, point: &'static str) {
        let all: Vec<_> = (1..=PASSES_MAX).step_by(how_much().passes_apart).collect();
        let mut left = &all[..];
        while !left.is_empty() {
            let told = all.len() - left.len();
            let (wave, rest) = left.split_at((told / 2).max(1).min(left.len()));
            left = rest;
            let cases = wave.iter().map(|passes| {
                let passes = *passes;
                Box::pin(self.tell(Case::of(act, Kill::At { point, passes })))
            });
            // What did not hold is told with the verdict; the next pass may hold.
            let endings = join_all(cases).await;
            if endings.contains(&Some(Ending::Died)) {
                self.tally.lock().unwrap().hit.insert(point);
            }
            if endings.contains(&Some(Ending::Untouched)) {
                return;
            }
        }
        let never = format!("{act:?} {point}: passed more than {PASSES_MAX} times");
        self.tally.lock().unwrap().failed.push(never);
    }

    async fn must_hit(&self, case: Case) {
        if self.tell(case).await == Some(Ending::Untouched) {
            let never = format!("{case}: nothing was held");
            self.tally.lock().unwrap().failed.push(never);
        }
    }

    /// Tells one story. `None` when something did not hold.
    async fn tell(&self, case: Case) -> Option<Ending> {
        let _room = ROOM.acquire().await.unwrap();
        // A story is a large future, and many wait here at a time: on the heap, not on the stack.
        let story = Box::pin(story::tell(case));
        let ending = AssertUnwindSafe(story).catch_unwind().await;
        let mut tally = self.tally.lock().unwrap();
        tally.told += 1;
        match &ending {
            Ok(Ending::Died) => tally.died += 1,
            Ok(Ending::Untouched) => {}
            Err(said) => tally
                .failed
                .push(format!("{case}: {}", words(said.as_ref()))),
        }
        if tally.told.is_multiple_of(TELL_EVERY) {
            self.progress(&tally);
        }
        ending.ok()
    }

    fn progress(&self, tally: &Tally) {
        let _ = writeln!(
            std::io::stderr(),
            "crash matrix: {} stories, {} deaths, {} failed, {:.0?}",
            tally.told,
            tally.died,
            tally.failed.len(),
            self.clock.elapsed()
        );
    }

    fn verdict(&self) {
        let tally = self.tally.lock().unwrap();
        self.progress(&tally);
        assert!(tally.died > 0, "nothing died");
        assert!(tally.failed.is_empty(), "{}", tally.failed.join("\n\n"));
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
        .unwrap_or_else(|| "it panicked without a word".to_owned())
}
