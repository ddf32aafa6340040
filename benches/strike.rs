//! From a detection's receipt to the first disable leaving, with Graph answering at once.
//!
//! The clock starts just before the sender writes its request and stops when the simulated tenant,
//! in this same process, sees the PATCH: so two trips over loopback are in every figure.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::stage::bodies::{Bodies, signed};
use crate::stage::machine::cpu_seconds;
use crate::stage::sender::pace;
use crate::stage::service::{Program, start};
use crate::stage::tenant::Far;
use crate::stage::{Line, millis, quantile, report};
use estop::clock::Clock;
use estop::domain::run::RunState;
use estop::signature::Secret;
use estop::store::{Entry, RunFilter, Store};

/// The calm load: detections a second, and for how long.
const CALM: (u32, u32) = (100, 12);
/// The storm.
const STORM: (u32, u32) = (500, 8);
/// Senders, each with a connection of its own.
const CONNECTIONS: usize = 128;
/// How long runs may still take to be proved after the last detection.
const PROVED_WITHIN: Duration = Duration::from_secs(8);
/// Detections sent before the clock counts, so that connections and pages are there.
const WARM: usize = 50;

/// What one load came to.
struct Load {
    spans: Vec<Duration>,
    not_taken: usize,
    not_struck: usize,
    contained: usize,
    not_contained: usize,
    cpu: f64,
}

/// Measures and reports.
pub async fn bench() {
    let mut lines = Vec::new();
    let floor = load(Program::Floor, CALM).await;
    let calm = load(Program::Real, CALM).await;
    strike_lines(&mut lines, "100/s", (&calm, &floor), (2, 10));
    let floor = load(Program::Floor, STORM).await;
    let storm = load(Program::Unthrottled, STORM).await;
    strike_lines(&mut lines, "500/s", (&storm, &floor), (0, 50));
    let errors = storm.not_taken + storm.not_struck + storm.not_contained;
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
}

fn strike_lines(lines: &mut Vec<Line>, at: &str, (ours, floor): (&Load, &Load), gates: (u64, u64)) {
    for (share, name, gate) in [(0.5, "p50", gates.0), (0.99, "p99", gates.1)] {
        let (value, bare) = (quantile(&ours.spans, share), quantile(&floor.spans, share));
        let ratio = format!(
            "{:.1} x",
            value.as_secs_f64() / bare.as_secs_f64().max(1e-9)
        );
        let mut line = Line::new(
            &format!("receipt to disable at {at}, {name}"),
            millis(value),
        )
        .against(millis(bare), ratio);
        if gate > 0 {
            line = line.gate(&format!("{gate} ms"), value <= Duration::from_millis(gate));
        }
        lines.push(line);
    }
    let missing = ours.not_taken + ours.not_struck;
    lines.push(Line::new(
        &format!("not taken or not struck at {at}"),
        missing.to_string(),
    ));
}

async fn load(program: Program, (per_second, seconds): (u32, u32)) -> Load {
    let count = (per_second * seconds) as usize;
    let far = Far::open(WARM + count).await;
    let secret = Secret::fresh(*b"a bench has no secret to protect");
    let bodies = Bodies::new(far.tenant, "threatIntelligenceAccount");
    let one = |agent: &uuid::Uuid| signed(&secret, &bodies.about(*agent));
    let (warm, counted) = far.agents.split_at(WARM);
    let warm = Arc::new(warm.iter().map(one).collect::<Vec<_>>());
    let requests = Arc::new(counted.iter().map(one).collect::<Vec<_>>());
    let served = start(program, "enforce", &far, &secret).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    pace(&served.address, &warm, (per_second, CONNECTIONS), |_, _| {}).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let sent = Arc::new(Mutex::new(vec![None; count]));
    let noted = Arc::clone(&sent);
    let used = cpu_seconds(served.pid());
    let note = move |number: usize, at: Instant| noted.lock().unwrap()[number] = Some(at);
    let not_taken = pace(&served.address, &requests, (per_second, CONNECTIONS), note).await;
    let (contained, not_contained) = match program {
        Program::Floor => {
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

/// From each request to its disable, sorted.
fn spans(far: &Far, agents: &[uuid::Uuid], sent: &[Option<Instant>]) -> Vec<Duration> {
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
async fn contained(folder: &std::path::Path, expected: usize) -> (usize, usize) {
    let opened = Store::open(&folder.join("estop.db"), Entry::Visit, Clock::system()).await;
    let (store, writing) = opened.unwrap();
    let writing = tokio::spawn(writing);
    let until = Instant::now() + PROVED_WITHIN;
    let mut found = 0;
    while found < expected && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(500)).await;
        found = count(&store, vec![RunState::Contained]).await;
    }
    writing.abort();
    (found, expected.saturating_sub(found))
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
