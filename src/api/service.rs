//! The service itself: its mode and brake, its tokens.

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Api;
use super::body::Said;
use super::problem::Problem;
use super::query::Params;
use super::runs::taken;
use crate::command::Position;
use crate::domain::id::TokenId;
use crate::domain::moment::Moment;
use crate::domain::order::Operator;
use crate::domain::playbook::ServiceMode;
use crate::store::{Brake, Standing};

/// How far the service may go, and on whose word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingShown {
    /// The mode in force; `None` before anyone has set one, which acts as observe.
    pub mode: Option<ServiceMode>,
    /// Who set it: an operator, or `configuration`.
    pub mode_set_by: Option<String>,
    /// When.
    pub mode_set_at: Option<Moment>,
    /// Is the brake `tripped`, or `reset`?
    pub brake: String,
    /// Who moved it last.
    pub brake_moved_by: Option<String>,
    /// When.
    pub brake_moved_at: Option<Moment>,
    /// Why the service is not fit to act, where it is not.
    pub not_ready: Option<String>,
    /// Why nobody carries out what is ordered, where nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle: Option<String>,
}

impl StandingShown {
    fn of(standing: Standing, (not_ready, idle): (Option<String>, Option<String>)) -> Self {
        let (mode_set_by, mode_set_at) = standing.mode_by.unzip();
        let (brake_moved_by, brake_moved_at) = standing.brake_by.unzip();
        let brake = match standing.brake {
            Brake::On => "tripped",
            Brake::Off => "reset",
        };
        Self {
            mode: standing.mode,
            mode_set_by,
            mode_set_at,
            brake: brake.to_owned(),
            brake_moved_by,
            brake_moved_at,
            not_ready,
            idle,
        }
    }
}

pub(super) async fn mode(State(api): State<Api>) -> Result<Json<StandingShown>, Problem> {
    let standing = api.desk.standing().await?;
    let not_ready = (api.probes.ready)().await.err();
    let idle = idle(&api).await;
    Ok(Json(StandingShown::of(standing, (not_ready, idle))))
}

/// A console only takes orders: what if nobody carries them out?
async fn idle(api: &Api) -> Option<String> {
    if api.doctor.premises.role.works() {
        return None;
    }
    match api.desk.store().keeper().await {
        Ok(Some(_)) => None,
        Ok(None) => Some("no worker is alive: what is taken and ordered waits".to_owned()),
        Err(error) => Some(format!("whether a worker is alive is not known: {error}")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModeWanted {
    mode: ServiceMode,
    reason: String,
}

pub(super) async fn set_mode(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Said(wanted): Said<ModeWanted>,
) -> Result<Response, Problem> {
    let set = api
        .desk
        .set_mode(&operator, wanted.mode, &wanted.reason)
        .await;
    Ok(taken(set?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BrakeWanted {
    brake: BrakeWord,
    reason: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BrakeWord {
    Tripped,
    Reset,
}

pub(super) async fn brake(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    Said(wanted): Said<BrakeWanted>,
) -> Result<Response, Problem> {
    let to = match wanted.brake {
        BrakeWord::Tripped => Position::Tripped,
        BrakeWord::Reset => Position::Reset,
    };
    Ok(taken(api.desk.brake(&operator, to, &wanted.reason).await?))
}

/// A token as it may be shown: never its secret, nor its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenShown {
    /// Looks it up; names it when it is revoked.
    pub id: TokenId,
    /// What people call it.
    pub name: String,
    /// What it allows: `view`, `respond` or `ingest:NAME`.
    pub scope: String,
    /// When it was made.
    pub created_at: Moment,
    /// When it ends.
    pub expires_at: Moment,
    /// When a person ended it.
    pub revoked_at: Option<Moment>,
}

impl From<crate::store::StoredToken> for TokenShown {
    fn from(token: crate::store::StoredToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scope: token.scope.to_string(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}

/// Tokens are shown here, and made and revoked only at the machine itself.
pub(super) async fn tokens(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&[])?;
    let tokens = api.desk.store().tokens().await?;
    let tokens: Vec<TokenShown> = tokens.into_iter().map(TokenShown::from).collect();
    Ok(Json(json!({ "tokens": tokens })))
}
