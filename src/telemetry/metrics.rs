//! Counters and histograms, in OpenMetrics form. Every label has a bounded set of values.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};

use super::lanes::{LaneFigures, Lanes};
use super::sources::Sources;

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

/// Two labels: a configured far end, and what became of an attempt to tell it.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ToFarEnd {
    /// `page:NAME`, `sponsors:NAME` or `incident`.
    pub whom: String,
    /// A word from a closed list.
    pub outcome: &'static str,
}

/// One label: between which two clock edges a time was measured.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Edge {
    /// `received_to_struck`, `received_to_contained`, `detected_to_received`.
    pub edge: &'static str,
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
    /// Words to far ends, by whom they are for and what became of them.
    tellings: Family<ToFarEnd, Counter>,
    /// Drills by how they ended.
    pub drills: Family<Became, Counter>,
    drill_last_good: Gauge,
    drill_overdue: Gauge,
    record_unanchored: Gauge,
    no_worker: Gauge,
    /// Time to contain, by clock edge.
    pub time_to_contain: Family<Edge, Histogram>,
    /// Runs being worked on now.
    pub runs_at_work: Gauge,
    lanes: Lanes,
    /// How each source speaks, and how far what is pulled was read.
    pub sources: Sources,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("estop");
        let of = &mut registry;
        let times = Family::new_with_constructor(times as fn() -> Histogram);
        Self {
            deliveries: kept(of, "deliveries", "Deliveries at the door"),
            triaged: kept(of, "triaged", "Deliveries read and decided"),
            runs: kept(of, "runs", "Runs by the state they ended in"),
            steps: kept(of, "steps", "Steps by action and outcome"),
            notices: kept(of, "notices", "Notices written for people"),
            tellings: kept(of, "tellings", "Attempts to tell far ends"),
            time_to_contain: registered(
                of,
                (
                    "time_to_contain_seconds",
                    "Time between two clock edges of a containment",
                ),
                times,
            ),
            runs_at_work: kept(of, "runs_at_work", "Runs being worked on"),
            drills: kept(of, "drills", "Drills by how they ended"),
            drill_last_good: kept(
                of,
                "drill_last_good_seconds",
                "When the last good drill ended, in Unix seconds; 0 before the first",
            ),
            drill_overdue: kept(
                of,
                "drill_overdue",
                "1 when the last good drill is older than it may be",
            ),
            record_unanchored: kept(
                of,
                "record_unanchored_seconds",
                "How long the oldest record without an anchor has waited for one",
            ),
            no_worker: kept(
                of,
                "no_worker_seconds",
                "How long a part that is no worker has seen none alive",
            ),
            lanes: Lanes::kept(of),
            sources: Sources::kept(of),
            registry,
        }
    }
}

/// A fresh metric, counted from now on and shown under this name.
pub(super) fn kept<M: Metric + Clone + Default>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> M {
    registered(registry, (name, help), M::default())
}

fn registered<M: Metric + Clone>(
    registry: &mut Registry,
    (name, help): (&str, &str),
    metric: M,
) -> M {
    registry.register(name, help, metric.clone());
    metric
}

fn seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

/// From a millisecond to more than an hour, doubling.
fn times() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 22))
}

impl Metrics {
    /// Notes when the last good drill ended, in Unix seconds, and whether that is too long ago.
    pub fn drilled(&self, last_good_seconds: Option<i64>, overdue: i64) {
        self.drill_last_good.set(last_good_seconds.unwrap_or(0));
        self.drill_overdue.set(overdue);
    }

    /// Notes how long the oldest record without an anchor has waited for one.
    pub fn unanchored(&self, waits: Duration) {
        self.record_unanchored.set(seconds(waits));
    }

    /// Notes for how long no worker was seen alive.
    pub fn no_worker(&self, gone: Duration) {
        self.no_worker.set(seconds(gone));
    }

    /// Notes how a lane stands, for the scrape that asked.
    pub fn lane(&self, lane: &'static str, figures: &LaneFigures) {
        self.lanes.note(lane, figures);
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

    /// Counts one attempt to tell a far end.
    pub fn told(&self, whom: &str, outcome: &'static str) {
        let labels = ToFarEnd {
            whom: whom.to_owned(),
            outcome,
        };
        self.tellings.get_or_create(&labels).inc();
    }

    /// How many deliveries of a source were taken so far, new, known or in conflict.
    pub fn heard(&self, source: &str) -> u64 {
        let taken = ["taken", "repeated", "conflict"];
        let of = |outcome| FromSource {
            source: source.to_owned(),
            outcome,
        };
        let counts = taken.map(|outcome| self.deliveries.get_or_create(&of(outcome)).get());
        counts.iter().sum()
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
    use std::time::Duration;

    use super::{LaneFigures, Metrics};

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

    #[test]
    fn how_a_lane_stands_and_why_it_is_throttled_can_be_scraped() {
        let metrics = Metrics::default();
        let figures = LaneFigures {
            turns: 7,
            throttled: 2,
            paused: Duration::from_millis(1500),
            limit_share: Some(0.9),
            causes: vec![(["tenant", "read", "cpu"], 2)],
            ..LaneFigures::default()
        };

        metrics.lane("reports", &figures);
        metrics.lane("reports", &figures);

        let text = metrics.text();
        for line in [
            r#"estop_lane_turns_total{lane="reports"} 7"#,
            r#"estop_lane_throttled_total{lane="reports"} 2"#,
            r#"estop_lane_paused_seconds{lane="reports"} 1.5"#,
            r#"estop_lane_limit_share{lane="reports"} 0.9"#,
            r#"estop_lane_throttled_by_total{lane="reports",whose="tenant",calls="read",what="cpu"} 2"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
