//! What was gathered beside a strike: shown, and as one signed file.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;

use super::Api;
use super::body::Named;
use super::problem::Problem;
use crate::domain::id::RunId;
use crate::evidence::Shown;

pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<RunId>,
) -> Result<Json<Shown>, Problem> {
    let shown = api.evidence.show(id).await?;
    shown.map(Json).ok_or_else(Problem::nowhere)
}

/// The exact bytes of the bundle, which are signed.
pub(super) async fn bundle(
    State(api): State<Api>,
    Named(id): Named<RunId>,
) -> Result<Response, Problem> {
    let text = api.evidence.bundle(id).await?;
    let text = text.ok_or_else(Problem::nowhere)?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}
