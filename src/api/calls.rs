//! People call playbooks.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::Api;
use super::body::Posted;
use super::problem::Problem;
use crate::command::ToCall;
use crate::domain::entity::ObjectId;
use crate::domain::id::DetectionId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallGiven {
    entities: Vec<ObjectId>,
    #[serde(default)]
    params: BTreeMap<String, String>,
    reason: String,
}

/// 202 with the detection's address: what follows is decided there.
pub(super) async fn call(
    State(api): State<Api>,
    word: Posted<PlaybookWord, CallGiven>,
) -> Result<Response, Problem> {
    let call = ToCall {
        idempotency_key: word.needed_key()?,
        playbook: word.id.0,
        entities: word.said.entities,
        params: word.said.params,
        reason: word.said.reason,
    };
    let delivery = api.desk.call(&word.operator, call).await?;
    let detection = DetectionId::from(delivery);
    let said = json!({ "delivery": delivery, "detection": detection });
    let mut reply = (StatusCode::ACCEPTED, Json(said)).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/detections/{detection}")) {
        reply.headers_mut().insert(LOCATION, location);
    }
    Ok(reply)
}

/// The name of a playbook in a path.
pub(super) struct PlaybookWord(crate::domain::playbook::PlaybookName);

impl std::str::FromStr for PlaybookWord {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let name = crate::domain::playbook::PlaybookName::new(text);
        name.map(Self).ok_or(())
    }
}
