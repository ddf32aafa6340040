//! All orders at once, each followed to its end, until a person says stop.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::super::Room;
use super::super::answers::Failure;
use super::super::contain::run_of;
use super::super::exit::Exit;
use super::super::server::Server;
use super::display::Display;
use super::plans::Planned;
use super::tally::{Fate, Item};
use crate::domain::id::RunId;
use crate::domain::run::{Run, RunState};

/// Orders on their way at the same time.
const IN_FLIGHT: usize = 16;
/// How often the runs are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Most runs in one answer of the server.
const PAGE: usize = 500;
/// Most pages of one look: others may make runs beside ours.
const PAGES_MAX: usize = 4;

/// Ctrl-C, heard from the first moment on so that none is missed.
pub(super) struct Interrupts(Signal);

impl Interrupts {
    pub(super) fn listen() -> Result<Self, Failure> {
        let signal = signal(SignalKind::interrupt());
        let unheard = |why| Failure::new(Exit::Failed, format!("Ctrl-C cannot be heard: {why}"));
        signal.map(Self).map_err(unheard)
    }

    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// What is to be ordered.
pub(super) struct Orders {
    pub(super) planned: Vec<Planned>,
    pub(super) reason: String,
    /// How long the proofs are waited for, once the last order is taken.
    pub(super) wait: Duration,
}

/// How it came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Over,
    Interrupted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    /// One Ctrl-C: nothing more is started.
    Down,
}

type Posted = (usize, Result<Value, Failure>);
type Looked = Result<Vec<Run>, Failure>;

#[derive(Deserialize)]
struct Listed {
    runs: Vec<Run>,
    next: Option<RunId>,
}

/// Orders everything, follows it, and answers what became of each and how long it took.
pub(super) async fn strike(
    room: &mut Room,
    server: &Server,
    orders: Orders,
    interrupts: &mut Interrupts,
) -> (Vec<Item>, Duration, End) {
    let Orders {
        planned,
        reason,
        wait,
    } = orders;
    let mut queue = queued(&planned);
    let mut items: Vec<Item> = planned.into_iter().map(Planned::into_item).collect();
    let mut display = Display::of(&room.terminal, items.len());
    let mut posting: FuturesUnordered<BoxFuture<'_, Posted>> = FuturesUnordered::new();
    let clock = room.clock.clone();
    let begun = clock.elapsed();
    let (mut going, mut last_order) = (Going::On, begun);
    let mut looking: BoxFuture<'_, Looked> = look(server, &clock);
    loop {
        while going == Going::On
            && posting.len() < IN_FLIGHT
            && let Some((at, digest)) = queue.pop_front()
        {
            posting.push(order(server, at, &digest, &reason));
        }
        let nothing_left = queue.is_empty() || going == Going::Down;
        let at_work = items.iter().any(|item| item.fate.is_at_work());
        let waited = clock.elapsed().saturating_sub(last_order);
        if posting.is_empty() && nothing_left && (!at_work || waited >= wait) {
            break;
        }
        tokio::select! {
            biased;
            () = interrupts.next() => {
                display.over(&mut room.terminal);
                if going == Going::Down {
                    room.terminal.say("left; the server carries on with what it has taken");
                    break;
                }
                going = Going::Down;
                let (left, at_work) = (queue.len(), in_flight(&items, posting.len()));
                room.terminal.say(&format!(
                    "finishing {at_work} in flight, not starting {left} more; Ctrl-C again leaves"
                ));
            }
            Some((at, posted)) = posting.next(), if !posting.is_empty() => {
                items[at].fate = fate(posted);
                last_order = clock.elapsed();
            }
            looked = &mut looking => {
                looking = look(server, &clock);
                // One look that fails says nothing: the next one may not.
                heed(&mut items, looked.unwrap_or_default());
                let took = clock.elapsed().saturating_sub(begun);
                display.show(&mut room.terminal, &items, took);
            }
        }
    }
    display.over(&mut room.terminal);
    let end = match going {
        Going::On => End::Over,
        Going::Down => End::Interrupted,
    };
    (items, clock.elapsed().saturating_sub(begun), end)
}

/// Place and plan of each that may be ordered.
fn queued(planned: &[Planned]) -> VecDeque<(usize, String)> {
    let willing = planned.iter().enumerate();
    willing
        .filter_map(|(at, one)| Some((at, one.plan.as_ref().ok()?.plan_digest.clone())))
        .collect()
}

fn order<'a>(server: &'a Server, at: usize, digest: &str, reason: &str) -> BoxFuture<'a, Posted> {
    let word = json!({ "plan_digest": digest, "reason": reason });
    Box::pin(async move { (at, server.post("/v1/runs", &word).await) })
}

fn fate(posted: Result<Value, Failure>) -> Fate {
    match posted.and_then(|taken| run_of(&taken)) {
        Ok(run) => Fate::Ordered {
            run,
            state: RunState::Queued,
        },
        Err(failure) => Fate::refused(&failure),
    }
}

fn in_flight(items: &[Item], posting: usize) -> usize {
    items.iter().filter(|item| item.fate.is_at_work()).count() + posting
}

/// A pause, then the newest runs.
fn look<'a>(server: &'a Server, clock: &crate::clock::Clock) -> BoxFuture<'a, Looked> {
    let pause = clock.sleep(LOOK_EVERY);
    Box::pin(async move {
        pause.await;
        let mut runs = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let listed: Listed = server
                .get(&format!("/v1/runs?limit={PAGE}{cursor}"))
                .await?;
            runs.extend(listed.runs);
            match listed.next {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        Ok(runs)
    })
}

fn heed(items: &mut [Item], runs: Vec<Run>) {
    let now: std::collections::BTreeMap<RunId, RunState> =
        runs.into_iter().map(|run| (run.id, run.state)).collect();
    for item in items {
        if let Fate::Ordered { run, state } = &mut item.fate
            && let Some(newer) = now.get(run)
        {
            *state = *newer;
        }
    }
}
