//! Ten million detections are stored already: does a strike still leave as soon?
//!
//! On demand only: it takes minutes and gigabytes. `ESTOP_BENCH_ROWS` asks for another number.

use std::time::Duration;

use crate::stage::service::{Ground, Program};
use crate::stage::{Line, millis, quantile, report};
use crate::strike::{CALM, Load, Way, load, load_on};

/// How many, unless told otherwise.
const ROWS: u64 = 10_000_000;
/// How much later the latest hundredth may be than on an empty store: design §11 says a fifth.
const LATER: f64 = 1.2;

/// Measures and reports.
pub async fn bench() {
    let asked = std::env::var("ESTOP_BENCH_ROWS").ok();
    let rows = asked.map_or(ROWS, |rows| rows.parse().expect("a number of rows"));
    let empty = load(Program::Unthrottled, CALM, Way::LookFirst).await;
    let ground = Ground {
        rows,
        ..Ground::default()
    };
    let full = load_on(&ground, Program::Unthrottled, (CALM, Way::LookFirst)).await;
    let of = |load: &Load, share| quantile(&load.spans, share);
    let mut lines = Vec::new();
    for (share, name) in [(0.5, "p50"), (0.99, "p99")] {
        let (bare, value): (Duration, Duration) = (of(&empty, share), of(&full, share));
        let ratio = value.as_secs_f64() / bare.as_secs_f64().max(1e-9);
        let line = Line::new(
            &format!("receipt to disable at 100/s, {name}"),
            millis(value),
        );
        let line = line.against(millis(bare), format!("{ratio:.2} x"));
        lines.push(if share > 0.5 {
            line.gate("1.20 x", ratio <= LATER)
        } else {
            line
        });
    }
    let missing = full.missing();
    lines.push(
        Line::new(
            "not taken, not struck or not contained",
            missing.to_string(),
        )
        .gate("0", missing == 0),
    );
    report(
        &format!("full: {rows} detections are stored; the floor is an empty store"),
        &lines,
    );
}
