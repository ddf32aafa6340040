//! One detection is one trace, from its receipt to every call to Graph.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::run::RunState;
use estop::sim::INVOICE_BOT;
use estop::transport::{Failure, Request, Transport};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::world::{Setting, World, invoice_bot};

const STOP_WITHIN: Duration = Duration::from_secs(20);

/// A collector that takes everything.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Request>>>);

impl Collector {
    fn transport(&self) -> Transport {
        let sent = Arc::clone(&self.0);
        Transport::in_process(move |request| {
            sent.lock().unwrap().push(request);
            Box::pin(std::future::ready(Ok(http::Response::new(Bytes::new()))))
        })
    }

    fn requests(&self) -> Vec<Request> {
        self.0.lock().unwrap().clone()
    }

    fn spans(&self) -> Vec<Span> {
        let batches = self.requests();
        let batches = batches
            .iter()
            .map(|one| ExportTraceServiceRequest::decode(one.body().clone()).unwrap());
        batches
            .flat_map(|batch| batch.resource_spans)
            .flat_map(|of| of.scope_spans)
            .flat_map(|of| of.spans)
            .collect()
    }
}

fn said(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|it| it.key == name)?;
    let value = found.value.clone()?.value?;
    if let Value::IntValue(number) = value {
        return Some(number.to_string());
    }
    let Value::StringValue(text) = value else {
        panic!("{value:?}");
    };
    Some(text)
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn setting(outward: Transport) -> Setting {
    let usual = Setting::default();
    Setting {
        yaml: format!(
            "{}traces: {{ otlp: \"https://collector.example/v1/traces\", \
             headers_file: collector.headers }}\n",
            usual.yaml
        ),
        keys: vec![("collector.headers", "X-Scope: estop\n".to_owned())],
        outward,
        ..usual
    }
}

#[tokio::test]
async fn a_detection_is_one_trace_from_its_receipt_to_graph() {
    let collector = Collector::default();
    let world = World::with(setting(collector.transport())).await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let run = world.runs().await.remove(0);
    assert_eq!(run.state, RunState::Contained);
    let asked = world.entra.journal();
    let detection = run.detection.unwrap().uuid();

    world.service.stop(STOP_WITHIN).await;

    let spans = collector.spans();
    for span in &spans {
        assert_eq!(span.trace_id, detection.as_bytes(), "{span:?}");
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let [receipt] = named(&spans, "receive")[..] else {
        panic!("{spans:?}");
    };
    assert!(receipt.parent_span_id.is_empty());
    assert_eq!(said(receipt, "estop.source").as_deref(), Some("lab"));
    let [triage] = named(&spans, "triage")[..] else {
        panic!("{spans:?}");
    };
    let [carried] = named(&spans, "run")[..] else {
        panic!("{spans:?}");
    };
    // Whether the first look begins before the run does is up to the store.
    let early = named(&spans, "look");
    assert!(early.len() <= 1, "{early:?}");
    for under in [triage, carried].into_iter().chain(early.iter().copied()) {
        assert_eq!(under.parent_span_id, receipt.span_id);
    }
    assert_eq!(said(carried, "estop.id"), Some(run.id.uuid().to_string()));
    let calls = named(&spans, "graph");
    let ours = |correlation: &Option<String>| *correlation == Some(run.id.uuid().to_string());
    let asked = asked.iter().filter(|call| ours(&call.client_request_id));
    assert_eq!(
        calls.len(),
        asked.count(),
        "every call of the run has its span"
    );
    for call in &calls {
        let looked = early.iter().any(|it| call.parent_span_id == it.span_id);
        let is_read = said(call, "http.request.method").as_deref() == Some("GET");
        assert!(looked && is_read || call.parent_span_id == carried.span_id);
        assert!(ours(&said(call, "msgraph.client_request_id")));
        assert!(said(call, "msgraph.request_id").is_some());
    }
    let write = calls
        .iter()
        .find(|call| said(call, "http.request.method").as_deref() == Some("PATCH"))
        .unwrap();
    assert_eq!(
        said(write, "http.response.status_code").as_deref(),
        Some("204")
    );
}

#[tokio::test]
async fn the_collector_is_spoken_to_as_configured_and_hears_no_secret() {
    let collector = Collector::default();
    let world = World::with(setting(collector.transport())).await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let token = world.entra.access_token().unwrap();

    world.service.stop(STOP_WITHIN).await;

    let requests = collector.requests();
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(request.uri(), "https://collector.example/v1/traces");
        assert_eq!(request.headers()["x-scope"], "estop");
        let body = String::from_utf8_lossy(request.body()).into_owned();
        assert!(!body.contains(&token) && !body.contains("Bearer"));
    }
}

#[tokio::test]
async fn a_persons_order_is_a_trace_of_its_own_and_its_run_the_first_span() {
    let collector = Collector::default();
    let world = World::with(setting(collector.transport())).await;
    let agent = Entity::agent(ObjectId::from_uuid(INVOICE_BOT));
    let run = world.contain(agent).await;
    world.settle().await;
    let order = world.run(run).await.order.unwrap().uuid();

    world.service.stop(STOP_WITHIN).await;

    let spans = collector.spans();
    let [carried] = named(&spans, "run")[..] else {
        panic!("{spans:?}");
    };
    assert!(carried.parent_span_id.is_empty());
    let calls = named(&spans, "graph");
    assert!(!calls.is_empty());
    assert!(calls.iter().all(|it| it.parent_span_id == carried.span_id));
    assert!(spans.iter().all(|it| it.trace_id == order.as_bytes()));
}

#[tokio::test]
async fn an_undo_joins_the_trace_of_its_detection() {
    let collector = Collector::default();
    let world = World::with(setting(collector.transport())).await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let run = world.runs().await.remove(0);
    world.undo(run.id).await;
    world.settle().await;

    world.service.stop(STOP_WITHIN).await;

    let spans = collector.spans();
    let carried = named(&spans, "run");
    assert!(carried.len() > 1, "{carried:?}");
    let trace = run.detection.unwrap().uuid();
    assert!(carried.iter().all(|it| it.trace_id == trace.as_bytes()));
    let undoing = carried
        .iter()
        .find(|it| said(it, "estop.state").as_deref() == Some("undoing"));
    assert!(undoing.is_some());
}

#[tokio::test]
async fn without_a_collector_that_answers_the_agent_is_contained_all_the_same() {
    let gone = Transport::in_process(|_| {
        Box::pin(std::future::ready(Err(Failure::NotSent(
            "connection refused".to_owned(),
        ))))
    });
    let world = World::with(setting(gone)).await;

    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    let run = world.runs().await.remove(0);
    assert_eq!(run.state, RunState::Contained);
    world.service.stop(STOP_WITHIN).await;
}

#[tokio::test]
async fn nothing_is_traced_where_nobody_asks_for_it() {
    let collector = Collector::default();
    let usual = Setting::default();
    let world = World::with(Setting {
        outward: collector.transport(),
        ..usual
    })
    .await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    world.service.stop(STOP_WITHIN).await;

    assert_eq!(collector.spans(), []);
}
