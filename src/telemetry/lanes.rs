//! How the lanes to Graph stand, as it is at the moment of a scrape.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::kept;

/// One label: a limit family of the tenant.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfLane {
    /// A lane's word.
    pub lane: &'static str,
}

/// Why Graph throttled a lane, in words from closed lists.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfCause {
    /// A lane's word.
    pub lane: &'static str,
    /// Whose calls were counted together, such as `tenant_application`.
    pub whose: &'static str,
    /// `read`, `write` or `read_write`.
    pub calls: &'static str,
    /// What ran out, such as `resource_units`.
    pub what: &'static str,
}

/// How one lane stands.
#[derive(Clone, Debug, Default)]
pub struct LaneFigures {
    /// Calls that wait for a turn.
    pub waiting: usize,
    /// Turns given since the start.
    pub turns: u64,
    /// Turns refused since the start, because too many waited.
    pub crowded: u64,
    /// Answers that said "too many" since the start.
    pub throttled: u64,
    /// What was spent in the window that ends now, in the lane's own unit.
    pub spent: u32,
    /// How long it still stands still.
    pub paused: Duration,
    /// The share of the limit that Graph named last; it names it from 0.8 on.
    pub limit_share: Option<f64>,
    /// Throttled answers by their cause: whose, calls, what.
    pub causes: Vec<([&'static str; 3], u64)>,
}

/// The figures of all lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    waiting: Family<OfLane, Gauge>,
    turns: Family<OfLane, Counter>,
    crowded: Family<OfLane, Counter>,
    throttled: Family<OfLane, Counter>,
    causes: Family<OfCause, Counter>,
    spent: Family<OfLane, Gauge>,
    paused: Family<OfLane, Gauge<f64, AtomicU64>>,
    limit_share: Family<OfLane, Gauge<f64, AtomicU64>>,
}

impl Lanes {
    pub(super) fn kept(in_it: &mut Registry) -> Self {
        Self {
            waiting: kept(in_it, "lane_waiting", "Graph calls that wait for a turn"),
            turns: kept(in_it, "lane_turns", "Graph calls that got a turn"),
            crowded: kept(
                in_it,
                "lane_crowded",
                "Graph calls sent away, too many waited",
            ),
            throttled: kept(in_it, "lane_throttled", "Graph answers that said too many"),
            causes: kept(in_it, "lane_throttled_by", "The same by what Graph named"),
            spent: kept(
                in_it,
                "lane_spent",
                "Turns or resource units spent in the window",
            ),
            paused: kept(
                in_it,
                "lane_paused_seconds",
                "How long a lane still stands still",
            ),
            limit_share: kept(
                in_it,
                "lane_limit_share",
                "Share of a limit, as Graph named it last",
            ),
        }
    }

    pub(super) fn note(&self, lane: &'static str, figures: &LaneFigures) {
        let of = OfLane { lane };
        let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting.get_or_create(&of).set(whole(figures.waiting));
        self.spent.get_or_create(&of).set(i64::from(figures.spent));
        stands_at(&self.turns.get_or_create(&of), figures.turns);
        stands_at(&self.crowded.get_or_create(&of), figures.crowded);
        stands_at(&self.throttled.get_or_create(&of), figures.throttled);
        let paused = figures.paused.as_secs_f64();
        self.paused.get_or_create(&of).set(paused);
        if let Some(share) = figures.limit_share {
            self.limit_share.get_or_create(&of).set(share);
        }
        for ([whose, calls, what], count) in &figures.causes {
            let of = OfCause {
                lane,
                whose,
                calls,
                what,
            };
            stands_at(&self.causes.get_or_create(&of), *count);
        }
    }
}

/// The lanes count for themselves; a scrape shows where they stand.
fn stands_at(counter: &Counter, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}
