//! The gate of Copilot Studio with 100,000 contained bots: how long an answer takes.
//!
//! Each question comes over a socket with its own check of the access token. Half of them are about
//! contained bots. Meanwhile everything is read anew from the store, as it is once a minute.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use estop::app::Service;
use estop::clock::Clock;
use estop::listener;
use estop::sim::{AppToken, Entra, Limits, Tenant, TokenVersion};
use rusqlite::{Connection, params};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::sender::Sender;
use crate::stage::{Line, millis, quantile, report};

/// Contained service principals, each a bot.
const HELD: u32 = 100_000;
/// Bots that are known and not contained.
const FREE: u32 = 1_000;
/// Questions a second, and for how long: longer than from one reading of everything to the next.
const PER_SECOND: u32 = 500;
const SECONDS: u32 = 75;
const CONNECTIONS: u32 = 8;
/// What design §11 asks for.
const GATE: Duration = Duration::from_millis(5);

const AUDIENCE: &str = "api://estop.bench.example";
const APP: Uuid = Uuid::from_u128(0xA99);

/// Measures and reports.
pub async fn bench() {
    let clock = Clock::system();
    let entra = Entra::new(clock.clone(), Tenant::contoso());
    entra.set_limits(Limits::off());
    let folder = crate::stage::machine::folder();
    let parts = || crate::radius::parts_with(folder.path(), &entra, &clock, &configuration());
    // The first start makes the schema.
    let service = Service::start(parts()).await.unwrap();
    service.stop(Duration::from_secs(5)).await;
    fill(&folder.path().join("estop.db"));
    let service = Service::start(parts()).await.unwrap();
    let door = service.ingress("https://estop.example".parse().unwrap());
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let forever = tokio_util::sync::CancellationToken::new();
    let limits = listener::Limits::default();
    tokio::spawn(listener::serve(
        socket,
        door.unwrap(),
        limits,
        clock,
        forever,
    ));
    let token = entra.app_token(AppToken {
        caller: APP,
        app: APP,
        audience: AUDIENCE,
        roles: &[],
        version: TokenVersion::V2,
    });
    let tenant = entra.tenant().id;
    let loaded = until_loaded(&service).await;
    let (mut spans, wrong) = ask_all(&address, &token, tenant).await;
    spans.sort();

    let text = service.metrics.text();
    let refused = text
        .lines()
        .find(|line| line.contains(r#"outcome="refused""#));
    let figure = |share| millis(quantile(&spans, share));
    let p99 = quantile(&spans, 0.99);
    let lines = [
        Line::new("everything held read after the start", millis(loaded)),
        Line::new("answer, p50", figure(0.5)),
        Line::new("answer, p99", figure(0.99)).gate("5 ms", p99 <= GATE),
        Line::new("answer, p99.9", figure(0.999)),
        Line::new("answer, longest", figure(1.0)),
        Line::new("not answered with 200", wrong.to_string()).gate("0", wrong == 0),
    ];
    let title = format!(
        "gate: {PER_SECOND} questions a second for {SECONDS} s, {HELD} bots contained; {}",
        refused.unwrap_or("none refused")
    );
    report(&title, &lines);
    service.stop(Duration::from_secs(5)).await;
}

fn configuration() -> String {
    format!(
        "inventory: {{ every: 0s }}\ncopilot:\n  \
         verify: {{ audience: [\"{AUDIENCE}\"], applications: [{APP}] }}\n  \
         environments: {{ prod: {{}} }}\n"
    )
}

fn bot(number: u32) -> Uuid {
    Uuid::from_u128(0xB07 << 96 | u128::from(number))
}

/// Rows as the service would have written them over a long time.
fn fill(path: &Path) {
    let mut db = Connection::open(path).unwrap();
    let tx = db.transaction().unwrap();
    for number in 0..HELD + FREE {
        let id = Uuid::from_u128(0x1D << 96 | u128::from(number))
            .as_bytes()
            .to_vec();
        let tags = json!({ (format!("power-virtual-agents-{}", bot(number))): "true" });
        tx.execute(
            "insert into inventory (entity_id, entity_kind, enabled, by_microsoft, tags, seen_at) \
             values (?1, 'service_principal', 0, 0, ?2, 0)",
            params![id, tags.to_string()],
        )
        .unwrap();
        if number < HELD {
            tx.execute(
                "insert into containment (entity_kind, entity_id, state, since) \
                 values ('service_principal', ?1, 'closed', 0)",
                params![id],
            )
            .unwrap();
        }
    }
    tx.commit().unwrap();
}

async fn until_loaded(service: &Service) -> Duration {
    let began = Instant::now();
    let held = format!("estop_gate_held {HELD}");
    while !service.metrics.text().contains(&held) {
        assert!(began.elapsed() < Duration::from_secs(60), "never loaded");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

fn question(token: &str, tenant: Uuid, number: u32) -> Vec<u8> {
    let held = number.is_multiple_of(2);
    let asks = if held {
        bot(number % HELD)
    } else {
        bot(HELD + number % FREE)
    };
    let history: Vec<_> = (0..8)
        .map(|n| json!({ "id": n.to_string(), "role": "user", "content": "words ".repeat(60) }))
        .collect();
    let body = json!({
        "plannerContext": { "userMessage": "go on", "chatHistory": history,
            "previousToolsOutputs": [] },
        "toolDefinition": { "id": "cra_bot.action.Do", "name": "Do" }, "inputValues": {},
        "conversationMetadata": { "agent": { "id": asks, "tenantId": tenant,
            "environmentId": "Default-1", "isPublished": true }, "conversationId": "c" },
    })
    .to_string();
    format!(
        "POST /v1/copilot/prod/analyze-tool-execution?api-version=2025-05-01 HTTP/1.1\r\n\
         host: bench\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// At a steady rate, whatever the replies do.
async fn ask_all(address: &str, token: &str, tenant: Uuid) -> (Vec<Duration>, usize) {
    let (token, began) = (Arc::new(token.to_owned()), Instant::now());
    let mut tasks = JoinSet::new();
    for one in 0..CONNECTIONS {
        let mut sender = Sender::to(address).await;
        let token = Arc::clone(&token);
        tasks.spawn(async move {
            let (mut spans, mut wrong) = (Vec::new(), 0);
            for number in (one..PER_SECOND * SECONDS).step_by(CONNECTIONS as usize) {
                let request = question(&token, tenant, number);
                let due = f64::from(number) / f64::from(PER_SECOND);
                tokio::time::sleep_until((began + Duration::from_secs_f64(due)).into()).await;
                let sent = Instant::now();
                wrong += usize::from(sender.send(&request).await != 200);
                spans.push(sent.elapsed());
            }
            (spans, wrong)
        });
    }
    let (mut all, mut wrong) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (spans, missed) = done.unwrap();
        all.extend(spans);
        wrong += missed;
    }
    (all, wrong)
}
