//! What was gathered beside a strike: shown, and as one signed file.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;

use super::Api;
use super::body::named;
use super::problem::Problem;
use crate::domain::id::RunId;
use crate::evidence::Shown;

pub(super) async fn show(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let id: RunId = named(&id)?;
    let shown = api.evidence.show(id).await?;
    shown.map(Json).ok_or_else(Problem::nowhere)
}

/// The exact bytes of the bundle, which are signed.
pub(super) async fn bundle(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: RunId = named(&id)?;
    let text = api.evidence.bundle(id).await?;
    let text = text.ok_or_else(Problem::nowhere)?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}
