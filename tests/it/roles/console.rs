//! A console shows and takes words; the tenant it only reads, and a worker carries out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use estop::app::Service;
use estop::domain::order::Scope;
use estop::domain::role::ServiceRole;
use estop::domain::run::RunState;
use estop::graph::{Ask, Enabled, Error, Priority};
use estop::store::RunFilter;
use estop::transport::Transport;
use http::{Method, Request, StatusCode};
use tower::ServiceExt as _;

use crate::power::token;
use crate::world::{Setting, World, invoice_bot};

/// What a console sent to the tenant, as `METHOD path`.
type Sent = Arc<Mutex<Vec<String>>>;

/// A worker that is all of a service, and a console beside it whose every request is noted.
async fn beside() -> Option<(World, Service, Sent)> {
    let world = World::shared(Setting::default()).await?;
    let sent = Sent::default();
    let log = Arc::clone(&sent);
    let console = world.part(ServiceRole::Console, move |out| noted(out, log));
    let console = console.await;
    // Who we are is learned in the first moments, and which playbooks are in force.
    world.pass(Duration::from_secs(6)).await;
    Some((world, console, sent))
}

fn noted(out: Transport, log: Sent) -> Transport {
    Transport::in_process(move |request| {
        let (out, log) = (out.clone(), Arc::clone(&log));
        Box::pin(async move {
            let one = format!("{} {}", request.method(), request.uri().path());
            log.lock().unwrap().push(one);
            out.send(request).await
        })
    })
}

fn writes(sent: &Sent) -> Vec<String> {
    let sent = sent.lock().unwrap();
    let reads = |one: &&String| one.starts_with("GET ") || one.ends_with("/$batch");
    sent.iter().filter(|one| !reads(one)).cloned().collect()
}

pub(super) async fn said(
    console: &Router,
    token: &str,
    (method, path): (Method, &str),
    body: serde_json::Value,
) -> (StatusCode, serde_json::Value) {
    use http_body_util::BodyExt as _;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("idempotency-key", path)
        .body(Body::from(body.to_string()))
        .unwrap();
    let reply = console.clone().oneshot(request).await.unwrap();
    let status = reply.status();
    let bytes = reply.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn a_console_refuses_to_write_to_the_tenant_and_sends_nothing() {
    let Some((world, console, sent)) = beside().await else {
        return;
    };
    let ask = Ask {
        priority: Priority::Contain,
        correlation: world.clock.uuid(),
    };
    let graph = console.graph().unwrap();
    graph.allow_writes();
    let read = graph.agent(ask, invoice_bot()).await;
    let before = sent.lock().unwrap().len();

    let refused = graph
        .set_agent_enabled(ask, invoice_bot(), Enabled::No)
        .await;

    assert!(read.is_ok(), "{read:?}");
    let Err(Error::Refused { code, because, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(code, "ReadsOnly");
    assert!(because.contains("a worker writes"), "{because}");
    assert_eq!(sent.lock().unwrap().len(), before);
    assert_eq!(world.switched(invoice_bot()), [] as [bool; 0]);
}

#[tokio::test]
async fn what_people_order_at_a_console_a_worker_carries_out() {
    let Some((world, console, sent)) = beside().await else {
        return;
    };
    let token = token(&world, "soc", Scope::Respond).await;
    let agent = serde_json::json!({ "kind": "agent", "id": invoice_bot() });
    let target = serde_json::json!({ "entity": agent });

    let door = console.control();
    let (planned, plan) = said(&door, &token, (Method::POST, "/v1/plans"), target).await;
    assert_eq!(planned, StatusCode::CREATED, "{plan}");
    let digest = &plan["plan_digest"];
    let order = serde_json::json!({ "plan_digest": digest, "reason": "it misbehaves" });
    let (taken, run) = said(&door, &token, (Method::POST, "/v1/runs"), order).await;
    assert!(taken.is_success(), "{run}");
    world.pass(Duration::from_secs(3)).await;
    world.settle().await;

    let runs = world.runs().await;
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(runs[0].state, RunState::Contained);
    assert_eq!(world.switched(invoice_bot()), [false]);
    let reads = sent.lock().unwrap().len();
    assert!(reads > 0, "it looked at nothing");
    assert_eq!(writes(&sent), [] as [String; 0]);
    drop(console);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_console_shows_the_playbooks_that_a_worker_has_put_in_force() {
    let Some((world, console, _sent)) = beside().await else {
        return;
    };
    let in_force = world.service.store.set_in_force().await.unwrap().unwrap();

    let shown = console.catalog.load();

    assert_eq!(shown.digest(), in_force.digest);
    assert!(shown.all().next().is_some());
}

#[tokio::test]
async fn a_door_for_senders_has_no_way_into_the_tenant() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let sent = Sent::default();
    let log = Arc::clone(&sent);
    let ingest = world.part(ServiceRole::Ingest, move |out| noted(out, log));
    let ingest = ingest.await;
    let door = ingest.ingress("https://estop.example".parse().unwrap());
    let door = door.unwrap();

    let taken = world.detect_through(&door, invoice_bot()).await;
    world.pass(Duration::from_secs(3)).await;
    world.settle().await;

    assert_eq!(taken, StatusCode::ACCEPTED);
    assert!(ingest.graph().is_none() && ingest.desk().is_none() && ingest.doctor().is_none());
    assert_eq!(*sent.lock().unwrap(), [] as [String; 0]);
    assert_eq!(ingest.readiness().await, Ok(()));
    let filter = RunFilter {
        limit: 2,
        ..RunFilter::default()
    };
    let runs = ingest.store.runs(filter).await.unwrap();
    assert_eq!(runs[0].state, RunState::Contained, "{runs:?}");
}

#[tokio::test]
async fn a_console_says_that_nobody_carries_out_what_is_ordered() {
    let Some((world, console, _sent)) = beside().await else {
        return;
    };
    let token = token(&world, "soc", Scope::View).await;
    let door = console.control();
    let mode = (Method::GET, "/v1/mode");

    let (_, worked) = said(&door, &token, mode.clone(), serde_json::Value::Null).await;
    // A worker takes the house anew within five seconds, which do not pass here.
    world.database().tell("delete from keeper");
    let (_, idle) = said(&door, &token, mode, serde_json::Value::Null).await;

    assert_eq!(worked["idle"], serde_json::Value::Null, "{worked}");
    assert_eq!(worked["not_ready"], serde_json::Value::Null, "{worked}");
    let why = idle["idle"].as_str().unwrap();
    assert!(why.starts_with("no worker is alive"), "{idle}");
}
