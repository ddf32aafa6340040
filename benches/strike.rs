//! From a detection's receipt to the first disable leaving, with Graph answering at once.
//!
//! The clock starts just before the sender writes its request and stops when the simulated tenant,
//! in this same process, sees the PATCH: so two trips over loopback are in every figure.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::stage::bodies::{Bodies, signed};
use crate::stage::machine::cpu_seconds;
use crate::stage::sender::pace;
use crate::stage::service::{Ground, Program, start_on};
use crate::stage::tenant::Far;
use crate::stage::{Line, millis, quantile, report};
use estop::clock::Clock;
use estop::domain::inventory::Part;
use estop::domain::run::RunState;
use estop::signature::Secret;
use estop::store::{Entry, RunFilter, Store};

/// The calm load: detections a second, and for how long.
pub const CALM: (u32, u32) = (100, 12);
/// The same in rounds, each beside its floor: what the machine gives others changes within seconds.
const ROUND: (u32, u32) = (100, 4);
/// How many of them.
const ROUNDS: usize = 3;
/// The storm.
const STORM: (u32, u32) = (500, 8);
/// How far away Graph is for an entity that the inventory knows.
const FAR_AWAY: Duration = Duration::from_millis(50);
/// How long the first listing of the inventory may take.
const LISTED_WITHIN: Duration = Duration::from_secs(60);
/// Senders, each with a connection of its own.
const CONNECTIONS: usize = 128;
/// How long runs may still take to be proved after the last detection.
const PROVED_WITHIN: Duration = Duration::from_secs(8);
/// Detections sent before the clock counts: by then connections and pages are there, and the journal has the length
/// that it keeps.
const WARM: usize = 50;

/// What one load came to, or several of a kind.
#[derive(Default)]
pub struct Load {
    /// From receipt to disable, sorted.
    pub spans: Vec<Duration>,
    not_taken: usize,
    not_struck: usize,
    contained: usize,
    not_contained: usize,
    cpu: f64,
}

impl Load {
    /// How many were not taken, not struck or not contained.
    pub const fn missing(&self) -> usize {
        self.not_taken + self.not_struck + self.not_contained
    }

    /// As if both had been one.
    fn add(&mut self, other: Self) {
        self.spans.extend(other.spans);
        self.spans.sort();
        self.not_taken += other.not_taken;
        self.not_struck += other.not_struck;
        self.contained += other.contained;
        self.not_contained += other.not_contained;
        self.cpu += other.cpu;
    }
}

/// The calm load in every way.
#[derive(Default)]
struct Calm {
    floor: Load,
    keeping: Load,
    look_first: Load,
    known: Load,
}

impl Calm {
    async fn measured() -> Self {
        let mut calm = Self::default();
        for _ in 0..ROUNDS {
            let floor = load(Program::Floor, ROUND, Way::LookFirst).await;
            let keeping = load(Program::Keeping, ROUND, Way::LookFirst).await;
            let look_first = load(Program::Unthrottled, ROUND, Way::LookFirst).await;
            let known = load(Program::Unthrottled, ROUND, Way::Together).await;
            calm.floor.add(floor);
            calm.keeping.add(keeping);
            calm.look_first.add(look_first);
            calm.known.add(known);
        }
        calm
    }
}

/// What a run is held against: the median of a calm floor of its own. The goals were set where a bare
/// strike took [`REFERENCE`], and count as ratios to it.
#[derive(Clone, Copy)]
struct Pace(Duration);

/// The goal of the calm load's median.
const CALM_GOAL: Duration = Duration::from_millis(2);
/// The median of a bare strike where the goals were set.
const REFERENCE: Duration = Duration::from_micros(800);

impl Pace {
    fn of(floor: &Load) -> Self {
        Self(p50(floor))
    }

    /// Adds a goal, given for the reference.
    fn gate(self, line: Line, (value, goal): (Duration, Duration)) -> Line {
        let ratio = goal.as_secs_f64() / REFERENCE.as_secs_f64();
        let allowed = self.0.mul_f64(ratio);
        let told = format!("{} ({ratio:.1} x)", millis(allowed));
        line.gate(&told, value <= allowed)
    }
}

