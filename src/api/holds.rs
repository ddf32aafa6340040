//! What is held: by whose word, until when, and whether it is still as it was left.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Api;
use super::body::Named;
use super::problem::Problem;
use super::query::Params;
use crate::domain::entity::ObjectId;
use crate::domain::hold::Held;
use crate::store::HeldFilter;

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["run", "limit", "cursor"])?;
    let limit = params.limit()?;
    let filter = HeldFilter {
        run: params.one("run")?,
        after: params.one("cursor")?,
        limit,
    };
    let held = api.desk.store().held(filter).await?;
    let full = u32::try_from(held.len()).is_ok_and(|count| count == limit);
    let next = held.last().filter(|_| full).map(|held| held.entity.id);
    Ok(Json(json!({ "holds": held, "next": next })))
}

/// One entity that is held, by its object id.
pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<ObjectId>,
) -> Result<Json<Held>, Problem> {
    let held = api.desk.store().held_by_id(id).await?;
    held.map(Json).ok_or_else(Problem::nowhere)
}
