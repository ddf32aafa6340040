//! The floor: the least a program can do that checks a signature and reads the fields it needs.
//!
//! It remembers nothing. With `mode: enforce` in its configuration it also looks at the agent and disables it,
//! by the same calls. As the floor that keeps what it takes, it has the body on disk before it disables
//! anything or thanks anybody, and looks meanwhile; else it stores nothing.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use bytes::Bytes;
use estop::clock::Clock;
use estop::listener;
use estop::transport::Transport;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

#[derive(Deserialize)]
struct Incident<'a> {
    #[serde(borrow)]
    object: Object<'a>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    properties: Properties<'a>,
}

#[derive(Deserialize)]
struct Properties<'a> {
    severity: &'a str,
    #[serde(borrow)]
    alerts: Vec<Alert<'a>>,
}

#[derive(Deserialize)]
struct Alert<'a> {
    #[serde(borrow)]
    properties: AlertProperties<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertProperties<'a> {
    #[serde(borrow)]
    additional_data: Additional<'a>,
}

#[derive(Deserialize)]
struct Additional<'a> {
    #[serde(borrow, rename = "Custom Details")]
    details: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    agent_id: Vec<String>,
    detection_id: Vec<String>,
}

/// How long the journal is, from the start on, as one is that was in use for a while.
const JOURNAL: u64 = 8 * 1024 * 1024;
/// What a body takes in it.
const PLACE: u64 = 8 * 1024;

/// A file of bodies, written over and over: the cheapest that keeps them.
struct Journal {
    file: File,
    next: AtomicU64,
}

impl Journal {
    fn in_folder_of(config: &str) -> Self {
        let path = Path::new(config).with_file_name("journal");
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).open(path).unwrap();
        file.write_all_at(&vec![0; JOURNAL as usize], 0).unwrap();
        file.sync_all().unwrap();
        let next = AtomicU64::new(0);
        Self { file, next }
    }

    /// On disk, once it answers.
    fn keep(&self, body: &[u8]) {
        let at = self.next.fetch_add(PLACE, Ordering::Relaxed) % JOURNAL;
        self.file.write_all_at(body, at).unwrap();
        self.file.sync_data().unwrap();
    }
}

struct Floor {
    key: Vec<u8>,
    graph: String,
    token: String,
    strikes: bool,
    journal: Option<Journal>,
    transport: Transport,
}

/// The child's side. Does it keep what it takes?
pub async fn serve(keeps: bool) {
    let secret = std::env::var("ESTOP_BENCH_SECRET").unwrap();
    let key = base64::engine::general_purpose::STANDARD
        .decode(secret.trim_start_matches("whsec_"))
        .unwrap();
    let path = std::env::var("ESTOP_BENCH_CONFIG").unwrap();
    let config = std::fs::read_to_string(&path).unwrap();
    let floor = Floor {
        key,
        graph: std::env::var("ESTOP_BENCH_GRAPH").unwrap(),
        token: std::env::var("ESTOP_BENCH_TOKEN").unwrap(),
        strikes: config.contains("mode: enforce"),
        journal: keeps.then(|| Journal::in_folder_of(&path)),
        transport: Transport::over_network().unwrap(),
    };
    let router = Router::new()
        .route("/v1/ingest/{source}", post(take))
        .with_state(Arc::new(floor));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", socket.local_addr().unwrap());
    let forever = tokio_util::sync::CancellationToken::new();
    listener::serve(
        socket,
        router,
        listener::Limits::default(),
        Clock::system(),
        forever,
    )
    .await;
}

async fn take(
    State(floor): State<Arc<Floor>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let Some(details) = checked(&floor, &headers, &body).and_then(|()| read(&body)) else {
        return (StatusCode::BAD_REQUEST, String::new());
    };
    if floor.strikes {
        let kept = kept(&floor, body);
        let thanked = kept.clone();
        tokio::spawn(async move { strike(&floor, &details.agent_id[0], kept).await });
        thanked.await;
        return (StatusCode::ACCEPTED, String::new());
    }
    let text = format!(
        r#"{{"id":"{}","state":"received"}}"#,
        details.detection_id[0]
    );
    (StatusCode::ACCEPTED, text)
}

fn checked(floor: &Floor, headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let mut mac = Hmac::<Sha256>::new_from_slice(&floor.key).ok()?;
    mac.update(format!("{}.{}.", text("webhook-id")?, text("webhook-timestamp")?).as_bytes());
    mac.update(body);
    let signature = text("webhook-signature")?.strip_prefix("v1,")?;
    let signature = base64::engine::general_purpose::STANDARD
        .decode(signature)
        .ok()?;
    mac.verify_slice(&signature).ok()
}

fn read(body: &[u8]) -> Option<Details> {
    let incident: Incident<'_> = serde_json::from_slice(body).ok()?;
    let properties = incident.object.properties;
    let alert = properties
        .alerts
        .first()
        .filter(|_| !properties.severity.is_empty())?;
    serde_json::from_str(&alert.properties.additional_data.details).ok()
}

/// Ends once the body is on disk, or at once where none is kept.
fn kept(floor: &Arc<Floor>, body: Bytes) -> Shared<BoxFuture<'static, ()>> {
    let floor = Arc::clone(floor);
    let writing = floor.journal.is_some().then(|| {
        tokio::task::spawn_blocking(move || floor.journal.iter().for_each(|it| it.keep(&body)))
    });
    let kept = async move {
        if let Some(writing) = writing {
            writing.await.unwrap();
        }
    };
    kept.boxed().shared()
}

/// Look, strike: what is left of it without a store.
async fn strike(floor: &Floor, agent: &str, kept: Shared<BoxFuture<'static, ()>>) {
    let place = format!(
        "{}/v1.0/servicePrincipals/{agent}/microsoft.graph.agentIdentity",
        floor.graph
    );
    let call = |method: &str, query: &str, body: &'static str| {
        http::Request::builder()
            .method(method)
            .uri(format!("{place}{query}"))
            .header("authorization", format!("Bearer {}", floor.token))
            .header("content-type", "application/json")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap()
    };
    let look = call("GET", "?$select=id,accountEnabled", "");
    let seen = floor.transport.send(look).await.unwrap();
    assert_eq!(seen.status(), StatusCode::OK);
    kept.await;
    let off = call("PATCH", "", r#"{"accountEnabled":false}"#);
    let done = floor.transport.send(off).await.unwrap();
    assert_eq!(done.status(), StatusCode::NO_CONTENT);
}
