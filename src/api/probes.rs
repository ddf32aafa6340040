//! What every part of a service shows: whether it lives, whether it is fit, what it counts.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::door::{self, Entrance};
use crate::telemetry::MEDIA_TYPE;

/// Says whether the service is fit for what it is there for, and why not.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Everything that is counted, in OpenMetrics text.
pub type Scrape = Arc<dyn Fn() -> String + Send + Sync>;

/// What the probes are made of; the roof provides it.
#[derive(Clone)]
pub struct Probes {
    /// Lets requests in.
    pub entrance: Entrance,
    /// What is counted, as text at this moment.
    pub scrape: Scrape,
    /// Is it fit?
    pub ready: Ready,
}

/// The probes alone, for a part of a service that takes no orders. They ask for the same credentials
/// as beside the control API.
pub fn probes(probes: Probes) -> Router {
    let entrance = probes.entrance.clone();
    routes()
        .with_state(probes)
        .fallback(door::nowhere)
        .method_not_allowed_fallback(door::no_such_method)
        .layer(axum::middleware::from_fn_with_state(entrance, door::pass))
}

pub(super) fn routes() -> Router<Probes> {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
}

async fn healthz() -> &'static str {
    "ok\n"
}

/// A stranger learns whether, and not why; the reason stands at `/v1/mode`.
async fn readyz(State(probes): State<Probes>) -> (StatusCode, &'static str) {
    match (probes.ready)().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}

async fn metrics(State(probes): State<Probes>) -> Response {
    ([(CONTENT_TYPE, MEDIA_TYPE)], (probes.scrape)()).into_response()
}
