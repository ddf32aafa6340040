//! Traces: how long each part of the way from a delivery to the tenant took, told to a collector.
//!
//! Promise: one detection is one trace, whose id is the id of its delivery and detection, so that no
//! context has to be carried or stored: what another process, or a start after a crash, adds to it
//! joins it. A call to Graph carries the id that Microsoft's logs know it by.
//! Knows: spans, OTLP.
//! Never: what is decided; bodies, tokens, names of people.
//!
//! Laws
//! * Nobody waits for a collector: what it does not take in time is dropped.
//! * Where no collector is configured, nothing is kept and nothing is measured.
//!
//! Read next: `span`, `collector`.

mod collector;
mod span;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor as _};
use uuid::Uuid;

pub use collector::{BadCollector, Collector};
pub use span::{Kind, Span};

use crate::clock::Clock;

/// How long the last spans may take to leave when the service ends.
const LAST_WITHIN: Duration = Duration::from_secs(5);

/// Where a run comes from: the trace it is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The delivery, or the detection it became.
    Delivery(Uuid),
    /// A person's order. Its runs are the first spans of its trace.
    Order(Uuid),
}

/// Where spans go, if anywhere. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    scope: InstrumentationScope,
    batches: BatchSpanProcessor,
    /// Under which span a call to Graph with this correlation belongs.
    open: Mutex<HashMap<Uuid, SpanContext>>,
}

impl Traces {
    /// Nowhere.
    pub fn off() -> Self {
        Self::default()
    }

    /// To this collector, in batches, by a thread of their own.
    pub fn to(collector: Collector, clock: Clock) -> Result<Self, BadCollector> {
        Ok(Self(Some(Arc::new(Inner {
            clock,
            scope: InstrumentationScope::builder("estop").build(),
            batches: collector.batches()?,
            open: Mutex::default(),
        }))))
    }

    /// A delivery is being received; the span names it once it has a name.
    pub fn receiving(&self) -> Span {
        Span::begin(self, (Kind::Server, "receive"), None)
    }

    /// A delivery is being read and decided on.
    pub fn triage(&self, delivery: Uuid) -> Span {
        Span::begin(self, (Kind::Internal, "triage"), Some(root(delivery))).about(delivery)
    }

    /// Whom a run is about is looked at while the run is being stored. Once the run is carried on,
    /// the look is part of that.
    pub fn look(&self, run: Uuid, delivery: Uuid) -> Span {
        if self.parent_of(run).is_some() {
            return Span::none();
        }
        Span::begin(self, (Kind::Internal, "look"), Some(root(delivery))).about(run)
    }

    /// A run is being carried on.
    pub fn run(&self, run: Uuid, origin: Origin) -> Span {
        let parent = match origin {
            Origin::Delivery(delivery) => root(delivery),
            Origin::Order(order) => of_order(order),
        };
        Span::begin(self, (Kind::Internal, "run"), Some(parent)).about(run)
    }

    /// A call to Graph. It belongs to what is at work under this correlation; one that belongs to
    /// nothing, such as a look at the inventory, is no part of any trace.
    pub fn call(&self, correlation: Uuid) -> Span {
        match self.parent_of(correlation) {
            Some(parent) => Span::begin(self, (Kind::Client, "graph"), Some(parent)),
            None => Span::none(),
        }
    }

    fn parent_of(&self, correlation: Uuid) -> Option<SpanContext> {
        let inner = self.0.as_ref()?;
        let open = inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&correlation).cloned()
    }

    /// Sends what is left. It blocks, so not on a thread that others need.
    pub fn end(&self) {
        let Some(inner) = &self.0 else { return };
        if let Err(error) = inner.batches.shutdown_with_timeout(LAST_WITHIN) {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

/// The first span of a trace: the delivery's receipt. Its ids are those of the delivery,
/// so that whoever knows one knows the other.
fn root(origin: Uuid) -> SpanContext {
    let trace = TraceId::from_bytes(*origin.as_bytes());
    SpanContext::new(
        trace,
        root_span(origin),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    )
}

fn of_order(order: Uuid) -> SpanContext {
    let trace = TraceId::from_bytes(*order.as_bytes());
    let nobody = SpanId::INVALID;
    SpanContext::new(trace, nobody, TraceFlags::SAMPLED, false, TraceState::NONE)
}

fn root_span(origin: Uuid) -> SpanId {
    // The random half of a version 7 id. It begins with its variant, and so is never zero.
    let (_, random) = origin.as_u64_pair();
    SpanId::from_bytes(random.to_be_bytes())
}
