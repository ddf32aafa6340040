//! People's words through the control API, on a whole service and a simulated tenant.

mod asked;
mod brakes;
mod contain;
mod records;
mod senders;
mod tokens;
mod typed;
mod undo;

use axum::Router;
use axum::body::Body;
use estop::command::{NewName, at_the_machine, create_token};
use estop::domain::order::Scope;
use estop::domain::record::Record;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt as _;

use crate::world::{Setting, World};

/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 3600);

/// A world, its control API, and a token that may respond.
pub struct Desk {
    pub world: World,
    pub api: Router,
    pub token: String,
}

/// A reply, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub async fn with(setting: Setting) -> Self {
        let world = World::with(setting).await;
        world.settle().await;
        // Who we are is learned in the first moments; until then nothing may be touched.
        world.pass(Duration::from_secs(1)).await;
        let token = token(&world, "soc", Scope::Respond).await;
        Self {
            api: world.service.control(),
            world,
            token,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let reply = self.api.clone().oneshot(request).await.unwrap();
        let (parts, body) = reply.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(asking(Method::GET, path, &self.token, None))
            .await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(asking(Method::POST, path, &self.token, Some(body)))
            .await
    }

    pub async fn plan(&self, kind: &str, id: impl ToString) -> Reply {
        let entity = json!({ "entity": { "kind": kind, "id": id.to_string() } });
        self.post("/v1/plans", entity).await
    }

    /// Plans and contains an entity, and waits until that is over; answers the run's id.
    pub async fn contained(&self, kind: &str, id: impl ToString) -> String {
        let plan = self.plan(kind, id).await;
        assert_eq!(plan.status, StatusCode::CREATED, "{}", plan.text);
        let word = json!({ "plan_digest": plan.body["plan_digest"], "reason": "leaked" });
        let taken = self.post("/v1/runs", word).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
        self.world.settle().await;
        taken.body["run"].as_str().unwrap().to_owned()
    }

    /// Takes a fresh token: one lives for thirty days here.
    pub async fn renew(&mut self) {
        let name = format!("soc-{}", self.world.clock.now().as_seconds());
        self.token = token(&self.world, &name, Scope::Respond).await;
    }

    /// Every record so far.
    pub async fn records(&self) -> Vec<Record> {
        let lines = self.world.service.store.sealed_lines(0, 10_000).await;
        let lines = lines.unwrap();
        lines
            .iter()
            .map(|line| serde_json::from_str(&line.line).unwrap())
            .collect()
    }
}

/// A fresh token of this world.
pub async fn token(world: &World, name: &str, scope: Scope) -> String {
    let tools = (&world.service.store, &world.clock);
    let who = at_the_machine("dana");
    let name = NewName::new(name).unwrap();
    let created = create_token(tools, &who, (name, scope), 30 * DAY).await;
    created.unwrap().text
}

/// A request with a bearer token, a fresh idempotency key, and perhaps a body.
pub fn asking(method: Method, path: &str, token: &str, body: Option<Value>) -> Request<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"));
    match body {
        None => request.body(Body::empty()),
        Some(body) => request
            .header("content-type", "application/json")
            .body(Body::from(body.to_string())),
    }
    .unwrap()
}

/// The same request with an idempotency key.
pub fn keyed(mut request: Request<Body>, key: &str) -> Request<Body> {
    let key = key.parse().unwrap();
    request.headers_mut().insert("idempotency-key", key);
    request
}
