//! What came in, what it was read as, what was decided, and reading it again.

use std::str::FromStr;

use axum::Json;
use axum::extract::{Extension, State};
use http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::body::Named;
use super::problem::Problem;
use super::query::Params;
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, DetectionId, NotAnId};
use crate::domain::order::Operator;

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["state", "limit", "cursor"])?;
    let limit = params.limit()?;
    let state = params.each("state", DeliveryState::from_word)?.pop();
    let before: Option<DetectionId> = params.one("cursor")?;
    let store = api.desk.store();
    let listed = store
        .deliveries(state.map(DeliveryState::word), before, limit)
        .await?;
    let full = u32::try_from(listed.len()).is_ok_and(|count| count == limit);
    let next = listed.last().filter(|_| full).and_then(|row| {
        let id: DeliveryId = row.get("delivery")?.as_str()?.parse().ok()?;
        Some(DetectionId::from(id))
    });
    Ok(Json(json!({ "detections": listed, "next": next })))
}

pub(super) async fn show(
    State(api): State<Api>,
    Named(Asked(id)): Named<Asked>,
) -> Result<Json<Value>, Problem> {
    let store = api.desk.store();
    let status = store.status_of(id).await?.ok_or_else(Problem::nowhere)?;
    let decisions = match &status.detection {
        Some(detection) => store.detection(detection.id).await?,
        None => None,
    };
    Ok(Json(json!({
        "delivery": id,
        "state": status.delivery_state,
        "why": status.why,
        "detection": status.detection,
        "decisions": decisions.map(|(_, decisions)| decisions).unwrap_or_default(),
        "runs": status.runs,
    })))
}

pub(super) async fn replay(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Named(Asked(id)): Named<Asked>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    api.desk.replay(&operator, id).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "delivery": id, "state": DeliveryState::Received })),
    ))
}

/// A delivery and its detection share their letters, so either name finds it.
pub(super) struct Asked(DeliveryId);

impl FromStr for Asked {
    type Err = NotAnId;

    fn from_str(id: &str) -> Result<Self, NotAnId> {
        let detection = id.parse::<DetectionId>();
        let of_detection = detection.map(|id| DeliveryId::from_uuid(id.uuid()));
        of_detection.or_else(|_| id.parse()).map(Self)
    }
}
