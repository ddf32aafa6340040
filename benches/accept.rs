//! How many deliveries are taken a second, beside a bare echo on the same cores.
//!
//! Taken means: verified, and durable on SQLite with `synchronous=FULL` before the 202. Once with
//! triage standing still (the service may not see its tenant yet, so everything waits unread), once
//! with triage reading everything as it comes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stage::bodies::{BODY_BYTES, Bodies, signed};
use crate::stage::machine::{cpu_seconds, memory, store_bytes};
use crate::stage::sender::{flood, pace};
use crate::stage::service::{Program, Served, start};
use crate::stage::tenant::Far;
use crate::stage::{Line, median, report};
use estop::signature::Secret;
use uuid::Uuid;

/// Deliveries of one pass.
const DELIVERIES: usize = 12_000;
/// Senders, each with a connection of its own.
const CONNECTIONS: usize = 64;
/// Passes; the medians are reported.
const PASSES: usize = 3;
/// The steady load under which memory is measured.
const STEADY: u32 = 2_000;
/// How long it lasts.
const STEADY_SECONDS: u32 = 6;

/// Deliveries a second, and processor time for each in microseconds.
#[derive(Clone, Copy)]
struct Pass {
    rate: f64,
    cost: f64,
}

#[derive(Default)]
struct Passes {
    floor: Vec<Pass>,
    stored: Vec<Pass>,
    read: Vec<Pass>,
    row: Vec<f64>,
}

/// Measures and reports.
pub async fn bench() {
    let far = Far::open(1).await;
    let mut blind = Far::open(0).await;
    blind.url = nobody().await;
    let secret = Secret::fresh(*b"a bench has no secret to protect");
    let requests = requests(&far, &secret, DELIVERIES);
    let mut passes = Passes::default();
    for _ in 0..PASSES {
        let floor = start(Program::Floor, "observe", &far, &secret).await;
        passes.floor.push(rate(&floor, &requests).await);
        drop(floor.end().await);
        let stored = start(Program::Real, "observe", &blind, &secret).await;
        passes.stored.push(rate(&stored, &requests).await);
        let bytes = store_bytes(stored.folder.path()) as f64;
        passes.row.push(bytes / DELIVERIES as f64);
        drop(stored.end().await);
        let read = start(Program::Real, "observe", &far, &secret).await;
        passes.read.push(rate(&read, &requests).await);
        drop(read.end().await);
    }
    let (held, wrong, resident) = steady(&far, &secret).await;
    report(
        "accept: verified, durable, then thanked",
        &lines(&passes, (held, wrong, resident)),
    );
}

fn lines(passes: &Passes, (held, wrong, resident): (f64, usize, f64)) -> Vec<Line> {
    let of = |passes: &[Pass], what: fn(&Pass) -> f64| median(passes.iter().map(what).collect());
    let against = |ours: &[Pass], what: fn(&Pass) -> f64| {
        let pairs = ours.iter().zip(&passes.floor);
        median(
            pairs
                .map(|(ours, floor)| what(ours) / what(floor))
                .collect(),
        )
    };
    let rate = |figure: &str, ours: &[Pass]| {
        let ratio = against(ours, |it| it.rate);
        let floor = of(&passes.floor, |it| it.rate);
        Line::new(figure, format!("{:.0}/s", of(ours, |it| it.rate)))
            .against(format!("{floor:.0}/s"), format!("{:.1} %", ratio * 100.0))
            .gate("20 % of the floor", ratio >= 0.20)
    };
    let cost = |figure: &str, ours: &[Pass]| {
        let floor = of(&passes.floor, |it| it.cost);
        let ratio = against(ours, |it| it.cost);
        Line::new(figure, format!("{:.0} us", of(ours, |it| it.cost)))
            .against(format!("{floor:.0} us"), format!("{ratio:.1} x"))
    };
    let size = format!("{:.1} KiB", median(passes.row.clone()) / 1024.0);
    vec![
        rate("accepted, triage standing still", &passes.stored),
        rate("accepted, triage reading meanwhile", &passes.read),
        cost("processor time, triage standing still", &passes.stored),
        cost("processor time, triage reading meanwhile", &passes.read),
        Line::new("on disk for each, journal included", size).against(
            format!("{:.1} KiB", BODY_BYTES as f64 / 1024.0),
            String::new(),
        ),
        Line::new(
            "steady load held",
            format!("{held:.0}/s, {wrong} not taken"),
        )
        .gate(
            &format!("{STEADY}/s"),
            wrong == 0 && held > f64::from(STEADY) * 0.97,
        ),
        Line::new("largest RSS under it", format!("{resident:.0} MiB"))
            .gate("150 MB", resident * 1.048_576 <= 150.0),
    ]
}

/// About agents nobody has a playbook for, so that every delivery is decided and none is run.
fn requests(far: &Far, secret: &Secret, count: usize) -> Arc<Vec<Vec<u8>>> {
    let bodies = Bodies::new(far.tenant, "anomalousAgentActivity");
    let one = |_| signed(secret, &bodies.about(Uuid::new_v4()));
    Arc::new((0..count).map(one).collect())
}

async fn rate(served: &Served, requests: &Arc<Vec<Vec<u8>>>) -> Pass {
    let before = cpu_seconds(served.pid());
    let (took, wrong) = flood(&served.address, requests, CONNECTIONS, 202).await;
    let used = cpu_seconds(served.pid()) - before;
    let log = crate::stage::service::log(served.folder.path());
    assert_eq!(wrong, 0, "not every delivery was taken: {log}");
    let count = requests.len() as f64;
    Pass {
        rate: count / took.as_secs_f64(),
        cost: used * 1e6 / count,
    }
}

async fn steady(far: &Far, secret: &Secret) -> (f64, usize, f64) {
    let count = STEADY * STEADY_SECONDS;
    let requests = requests(far, secret, count as usize);
    let served = start(Program::Real, "observe", far, secret).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    let wrong = pace(&served.address, &requests, (STEADY, 256), |_, _| {}).await;
    let held = f64::from(count) / began.elapsed().as_secs_f64();
    let resident = memory(served.pid(), "VmHWM:");
    drop(served.end().await);
    (held, wrong, resident)
}

/// An address where nobody listens: whoever looks for its tenant there stays blind.
async fn nobody() -> String {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", socket.local_addr().unwrap())
}
