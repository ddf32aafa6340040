//! One span: begun, told more about, sent when it is dropped.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceState};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks, SpanProcessor as _};
use uuid::Uuid;

use super::{Inner, Traces, root};
use crate::domain::moment::Moment;

/// Which side of a call a span stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// We were called.
    Server,
    /// We called.
    Client,
    /// Neither.
    Internal,
}

/// A span that ends, and is sent, when it is dropped. Where traces go nowhere it is nothing.
#[derive(Debug)]
#[must_use = "a span lasts for as long as it is kept"]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    inner: Arc<Inner>,
    name: &'static str,
    kind: Kind,
    /// Itself, once it is known to which trace it belongs.
    own: Option<SpanContext>,
    parent: SpanId,
    /// Under which correlation calls to Graph are its children.
    about: Option<Uuid>,
    began: (Moment, Duration),
    said: Vec<KeyValue>,
    failed: Option<String>,
}

impl Span {
    pub(super) const fn none() -> Self {
        Self(None)
    }

    pub(super) fn begin(
        traces: &Traces,
        (kind, name): (Kind, &'static str),
        parent: Option<SpanContext>,
    ) -> Self {
        let Some(inner) = &traces.0 else {
            return Self::none();
        };
        let began = (inner.clock.now(), inner.clock.elapsed());
        let own = parent.as_ref().map(|parent| {
            let id = SpanId::from_bytes(inner.clock.random());
            let (trace, flags) = (parent.trace_id(), parent.trace_flags());
            SpanContext::new(trace, id, flags, false, TraceState::NONE)
        });
        Self(Some(Box::new(Open {
            inner: Arc::clone(inner),
            name,
            kind,
            own,
            parent: parent.map_or(SpanId::INVALID, |parent| parent.span_id()),
            about: None,
            began,
            said: Vec::new(),
            failed: None,
        })))
    }

    /// It is the first of the trace of this delivery. One that belongs to none is not sent.
    pub fn named(&mut self, delivery: Uuid) {
        if let Some(open) = &mut self.0 {
            open.own = Some(root(delivery));
        }
    }

    /// Calls to Graph with this correlation are its children, for as long as it lasts or until another
    /// takes them over.
    pub(super) fn about(mut self, correlation: Uuid) -> Self {
        if let Some(open) = &mut self.0
            && let Some(own) = open.own.clone()
        {
            let mut others = open
                .inner
                .open
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            others.insert(correlation, own);
            open.about = Some(correlation);
        }
        self.say("estop.id", || correlation.to_string())
    }

    /// One more thing about it. `value` is asked for only where it is sent.
    pub fn say<V: Into<Value>>(mut self, name: &'static str, value: impl FnOnce() -> V) -> Self {
        self.note(name, value);
        self
    }

    /// The same, later.
    pub fn note<V: Into<Value>>(&mut self, name: &'static str, value: impl FnOnce() -> V) {
        if let Some(open) = &mut self.0 {
            open.said.push(KeyValue::new(name, value()));
        }
    }

    /// Nothing is to be said of it after all.
    pub fn forget(&mut self) {
        if let Some(open) = &mut self.0 {
            open.own = None;
        }
    }

    /// It came to nothing good.
    pub fn fail(&mut self, why: impl FnOnce() -> String) {
        if let Some(open) = &mut self.0 {
            open.failed = Some(why());
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(open) = self.0.take().map(|open| *open) else {
            return;
        };
        if let Some(about) = open.about {
            let mut others = open
                .inner
                .open
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if others.get(&about) == open.own.as_ref() {
                others.remove(&about);
            }
        }
        let inner = Arc::clone(&open.inner);
        if let Some(ended) = open.ended() {
            inner.batches.on_end(ended);
        }
    }
}

impl Open {
    fn ended(self) -> Option<SpanData> {
        let (at, since) = self.began;
        let lasted = self.inner.clock.elapsed().saturating_sub(since);
        let start_time = time_of(at);
        Some(SpanData {
            span_context: self.own?,
            parent_span_id: self.parent,
            parent_span_is_remote: false,
            span_kind: match self.kind {
                Kind::Server => SpanKind::Server,
                Kind::Client => SpanKind::Client,
                Kind::Internal => SpanKind::Internal,
            },
            name: self.name.into(),
            start_time,
            end_time: start_time + lasted,
            attributes: self.said,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.failed.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.inner.scope.clone(),
        })
    }
}

fn time_of(at: Moment) -> SystemTime {
    let millis = u64::try_from(at.as_millis()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}
