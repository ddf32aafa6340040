//! How each source speaks, as it was seen last.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::metrics::{Became, kept};

/// One label: a configured source.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfSource {
    /// A configured name.
    pub source: String,
}

/// One label: a queue.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfQueue {
    /// `unread`, `queued`, `waiting` or `untold`.
    pub queue: &'static str,
}

/// One label: whose cap.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfCap {
    /// `tenant`.
    pub scope: &'static str,
}

/// One label: a risk list.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfList {
    /// A list's word.
    pub list: &'static str,
}

/// Two labels: an environment of Copilot Studio, and what was said to a tool call.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OfGate {
    /// A configured name, or `unknown`.
    pub environment: String,
    /// A word from a closed list.
    pub outcome: &'static str,
}

/// The figures of sources, of what is pulled, and of the synthetic detection.
#[derive(Debug)]
pub struct Sources {
    silence: Family<OfSource, Gauge>,
    silent: Family<OfSource, Gauge>,
    pulled: Family<OfList, Gauge>,
    /// Synthetic detections by whether they came through.
    pub heartbeats: Family<Became, Counter>,
    heartbeat_last_good: Gauge,
    oldest: Family<OfQueue, Gauge>,
    cap_used: Family<OfCap, Gauge>,
    cap_limit: Family<OfCap, Gauge>,
    gate: Family<OfGate, Counter>,
    gate_bots: Gauge,
    gate_held: Gauge,
}

impl Sources {
    pub(super) fn kept(in_it: &mut Registry) -> Self {
        Self {
            silence: kept(
                in_it,
                "source_silence_seconds",
                "How long a source has sent nothing",
            ),
            silent: kept(
                in_it,
                "source_silent",
                "1 when a source is silent for longer than it usually is",
            ),
            pulled: kept(
                in_it,
                "pull_last_good_seconds",
                "When a risk list was last read to its end, in Unix seconds",
            ),
            heartbeats: kept(
                in_it,
                "heartbeats",
                "Synthetic detections by whether they came through",
            ),
            heartbeat_last_good: kept(
                in_it,
                "heartbeat_last_good_seconds",
                "When a synthetic detection last came through, in Unix seconds; 0 before the first",
            ),
            oldest: kept(
                in_it,
                "queue_oldest_seconds",
                "How long the oldest in a queue has waited",
            ),
            cap_used: kept(
                in_it,
                "cap_used",
                "Entities contained within the caps' window",
            ),
            cap_limit: kept(in_it, "cap_limit", "How many may be, without a person"),
            gate: kept(
                in_it,
                "gate_answers",
                "Tool calls of Copilot Studio by what was answered",
            ),
            gate_bots: kept(in_it, "gate_bots", "Bots whose agent the gate knows"),
            gate_held: kept(
                in_it,
                "gate_held",
                "Objects whose tool calls the gate refuses",
            ),
        }
    }

    /// Notes how long a source has been silent, and whether that is too long (1 or 0).
    pub fn silence(&self, source: &str, lasts: Duration, too_long: i64) {
        let labels = OfSource {
            source: source.to_owned(),
        };
        let seconds = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
        self.silence.get_or_create(&labels).set(seconds);
        self.silent.get_or_create(&labels).set(too_long);
    }

    /// Notes when a risk list was read to its end, in Unix seconds.
    pub fn pulled(&self, list: &'static str, at: i64) {
        self.pulled.get_or_create(&OfList { list }).set(at);
    }

    /// Notes how long the oldest in a queue has waited.
    pub fn oldest(&self, queue: &'static str, waits: Duration) {
        let seconds = i64::try_from(waits.as_secs()).unwrap_or(i64::MAX);
        self.oldest.get_or_create(&OfQueue { queue }).set(seconds);
    }

    /// Notes how much of the tenant's cap is used.
    pub fn cap(&self, used: u32, limit: u32) {
        let labels = OfCap { scope: "tenant" };
        self.cap_used.get_or_create(&labels).set(used.into());
        self.cap_limit.get_or_create(&labels).set(limit.into());
    }

    /// Counts one answer of the gate.
    pub fn asked(&self, environment: &str, outcome: &'static str) {
        let environment = environment.to_owned();
        let labels = OfGate {
            environment,
            outcome,
        };
        self.gate.get_or_create(&labels).inc();
    }

    /// Notes how many bots the gate knows, and how many objects it refuses.
    pub fn gate(&self, bots: usize, held: usize) {
        self.gate_bots.set(i64::try_from(bots).unwrap_or(i64::MAX));
        self.gate_held.set(i64::try_from(held).unwrap_or(i64::MAX));
    }

    /// Notes when a synthetic detection came through, in Unix seconds.
    pub fn beat(&self, at: i64) {
        self.heartbeat_last_good.set(at);
    }
}