/// Measures and reports.
pub async fn bench() {
    let mut lines = Vec::new();
    let calm = Calm::measured().await;
    let pace = Pace::of(&calm.floor);
    let calmly = (&calm.look_first, &calm.floor);
    strike_lines(
        &mut lines,
        ("100/s", pace),
        calmly,
        [Some(CALM_GOAL), Some(Duration::from_millis(10))],
    );
    lines.push(beside_one_that_keeps(&calm));
    let floor = load(Program::Floor, STORM, Way::LookFirst).await;
    let storm = load(Program::Unthrottled, STORM, Way::LookFirst).await;
    strike_lines(
        &mut lines,
        ("500/s", pace),
        (&storm, &floor),
        [None, Some(Duration::from_millis(50))],
    );
    let errors = storm.missing();
    lines.push(
        Line::new(
            "contained at 500/s",
            format!("{}, {errors} errors", storm.contained),
        )
        .gate("0 errors", errors == 0),
    );
    let cpu = storm.cpu * 1000.0 / storm.contained.max(1) as f64;
    lines.push(
        Line::new("processor time for each contained", format!("{cpu:.2} ms"))
            .gate("1 ms", cpu <= 1.0),
    );
    report("strike: receipt to the first disable, look first", &lines);
    known(&calm.known, pace);
}

/// The same median beside the floor that has what it takes on disk, held to the same ratio: a bare strike
/// has no disk in it, so that the ratio to it grows where the processor is quicker and the disk is not.
fn beside_one_that_keeps(calm: &Calm) -> Line {
    let (ours, keeping) = (p50(&calm.look_first), p50(&calm.keeping));
    let line = Line::new("the same p50, beside a floor that keeps", millis(ours))
        .against(millis(keeping), times(ours, keeping));
    Pace::of(&calm.keeping).gate(line, (ours, CALM_GOAL))
}

fn p50(load: &Load) -> Duration {
    quantile(&load.spans, 0.5)
}

fn times(ours: Duration, floor: Duration) -> String {
    format!(
        "{:.1} x",
        ours.as_secs_f64() / floor.as_secs_f64().max(1e-9)
    )
}

/// The same for entities that the inventory knows, with Graph 50 ms away: the read of what was
/// there and the disable leave together, so that the distance does not count.
fn known(load: &Load, pace: Pace) {
    let median = p50(load);
    let missing = load.missing();
    let line = Line::new("receipt to disable at 100/s, p50", millis(median))
        .against(millis(pace.0), times(median, pace.0));
    let lines = [
        pace.gate(line, (median, Duration::from_micros(1500))),
        Line::new(
            "receipt to disable at 100/s, p99",
            millis(quantile(&load.spans, 0.99)),
        ),
        Line::new(
            "not taken, not struck or not contained",
            missing.to_string(),
        )
        .gate("0", missing == 0),
    ];
    report(
        "strike: a known entity, Graph at 50 ms, look and strike together",
        &lines,
    );
}

/// What comes before the disable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A read, with Graph at 0 ms.
    LookFirst,
    /// Nothing: the inventory knows the entity, and Graph is far away.
    Together,
}

fn strike_lines(
    lines: &mut Vec<Line>,
    (at, pace): (&str, Pace),
    (ours, floor): (&Load, &Load),
    [of_p50, of_p99]: [Option<Duration>; 2],
) {
    for (share, name, gate) in [(0.5, "p50", of_p50), (0.99, "p99", of_p99)] {
        let (value, least) = (quantile(&ours.spans, share), quantile(&floor.spans, share));
        let figure = format!("receipt to disable at {at}, {name}");
        let mut line =
            Line::new(&figure, millis(value)).against(millis(least), times(value, least));
        if let Some(gate) = gate {
            line = pace.gate(line, (value, gate));
        }
        lines.push(line);
    }
    let missing = ours.not_taken + ours.not_struck;
    lines.push(Line::new(
        &format!("not taken or not struck at {at}"),
        missing.to_string(),
    ));
}

/// Detections at this pace, on an empty store.
pub async fn load(program: Program, pace: (u32, u32), way: Way) -> Load {
    load_on(&Ground::default(), program, (pace, way)).await
}

