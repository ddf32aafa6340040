//! More than can be carried out, from more senders than can be taken: what is refused is refused
//! politely, what was taken is contained.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use estop::signature::Secret;
use tokio::task::JoinSet;

use crate::stage::bodies::{Bodies, signed};
use crate::stage::machine::memory;
use crate::stage::sender::Sender;
use crate::stage::service::{Program, start};
use crate::stage::tenant::Far;
use crate::stage::{Line, report};
use crate::strike::contained_within;

/// Detections, each about another agent.
const DETECTIONS: usize = 6_000;
/// Senders. Each sends again at once, whatever it is told, and never waits as it is asked to.
const SENDERS: usize = 2_000;
/// How far away Graph is, so that calls pile up where nothing bounds them.
const FAR_AWAY: Duration = Duration::from_millis(20);
/// How long the last may take to be contained.
const CONTAINED_WITHIN: Duration = Duration::from_secs(60);
/// Calls at a time: two workers, each with 512 runs.
const CALLS_MAX: usize = 1_024;

/// What the senders were told.
#[derive(Default)]
struct Told {
    taken: AtomicUsize,
    shed: AtomicUsize,
    rude: AtomicUsize,
}

/// Measures and reports.
pub async fn bench() {
    let far = Far::slow(DETECTIONS, FAR_AWAY).await;
    let secret = Secret::fresh(*b"a bench has no secret to protect");
    let bodies = Bodies::new(far.tenant, "threatIntelligenceAccount");
    let one = |agent: &uuid::Uuid| signed(&secret, &bodies.about(*agent));
    let requests = Arc::new(far.agents.iter().map(one).collect::<Vec<_>>());
    let served = start(Program::Unthrottled, "enforce", &far, &secret).await;
    tokio::time::sleep(Duration::from_millis(500)).await;

    let told = Arc::new(Told::default());
    let began = Instant::now();
    flood(&served.address, &requests, &told).await;
    let took = began.elapsed().as_secs_f64();
    let [taken, shed, rude] =
        [&told.taken, &told.shed, &told.rude].map(|count| count.load(Ordering::Relaxed));
    let found = contained_within(served.folder.path(), taken, CONTAINED_WITHIN).await;
    let resident = memory(served.pid(), "VmHWM:");
    drop(served.end().await);

    let calls = far.most_calls();
    let offered = (taken + shed + rude) as f64 / took;
    let lines = [
        Line::new("offered", format!("{offered:.0}/s from {SENDERS} senders")),
        Line::new("taken", taken.to_string()),
        Line::new("told to come back: 503 with Retry-After", shed.to_string()),
        Line::new("told anything else", rude.to_string()).gate("0", rude == 0),
        Line::new("taken and not contained", taken.abs_diff(found).to_string())
            .gate("0", taken == found),
        Line::new("most calls to the tenant at a time", calls.to_string())
            .gate(&CALLS_MAX.to_string(), calls <= CALLS_MAX),
        Line::new("largest RSS", format!("{resident:.0} MiB"))
            .gate("150 MB", resident * 1.048_576 <= 150.0),
    ];
    report("overload: every detection a kill, Graph at 20 ms", &lines);
}

/// Each detection is sent once, by whichever sender is free: one that is shed is not sent again.
async fn flood(address: &str, requests: &Arc<Vec<Vec<u8>>>, told: &Arc<Told>) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..SENDERS {
        let mut sender = Sender::to(address).await;
        let (requests, next, told) = (Arc::clone(requests), Arc::clone(&next), Arc::clone(told));
        tasks.spawn(async move {
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let reply = sender.ask(request).await;
                let counted = match (reply.status, reply.asks_to_wait) {
                    (202, _) => &told.taken,
                    (503, true) => &told.shed,
                    (_, _) => &told.rude,
                };
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}
