//! Counters and histograms, in OpenMetrics form. Every label has a bounded set of values.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label: what became of the thing counted.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Became {
    /// A word from a closed list.
    pub outcome: &'static str,
}

/// Two labels: a configured source, and what became of its delivery.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct FromSource {
    /// A configured name, or `unknown`.
    pub source: String,
    /// A word from a closed list.
    pub outcome: &'static str,
}

/// Two labels: an action and how it ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfAction {
    /// An action's word.
    pub action: &'static str,
    /// An outcome's word.
    pub outcome: &'static str,
}

/// One label: between which two clock edges a time was measured.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Edge {
    /// `received_to_struck`, `received_to_contained`, `detected_to_received`.
    pub edge: &'static str,
}

/// One label: a limit family of the tenant.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfLane {
    /// A lane's word.
    pub lane: &'static str,
}

/// How one lane stands at the moment of a scrape.
#[derive(Clone, Copy, Debug, Default)]
pub struct LaneFigures {
    /// Calls that wait for a turn.
    pub waiting: usize,
    /// Turns given since the start.
    pub turns: u64,
    /// Answers that said "too many" since the start.
    pub throttled: u64,
    /// How long it still stands still.
    pub paused: Duration,
}

/// Everything estop counts. One for the whole process, handed down by the roof.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Deliveries by source and what became of them at the door.
    pub deliveries: Family<FromSource, Counter>,
    /// Deliveries by what triage made of them.
    pub triaged: Family<Became, Counter>,
    /// Runs by the state they ended in.
    pub runs: Family<Became, Counter>,
    /// Steps by action and outcome.
    pub steps: Family<OfAction, Counter>,
    /// Notices by urgency: each is something a person should be told.
    pub notices: Family<Became, Counter>,
    /// Drills by how they ended.
    pub drills: Family<Became, Counter>,
    drill_last_good: Gauge,
    drill_overdue: Gauge,
    /// Time to contain, by clock edge.
    pub time_to_contain: Family<Edge, Histogram>,
    /// Runs being worked on now.
    pub runs_at_work: Gauge,
    lane_waiting: Family<OfLane, Gauge>,
    lane_turns: Family<OfLane, Gauge>,
    lane_throttled: Family<OfLane, Gauge>,
    lane_paused: Family<OfLane, Gauge<f64, AtomicU64>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("estop");
        let times = Family::<Edge, Histogram>::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.001, 2.0, 22))
        });
        let metrics = Self {
            registry: Registry::default(),
            deliveries: Family::default(),
            triaged: Family::default(),
            runs: Family::default(),
            steps: Family::default(),
            notices: Family::default(),
            drills: Family::default(),
            drill_last_good: Gauge::default(),
            drill_overdue: Gauge::default(),
            time_to_contain: times,
            runs_at_work: Gauge::default(),
            lane_waiting: Family::default(),
            lane_turns: Family::default(),
            lane_throttled: Family::default(),
            lane_paused: Family::default(),
        };
        metrics.register_lanes(&mut registry);
        metrics.register_drills(&mut registry);
        registry.register(
            "deliveries",
            "Deliveries at the door",
            metrics.deliveries.clone(),
        );
        registry.register(
            "triaged",
            "Deliveries read and decided",
            metrics.triaged.clone(),
        );
        registry.register(
            "runs",
            "Runs by the state they ended in",
            metrics.runs.clone(),
        );
        registry.register(
            "steps",
            "Steps by action and outcome",
            metrics.steps.clone(),
        );
        registry.register(
            "notices",
            "Notices written for people",
            metrics.notices.clone(),
        );
        registry.register(
            "time_to_contain_seconds",
            "Time between two clock edges of a containment",
            metrics.time_to_contain.clone(),
        );
        registry.register(
            "runs_at_work",
            "Runs being worked on",
            metrics.runs_at_work.clone(),
        );
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    fn register_lanes(&self, registry: &mut Registry) {
        let lanes = [
            (
                "lane_waiting",
                "Graph calls that wait for a turn",
                &self.lane_waiting,
            ),
            (
                "lane_turns",
                "Graph calls that got a turn since the start",
                &self.lane_turns,
            ),
            (
                "lane_throttled",
                "Graph answers that said too many",
                &self.lane_throttled,
            ),
        ];
        for (name, help, family) in lanes {
            registry.register(name, help, family.clone());
        }
        let help = "How long a lane still stands still";
        registry.register("lane_paused_seconds", help, self.lane_paused.clone());
    }

    fn register_drills(&self, registry: &mut Registry) {
        let help = "Drills by how they ended";
        registry.register("drills", help, self.drills.clone());
        let help = "When the last good drill ended, in Unix seconds; 0 before the first";
        let name = "drill_last_good_seconds";
        registry.register(name, help, self.drill_last_good.clone());
        let help = "1 when the last good drill is older than it may be";
        registry.register("drill_overdue", help, self.drill_overdue.clone());
    }

    /// Notes when the last good drill ended, in Unix seconds, and whether that is too long ago.
    pub fn drilled(&self, last_good_seconds: Option<i64>, overdue: i64) {
        self.drill_last_good.set(last_good_seconds.unwrap_or(0));
        self.drill_overdue.set(overdue);
    }

    /// Notes how a lane stands, for the scrape that asked.
    pub fn lane(&self, lane: &'static str, figures: LaneFigures) {
        let labels = OfLane { lane };
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.lane_waiting
            .get_or_create(&labels)
            .set(whole(figures.waiting as u64));
        self.lane_turns
            .get_or_create(&labels)
            .set(whole(figures.turns));
        self.lane_throttled
            .get_or_create(&labels)
            .set(whole(figures.throttled));
        self.lane_paused
            .get_or_create(&labels)
            .set(figures.paused.as_secs_f64());
    }

    /// Everything, in OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    /// Counts one delivery at the door.
    pub fn delivery(&self, source: &str, outcome: &'static str) {
        let labels = FromSource {
            source: source.to_owned(),
            outcome,
        };
        self.deliveries.get_or_create(&labels).inc();
    }

    /// Notes a time between two clock edges.
    pub fn took(&self, edge: &'static str, span: Duration) {
        self.time_to_contain
            .get_or_create(&Edge { edge })
            .observe(span.as_secs_f64());
    }

    /// Counts one of a family with a single label.
    pub fn count(family: &Family<Became, Counter>, outcome: &'static str) {
        family.get_or_create(&Became { outcome }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn what_is_counted_can_be_scraped() {
        let metrics = Metrics::default();

        metrics.delivery("lab", "taken");

        let text = metrics.text();
        assert!(
            text.contains(r#"estop_deliveries_total{source="lab",outcome="taken"} 1"#),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
    }
}
