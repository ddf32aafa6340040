//! Announced changes: shown, announced, ended.

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::body::{Posted, ReasonGiven, Said, key, key_missing};
use super::problem::Problem;
use super::query::Params;
use super::runs::{replayed, taken};
use crate::command::ToExpect;
use crate::domain::detection::DetectionType;
use crate::domain::entity::ObjectId;
use crate::domain::id::ExpectationId;
use crate::domain::moment::Span;
use crate::domain::order::Operator;

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&[])?;
    let expectations = api.desk.expectations().await?;
    Ok(Json(json!({ "expectations": expectations })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectationGiven {
    blueprint: ObjectId,
    #[serde(default)]
    detections: Vec<DetectionType>,
    #[serde(rename = "for")]
    span: Span,
    because: String,
}

/// 202 with the announcement as it stands.
pub(super) async fn announce(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    headers: HeaderMap,
    Said(said): Said<ExpectationGiven>,
) -> Result<Response, Problem> {
    let word = ToExpect {
        blueprint: said.blueprint,
        detections: said.detections,
        span: said.span,
        because: said.because,
        idempotency_key: key(&headers)?.ok_or_else(key_missing)?,
    };
    let taking = api.desk.expect(&operator, word).await?;
    let id = ExpectationId::from_uuid(taking.order.uuid());
    let open = api.desk.expectations().await?;
    let expectation = open.into_iter().find(|one| one.id == id);
    let said = json!({
        "order": taking.order, "repeated": taking.repeated, "id": id,
        "expectation": expectation,
    });
    let reply = (StatusCode::ACCEPTED, Json(said)).into_response();
    Ok(replayed(reply, taking))
}

pub(super) async fn end(
    State(api): State<Api>,
    word: Posted<ExpectationId, ReasonGiven>,
) -> Result<Response, Problem> {
    let said = (word.said.reason.clone(), word.needed_key()?);
    let taking = api
        .desk
        .end_expectation(&word.operator, word.id, said)
        .await?;
    Ok(taken(taking))
}
