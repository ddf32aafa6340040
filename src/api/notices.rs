//! What people were told, and their word about it.

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::body::{Named, Said};
use super::problem::Problem;
use super::query::Params;
use crate::command::NoticeShown;
use crate::domain::id::NoticeId;
use crate::domain::order::Operator;
use crate::store::Which;

/// No member is expected.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["open", "limit"])?;
    let which = match params.one::<bool>("open")? {
        Some(true) => Which::OpenPages,
        Some(false) | None => Which::All,
    };
    let notices = api.desk.notices(which, params.limit()?).await?;
    Ok(Json(json!({ "notices": notices })))
}

pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<NoticeId>,
) -> Result<Json<NoticeShown>, Problem> {
    Ok(Json(api.desk.notice(id).await?))
}

pub(super) async fn acknowledge(
    State(api): State<Api>,
    Named(id): Named<NoticeId>,
    Extension(operator): Extension<Operator>,
    Said(Nothing {}): Said<Nothing>,
) -> Result<Json<NoticeShown>, Problem> {
    Ok(Json(api.desk.acknowledge(&operator, id).await?))
}

pub(super) async fn resolve(
    State(api): State<Api>,
    Named(id): Named<NoticeId>,
    Extension(operator): Extension<Operator>,
    Said(Nothing {}): Said<Nothing>,
) -> Result<Json<NoticeShown>, Problem> {
    Ok(Json(api.desk.resolve(&operator, id).await?))
}

/// 202 with the notice; its places are told within seconds.
pub(super) async fn test(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Said(Nothing {}): Said<Nothing>,
) -> Result<Response, Problem> {
    let shown = api.desk.test_page(&operator).await?;
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}
