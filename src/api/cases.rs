//! What cases keep: shown, kept, released.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::body::Posted;
use super::problem::Problem;
use super::query::Params;
use super::runs::taken;
use crate::command::{ToKeep, Wanted};
use crate::domain::id::RunId;
use crate::domain::retention::CaseName;

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["run"])?;
    let kept = api.desk.kept(params.one("run")?).await?;
    Ok(Json(json!({ "kept": kept })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseGiven {
    case: CaseName,
    reason: String,
}

pub(super) async fn keep(
    State(api): State<Api>,
    word: Posted<RunId, CaseGiven>,
) -> Result<Response, Problem> {
    carry(&api, word, Wanted::Kept).await
}

pub(super) async fn release(
    State(api): State<Api>,
    word: Posted<RunId, CaseGiven>,
) -> Result<Response, Problem> {
    carry(&api, word, Wanted::Released).await
}

async fn carry(
    api: &Api,
    word: Posted<RunId, CaseGiven>,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let idempotency_key = word.needed_key()?;
    let kept = ToKeep {
        run: word.id,
        case: word.said.case,
        wanted,
        reason: word.said.reason,
        idempotency_key,
    };
    Ok(taken(api.desk.keep(&word.operator, kept).await?))
}
