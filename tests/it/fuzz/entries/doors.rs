//! Whole requests at the doors: what a stranger asks changes nothing and learns nothing, and no
//! request makes the service fail (threats W08, W25, C01, C02, C04).

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use estop::clock::Clock;
use estop::command::{NewName, at_the_machine, create_token};
use estop::domain::entity::ObjectId;
use estop::domain::order::Scope;
use estop::domain::tools::{Bots, Refused, Tools};
use estop::ingress::{CopilotDoor, Environment, Fallback, copilot_router};
use estop::telemetry::Metrics;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::chance::head_and_body;
use super::{now, tokens};
use crate::world::World;

/// What every refusal of the ingest door that could tell a stranger something says.
const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;

/// A service on a simulated tenant, one for each thread that plays.
struct Stage {
    runtime: Runtime,
    world: World,
    control: Router,
    looker: String,
    asker: String,
    refused: Bytes,
}

thread_local! {
    static STAGE: OnceCell<Stage> = const { OnceCell::new() };
}

impl Stage {
    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        let (world, looker, asker, refused) = runtime.block_on(async {
            let world = World::new().await;
            world.pass(Duration::from_secs(1)).await;
            let looker = token(&world, "looker", Scope::View).await;
            let asker = token(&world, "asker", Scope::Respond).await;
            let unsigned = Request::post("/v1/ingest/lab")
                .header("content-type", "application/json")
                .body(Body::from("{}"));
            let (status, _, refused) = sent(&world.door, unsigned.unwrap()).await;
            assert_eq!(status, REFUSED);
            (world, looker, asker, refused)
        });
        Self {
            control: world.service.control(),
            runtime,
            world,
            looker,
            asker,
            refused,
        }
    }

    fn send(&self, door: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
        self.runtime.block_on(sent(door, request))
    }
}

async fn token(world: &World, name: &str, scope: Scope) -> String {
    let tools = (&world.service.store, &world.clock);
    let (who, name) = (at_the_machine("dana"), NewName::new(name).unwrap());
    let month = Duration::from_secs(30 * 24 * 3600);
    let created = create_token(tools, &who, (name, scope), month).await;
    created.unwrap().text
}

async fn sent(door: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let reply = door.clone().oneshot(request).await.unwrap();
    let (parts, body) = reply.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, body)
}

/// The input as a request: a line `METHOD TARGET`, a head, a body. `None` for what HTTP refuses.
fn request(bytes: &[u8]) -> Option<Request<Vec<u8>>> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = str::from_utf8(&bytes[..end]).ok()?.trim_end();
    let (method, target) = line.split_once(' ')?;
    let (headers, body) = head_and_body(&bytes[end + 1..]);
    let request = Request::builder().method(method).uri(target);
    let mut request = request.body(body.to_vec()).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

fn full(request: Request<Vec<u8>>) -> Request<Body> {
    request.map(Body::from)
}

/// A stranger's request stores nothing and is told no secret; a genuine delivery is always taken,
/// whatever it says.
pub fn for_senders(bytes: &[u8]) {
    STAGE.with(|stage| {
        let stage = stage.get_or_init(Stage::new);
        if let Some(request) = request(bytes) {
            let (status, headers, body) = stage.send(&stage.world.door, full(request));
            assert!(
                !status.is_success() && !status.is_server_error(),
                "{status}"
            );
            assert!(!headers.contains_key("location"));
            assert!(status != REFUSED || body == stage.refused, "{body:?}");
        }
        let Ok(text) = str::from_utf8(bytes) else {
            return;
        };
        stage.world.hand.advance(Duration::from_secs(1));
        let (status, told) = stage.runtime.block_on(stage.world.post(text));
        assert_eq!(status, StatusCode::ACCEPTED, "{told}");
    });
}

