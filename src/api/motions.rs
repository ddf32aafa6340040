//! What takes two people: caps, freezes, and the motions about them.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::body::{Named, Posted, ReasonGiven, Said, key};
use super::problem::Problem;
use super::query::Params;
use super::runs::replayed;
use crate::command::{CapsShown, MotionShown, OnMotion, ToFreeze, ToRaise};
use crate::domain::freeze::Freeze;
use crate::domain::id::{FreezeId, MotionId};
use crate::domain::moment::Span;
use crate::domain::order::Operator;
use crate::store::Taking;

pub(super) async fn caps(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<CapsShown>, Problem> {
    params.only(&[])?;
    Ok(Json(api.desk.caps().await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RaiseWanted {
    tenant: Option<u32>,
    source: Option<u32>,
    fleet_percent: Option<u32>,
    #[serde(rename = "for")]
    lasts: Span,
    reason: String,
}

/// Proposes higher caps; a second person must agree.
pub(super) async fn raise(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    headers: HeaderMap,
    Said(wanted): Said<RaiseWanted>,
) -> Result<Response, Problem> {
    let word = ToRaise {
        tenant: wanted.tenant,
        source: wanted.source,
        fleet_percent: wanted.fleet_percent,
        lasts: wanted.lasts,
        reason: wanted.reason,
        idempotency_key: key(&headers)?.unwrap_or_else(|| fresh(&api)),
    };
    proposed(&api, api.desk.raise_caps(&operator, word).await?).await
}

/// Ends raised caps before their time.
pub(super) async fn lower(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    headers: HeaderMap,
    Said(wanted): Said<ReasonGiven>,
) -> Result<Json<CapsShown>, Problem> {
    let key = key(&headers)?.unwrap_or_else(|| fresh(&api));
    api.desk
        .lower_caps(&operator, (&wanted.reason, key))
        .await?;
    Ok(Json(api.desk.caps().await?))
}

/// A word without a key of its own is taken as new each time.
fn fresh(api: &Api) -> String {
    api.desk.clock().uuid().to_string()
}

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["limit"])?;
    let motions = api.desk.store().motions(params.limit()?).await?;
    Ok(Json(json!({ "motions": motions })))
}

pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<MotionId>,
) -> Result<Json<MotionShown>, Problem> {
    Ok(Json(api.desk.motion(id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct YesGiven {
    digest: String,
    reason: Option<String>,
}

pub(super) async fn second(
    State(api): State<Api>,
    word: Posted<MotionId, YesGiven>,
) -> Result<Json<MotionShown>, Problem> {
    let on = OnMotion {
        motion: word.id,
        idempotency_key: word.needed_key()?,
        reason: word.said.reason,
    };
    let said = (word.said.digest, on);
    Ok(Json(api.desk.second(&word.operator, said).await?))
}

pub(super) async fn deny(
    State(api): State<Api>,
    word: Posted<MotionId, ReasonGiven>,
) -> Result<Json<MotionShown>, Problem> {
    let on = OnMotion {
        motion: word.id,
        idempotency_key: word.needed_key()?,
        reason: Some(word.said.reason),
    };
    Ok(Json(api.desk.deny_motion(&word.operator, on).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FreezeWanted {
    plan_digest: Option<String>,
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    dry_run: bool,
}

/// `dry_run` shows whom it would contain; with that list's digest it is proposed.
pub(super) async fn freeze(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    headers: HeaderMap,
    Said(wanted): Said<FreezeWanted>,
) -> Result<Response, Problem> {
    let (false, Some(plan_digest)) = (wanted.dry_run, wanted.plan_digest) else {
        return Ok(Json(api.desk.plan_freeze().await?).into_response());
    };
    let word = ToFreeze {
        idempotency_key: key(&headers)?.unwrap_or_else(|| fresh(&api)),
        plan_digest,
        confirm: wanted.confirm,
        reason: wanted.reason,
    };
    let motion = api.desk.propose_freeze(&operator, word).await?;
    let shown = api.desk.motion(motion).await?;
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

pub(super) async fn freezes(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<Value>, Problem> {
    params.only(&["limit"])?;
    let freezes = api.desk.store().freezes(params.limit()?).await?;
    Ok(Json(json!({ "freezes": freezes })))
}

pub(super) async fn show_freeze(
    State(api): State<Api>,
    Named(id): Named<FreezeId>,
) -> Result<Json<Freeze>, Problem> {
    Ok(Json(api.desk.freeze(id).await?))
}

pub(super) async fn stop(
    State(api): State<Api>,
    word: Posted<FreezeId, ReasonGiven>,
) -> Result<Json<Freeze>, Problem> {
    let said = (word.id, word.said.reason.as_str(), word.needed_key()?);
    api.desk.stop_freeze(&word.operator, said).await?;
    Ok(Json(api.desk.freeze(word.id).await?))
}

/// Proposes that it is put back as a whole; a second person must agree.
pub(super) async fn thaw(
    State(api): State<Api>,
    word: Posted<FreezeId, ReasonGiven>,
) -> Result<Response, Problem> {
    let said = (word.id, word.said.reason.as_str(), word.needed_key()?);
    let taking = api.desk.thaw(&word.operator, said).await?;
    proposed(&api, taking).await
}

async fn proposed(api: &Api, taking: Taking) -> Result<Response, Problem> {
    let shown = api
        .desk
        .motion(MotionId::from_uuid(taking.order.uuid()))
        .await?;
    let reply = (StatusCode::ACCEPTED, Json(shown)).into_response();
    Ok(replayed(reply, taking))
}