/// The same on such a ground.
pub async fn load_on(
    ground: &Ground,
    program: Program,
    ((per_second, seconds), way): ((u32, u32), Way),
) -> Load {
    let count = (per_second * seconds) as usize;
    let far = match way {
        Way::LookFirst => Far::open(WARM + count).await,
        Way::Together => Far::known(WARM + count, FAR_AWAY).await,
    };
    let secret = Secret::fresh(*b"a bench has no secret to protect");
    let bodies = Bodies::new(far.tenant, "threatIntelligenceAccount");
    let one = |agent: &uuid::Uuid| signed(&secret, &bodies.about(*agent));
    let (warm, counted) = far.agents.split_at(WARM);
    let warm = Arc::new(warm.iter().map(one).collect::<Vec<_>>());
    let requests = Arc::new(counted.iter().map(one).collect::<Vec<_>>());
    let served = start_on(ground, program, "enforce", (&far, &secret)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    if way == Way::Together {
        listed(served.folder.path()).await;
    }
    pace(&served.address, &warm, (per_second, CONNECTIONS), |_, _| {}).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let sent = Arc::new(Mutex::new(vec![None; count]));
    let noted = Arc::clone(&sent);
    let used = cpu_seconds(served.pid());
    let note = move |number: usize, at: Instant| noted.lock().unwrap()[number] = Some(at);
    let not_taken = pace(&served.address, &requests, (per_second, CONNECTIONS), note).await;
    let (contained, not_contained) = match program {
        Program::Floor | Program::Keeping => {
            tokio::time::sleep(Duration::from_millis(500)).await;
            (0, 0)
        }
        Program::Real | Program::Unthrottled => contained(served.folder.path(), count + WARM).await,
    };
    let cpu = cpu_seconds(served.pid()) - used;
    drop(served.end().await);
    let spans = spans(&far, counted, &sent.lock().unwrap());
    Load {
        not_taken,
        not_struck: count - spans.len(),
        spans,
        contained: contained.saturating_sub(WARM),
        not_contained,
        cpu,
    }
}

/// Waits until the service has listed its agents once.
async fn listed(folder: &std::path::Path) {
    let opened = Store::open(&folder.join("estop.db"), Entry::Visit, Clock::system()).await;
    let (store, writing) = opened.unwrap();
    let writing = tokio::spawn(writing);
    let until = Instant::now() + LISTED_WITHIN;
    loop {
        let parts = store.listed().await.unwrap();
        let whole = |part| {
            parts
                .iter()
                .any(|it| it.part == part && it.measured_at.is_some())
        };
        if whole(Part::Blueprints) && whole(Part::Agents) {
            break;
        }
        assert!(Instant::now() < until, "the inventory was not listed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    writing.abort();
}

/// From each request to its disable, sorted.
pub fn spans(far: &Far, agents: &[uuid::Uuid], sent: &[Option<Instant>]) -> Vec<Duration> {
    let disabled = far.disabled.lock().unwrap();
    let pairs = agents.iter().zip(sent);
    let mut spans: Vec<_> = pairs
        .filter_map(|(agent, sent)| Some(disabled.get(agent)?.duration_since((*sent)?)))
        .collect();
    spans.sort();
    spans
}

/// Waits until every run has ended or the time is up; says how many are contained and how many
/// are anything else.
pub async fn contained(folder: &std::path::Path, expected: usize) -> (usize, usize) {
    let found = contained_within(folder, expected, PROVED_WITHIN).await;
    (found, expected.saturating_sub(found))
}

/// Waits until so many runs are contained or the time is up; says how many are.
pub async fn contained_within(folder: &std::path::Path, expected: usize, limit: Duration) -> usize {
    let opened = Store::open(&folder.join("estop.db"), Entry::Visit, Clock::system()).await;
    let (store, writing) = opened.unwrap();
    let writing = tokio::spawn(writing);
    let until = Instant::now() + limit;
    let mut found = 0;
    while found < expected && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
        found = count(&store, vec![RunState::Contained]).await;
    }
    writing.abort();
    found
}

async fn count(store: &Store, states: Vec<RunState>) -> usize {
    let mut filter = RunFilter {
        states,
        before: None,
        limit: 500,
    };
    let mut found = 0;
    loop {
        let runs = store.runs(filter.clone()).await.unwrap();
        found += runs.len();
        match runs.last() {
            Some(last) if runs.len() == 500 => filter.before = Some(last.id),
            Some(_) | None => return found,
        }
    }
}
