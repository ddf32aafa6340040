//! Drills: asked for, shown.

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Api;
use super::body::{Named, Said};
use super::problem::Problem;
use super::query::Params;
use crate::domain::drill::{Drill, Hop, Passed};
use crate::domain::entity::ObjectId;
use crate::domain::evidence::TokenSeen;
use crate::domain::id::DrillId;
use crate::domain::order::Operator;

/// A drill with the seconds of each hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillShown {
    /// The drill.
    #[serde(flatten)]
    pub drill: Drill,
    /// Each hop that is over, and how long it took after the one before.
    pub legs: Vec<Leg>,
    /// From the asking to the last hop.
    pub seconds: f64,
    /// Was Entra seen to refuse the canary a token?
    pub token: TokenSeen,
}

/// How long one hop took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Which.
    pub hop: Hop,
    /// Since the hop before it.
    pub seconds: f64,
}

impl DrillShown {
    /// What the log shows stands among the hops, by Entra's clock.
    fn of(mut drill: Drill, token: TokenSeen) -> Self {
        if let TokenSeen::Refused { at } = token {
            let hop = Hop::TokenRefused;
            drill.hops.push(Passed { hop, at });
            drill.hops.sort_by_key(|one| (one.at, one.hop));
        }
        let legs: Vec<Leg> = drill
            .legs()
            .map(|(hop, span)| Leg {
                hop,
                seconds: span.as_secs_f64(),
            })
            .collect();
        Self {
            seconds: legs.iter().map(|leg| leg.seconds).sum(),
            legs,
            drill,
            token,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DrillWanted {
    canary: Option<ObjectId>,
}

/// 202 with the drill's address; it is carried out by the service's own loop.
pub(super) async fn ask(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Said(wanted): Said<DrillWanted>,
) -> Result<Response, Problem> {
    let drill = api.drills.ask(&operator, wanted.canary).await?;
    let location = format!("/v1/drills/{}", drill.id);
    let shown = shown(&api, drill).await?;
    let mut reply = (StatusCode::ACCEPTED, Json(shown)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        reply.headers_mut().insert(LOCATION, location);
    }
    Ok(reply)
}

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["limit"])?;
    let mut drills = Vec::new();
    for drill in api.drills.list(params.limit()?).await? {
        drills.push(shown(&api, drill).await?);
    }
    Ok(Json(json!({ "drills": drills })))
}

async fn shown(api: &Api, drill: Drill) -> Result<DrillShown, Problem> {
    let token = api.drills.token_seen(&drill).await?;
    Ok(DrillShown::of(drill, token))
}

pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<DrillId>,
) -> Result<Json<DrillShown>, Problem> {
    let drill = api.drills.show(id).await?;
    Ok(Json(shown(&api, drill).await?))
}
