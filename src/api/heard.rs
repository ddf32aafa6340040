//! What the door for senders heard lately.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::Api;
use super::problem::Problem;
use super::query::Params;

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["after"])?;
    let after: Option<u64> = params.one("after")?;
    let heard = api.heard.as_ref().ok_or_else(Problem::hears_nobody)?;
    Ok(Json(heard(after.unwrap_or(0))))
}