/// Without a credential only the two probes answer; who may look changes nothing; a refusal says
/// what was done and what to do.
pub fn for_control(bytes: &[u8]) {
    let Some(request) = request(bytes) else {
        return;
    };
    STAGE.with(|stage| {
        let stage = stage.get_or_init(Stage::new);
        let path = request.uri().path().to_owned();
        let is_probe = path == "/healthz" || path == "/readyz";

        let strange = stage.send(&stage.control, full(request.clone()));
        is_told_in_full(request.method(), &strange);
        assert!(is_probe || !strange.0.is_success(), "{path}: {}", strange.0);

        let looked = stage.send(&stage.control, full(by(&stage.looker, &request)));
        is_told_in_full(request.method(), &looked);
        let looks = matches!(*request.method(), Method::GET | Method::HEAD);
        assert!(looks || !looked.0.is_success(), "{path}: {}", looked.0);

        // A plan is drawn up and touches nothing.
        if path == "/v1/plans" {
            let asked = stage.send(&stage.control, full(by(&stage.asker, &request)));
            is_told_in_full(request.method(), &asked);
        }
    });
}

fn by(token: &str, request: &Request<Vec<u8>>) -> Request<Vec<u8>> {
    let mut request = request.clone();
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    request
}

fn is_told_in_full(method: &Method, (status, headers, body): &(StatusCode, HeaderMap, Bytes)) {
    assert_ne!(*status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(headers["cache-control"], "no-store");
    if *method == Method::HEAD || status.as_u16() < 400 || body == "not ready\n".as_bytes() {
        return;
    }
    let told: Value = serde_json::from_slice(body).expect("a refusal is JSON");
    assert_eq!(told["status"], status.as_u16(), "{told}");
    assert!(told["done"] == "nothing", "{told}");
    assert!(
        told["retryable"].is_boolean() && told["fix"].is_string(),
        "{told}"
    );
}

const BOT: Uuid = Uuid::from_u128(0x5be3_e14e_2e46_f111_bec6_7c1e_5234_4333);
const FREE_BOT: Uuid = Uuid::from_u128(0x5be3_e14e_2e46_f111_bec6_7c1e_5234_4334);

/// Whatever a question says beside it, the bot of a contained agent is never let pass; and a
/// stranger's question is not answered.
pub fn for_copilot(bytes: &[u8]) {
    let (check, token, tenant) = tokens::gate();
    let contained = ObjectId::from_uuid(Uuid::from_u128(1));
    let free = ObjectId::from_uuid(Uuid::from_u128(2));
    let mut bots = Bots::default();
    bots.add(BOT.to_string().parse().unwrap(), contained);
    bots.add(FREE_BOT.to_string().parse().unwrap(), free);
    let tools = Tools::default();
    tools.know(bots);
    tools.hold(Refused::of(vec![contained]));
    let (clock, _hand) = Clock::by_hand(now());
    let door = copilot_router(CopilotDoor {
        callers: check.clone(),
        tools: Arc::new(tools),
        tenant,
        environments: BTreeMap::from([("prod".to_owned(), Environment::default())]),
        cannot_tell: Fallback::Block,
        unmapped: Fallback::Block,
        clock,
        metrics: Arc::new(Metrics::default()),
    });
    let ask = |token: &str| {
        let request = Request::post("/v1/copilot/prod/analyze-tool-execution")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::from(bytes.to_vec()))
            .unwrap();
        let answer = futures_util::FutureExt::now_or_never(sent(&door, request));
        answer.expect("nothing is waited for")
    };

    let (status, _, body) = ask(token);
    assert_eq!(status, StatusCode::OK);
    let said: Value = serde_json::from_slice(&body).unwrap();
    if said["blockAction"] != true {
        // Only the bot that nobody stopped passes, and it is named in the one place for it.
        let is_free = |id: &str| id.eq_ignore_ascii_case(&FREE_BOT.to_string());
        match serde_json::from_slice::<Value>(bytes) {
            Ok(question) => {
                let named = question["conversationMetadata"]["agent"]["id"].as_str();
                assert!(named.is_some_and(is_free), "{said}");
            }
            // A conversation may be nested deeper than this reader goes; the door passes over it.
            Err(_) => assert!(!String::from_utf8_lossy(bytes).contains(&BOT.to_string())),
        }
    }
    let (status, ..) = ask("a.b.c");
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
