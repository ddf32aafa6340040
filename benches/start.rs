//! How soon a fresh service thanks its first sender, and what it weighs when nothing happens.

use std::time::{Duration, Instant};

use crate::stage::bodies::{Bodies, signed};
use crate::stage::machine::memory;
use crate::stage::sender::Sender;
use crate::stage::service::{Program, start};
use crate::stage::tenant::Far;
use crate::stage::{Line, median, report};
use estop::signature::Secret;

/// Starts; the medians are reported.
const STARTS: usize = 7;
/// How long it is left alone before it is weighed.
const IDLE: Duration = Duration::from_secs(2);

/// Measures and reports.
pub async fn bench() {
    let far = Far::open(1).await;
    let secret = Secret::fresh(*b"a bench has no secret to protect");
    let bodies = Bodies::new(far.tenant, "anomalousAgentActivity");
    let (mut first, mut bare, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        for (program, spans) in [(Program::Floor, &mut bare), (Program::Real, &mut first)] {
            let request = signed(&secret, &bodies.about(far.agents[0]));
            let began = Instant::now();
            let served = start(program, "observe", &far, &secret).await;
            let status = Sender::to(&served.address).await.send(&request).await;
            spans.push(began.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(status, 202);
            if program == Program::Real {
                tokio::time::sleep(IDLE).await;
                idle.push(memory(served.pid(), "VmRSS:"));
            }
            drop(served.end().await);
        }
    }
    let (first, bare, idle) = (median(first), median(bare), median(idle));
    let lines = [
        Line::new(
            "start on an empty folder to first 202",
            format!("{first:.0} ms"),
        )
        .against(format!("{bare:.0} ms"), format!("{:.1} x", first / bare))
        .gate("150 ms", first <= 150.0),
        Line::new("RSS after 2 s without work", format!("{idle:.1} MiB"))
            .gate("40 MB", idle * 1.048_576 <= 40.0),
    ];
    report("start: an empty folder, the first thanks, at rest", &lines);
}
