//! Kills among a crowd: a hundred detections a second that are to be contained, beside two thousand
//! that are decided and lead to nothing.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use estop::signature::Secret;
use uuid::Uuid;

use crate::stage::bodies::{Bodies, signed};
use crate::stage::sender::pace;
use crate::stage::service::{Program, start};
use crate::stage::tenant::Far;
use crate::stage::{Line, millis, quantile, report};
use crate::strike::{contained, spans};

/// Kills: how many a second, and for how long.
const KILLS: (u32, u32) = (100, 8);
/// Others a second, for as long.
const OTHERS: u32 = 2_000;
/// Senders of kills and of others, each with a connection of its own.
const CONNECTIONS: (usize, usize) = (64, 192);
/// Kills sent before the clock counts.
const WARM: usize = 50;
/// What design §11 asks for.
const GATE: Duration = Duration::from_millis(50);

/// Measures and reports.
pub async fn bench() {
    let count = (KILLS.0 * KILLS.1) as usize;
    let far = Far::open(WARM + count).await;
    let secret = Secret::fresh(*b"a bench has no secret to protect");
    let kill = Bodies::new(far.tenant, "threatIntelligenceAccount");
    let other = Bodies::new(far.tenant, "anomalousAgentActivity");
    let one = |agent: &Uuid| signed(&secret, &kill.about(*agent));
    let (warm, counted) = far.agents.split_at(WARM);
    let warm = Arc::new(warm.iter().map(one).collect::<Vec<_>>());
    let kills = Arc::new(counted.iter().map(one).collect::<Vec<_>>());
    let others: Vec<_> = (0..OTHERS * KILLS.1)
        .map(|_| signed(&secret, &other.about(Uuid::new_v4())))
        .collect();
    let others = Arc::new(others);
    let served = start(Program::Unthrottled, "enforce", &far, &secret).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    pace(&served.address, &warm, (KILLS.0, CONNECTIONS.0), |_, _| {}).await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let sent = Arc::new(Mutex::new(vec![None; count]));
    let noted = Arc::clone(&sent);
    let note = move |number: usize, at: Instant| noted.lock().unwrap()[number] = Some(at);
    let (lost, wrong) = tokio::join!(
        pace(&served.address, &kills, (KILLS.0, CONNECTIONS.0), note),
        pace(&served.address, &others, (OTHERS, CONNECTIONS.1), |_, _| {}),
    );
    let (_, not_contained) = contained(served.folder.path(), count + WARM).await;
    drop(served.end().await);
    let spans = spans(&far, counted, &sent.lock().unwrap());
    let missing = lost + wrong + not_contained + count - spans.len();
    let p99 = quantile(&spans, 0.99);
    let lines = [
        Line::new("receipt to disable, p50", millis(quantile(&spans, 0.5))),
        Line::new("receipt to disable, p99", millis(p99)).gate("50 ms", p99 <= GATE),
        Line::new(
            "not taken, not struck or not contained",
            missing.to_string(),
        )
        .gate("0", missing == 0),
    ];
    report(
        &format!("crowd: {} kills a second beside {OTHERS} others", KILLS.0),
        &lines,
    );
}
