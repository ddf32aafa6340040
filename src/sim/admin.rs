//! The side door for tests that drive another process over HTTP, under `/sim`.
//!
//! | Call | Does |
//! |---|---|
//! | `GET /sim/journal` | every request, as [`super::Arrival`] |
//! | `GET /sim/effects` | every change, as [`super::Effect`] |
//! | `GET /sim/state` | tenant id and name, agents, blueprints, users, principals, risks |
//! | `POST /sim/faults` | one [`Fault`] or a list of them |
//! | `POST /sim/clear` | takes back all faults and scheduled foreign writes |
//! | `POST /sim/release` | lets go what is held → `{"released": 1}` |
//! | `GET /sim/held` | `{"held": 1}` |
//! | `POST /sim/foreign` | a [`ForeignWrite`] → `{"effects": 1}` |
//! | `POST /sim/limits` | a [`Limits`]; the absent or `null` ones are off |
//! | `POST /sim/latency` | a span such as `"50ms"` |
//! | `POST /sim/permissions` | estop's application permissions, a list |
//! | `POST /sim/revoke` | refuses all access tokens issued so far |

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::moment::Span;
use crate::sim::changes::Switch;
use crate::sim::entra::Entra;
use crate::sim::faults::{Fault, On};
use crate::sim::journal::{Arrival, Effect};
use crate::sim::limits::Limits;
use crate::sim::risk::Risk;
use crate::sim::tenant::Tenant;

/// A change by somebody else, as a child process's test asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignWrite {
    /// Now, or beside certain requests.
    #[serde(default)]
    pub when: When,
    /// Object id of what changes.
    pub entity: Uuid,
    /// What changes.
    pub change: ForeignChange,
}

/// When a foreign write happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// At once.
    #[default]
    Now,
    /// Just before such a request acts.
    Before(On),
    /// Just after such a request has acted.
    After(On),
}

/// What a foreign write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignChange {
    /// `accountEnabled: true`.
    Enable,
    /// `accountEnabled: false`.
    Disable,
    /// ID Protection raises the risk to high by itself.
    RaiseRisk,
    /// A person dismisses the risk.
    DismissRisk,
    /// Deleted: reads are 404 from now on. Not counted as an effect.
    Delete,
}

impl ForeignChange {
    fn apply(self, tenant: &mut Tenant, id: Uuid) {
        match self {
            Self::Enable => tenant.switch(id, Switch::Enabled),
            Self::Disable => tenant.switch(id, Switch::Disabled),
            Self::RaiseRisk => tenant.judge(id, Risk::new("high", "atRisk", "none")),
            Self::DismissRisk => {
                tenant.judge(
                    id,
                    Risk::new("none", "dismissed", "adminDismissedRiskForAgent"),
                );
            }
            Self::Delete => tenant.delete(id),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Faults {
    Many(Vec<Fault>),
    One(Fault),
}

pub(super) fn router() -> Router<Entra> {
    Router::new()
        .route("/journal", get(journal))
        .route("/effects", get(effects))
        .route("/state", get(state))
        .route("/held", get(held))
        .route("/faults", post(faults))
        .route("/clear", post(clear))
        .route("/release", post(release))
        .route("/foreign", post(foreign))
        .route("/limits", post(limits))
        .route("/latency", post(latency))
        .route("/permissions", post(permissions))
        .route("/revoke", post(revoke))
}

async fn journal(State(entra): State<Entra>) -> Json<Vec<Arrival>> {
    Json(entra.journal())
}

async fn effects(State(entra): State<Entra>) -> Json<Vec<Effect>> {
    Json(entra.effects())
}

async fn state(State(entra): State<Entra>) -> Json<Value> {
    let tenant = entra.tenant();
    Json(json!({
        "id": tenant.id,
        "name": tenant.name,
        "agents": tenant.agents.values().collect::<Vec<_>>(),
        "blueprints": tenant.blueprints.values().collect::<Vec<_>>(),
        "users": tenant.users.values().collect::<Vec<_>>(),
        "principals": tenant.principals.values().collect::<Vec<_>>(),
        "risks": tenant.risks,
    }))
}

async fn held(State(entra): State<Entra>) -> Json<Value> {
    Json(json!({"held": entra.held()}))
}

async fn faults(State(entra): State<Entra>, Json(faults): Json<Faults>) -> StatusCode {
    match faults {
        Faults::One(fault) => entra.push_fault(fault),
        Faults::Many(faults) => faults.into_iter().for_each(|fault| entra.push_fault(fault)),
    }
    StatusCode::NO_CONTENT
}

async fn clear(State(entra): State<Entra>) -> StatusCode {
    entra.clear_faults();
    StatusCode::NO_CONTENT
}

async fn release(State(entra): State<Entra>) -> Json<Value> {
    Json(json!({"released": entra.release()}))
}

async fn foreign(State(entra): State<Entra>, Json(write): Json<ForeignWrite>) -> Json<Value> {
    let ForeignWrite {
        when,
        entity,
        change,
    } = write;
    let apply = move |tenant: &mut Tenant| change.apply(tenant, entity);
    let effects = match when {
        When::Now => entra.foreign_write(apply),
        When::Before(on) => {
            entra.foreign_write_before(on, apply);
            0
        }
        When::After(on) => {
            entra.foreign_write_after(on, apply);
            0
        }
    };
    Json(json!({"effects": effects}))
}

async fn limits(State(entra): State<Entra>, Json(limits): Json<Limits>) -> StatusCode {
    entra.set_limits(limits);
    StatusCode::NO_CONTENT
}

async fn latency(State(entra): State<Entra>, Json(latency): Json<Span>) -> StatusCode {
    entra.set_latency(latency.0);
    StatusCode::NO_CONTENT
}

async fn permissions(State(entra): State<Entra>, Json(names): Json<Vec<String>>) -> StatusCode {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    entra.set_permissions(&names);
    StatusCode::NO_CONTENT
}

async fn revoke(State(entra): State<Entra>) -> StatusCode {
    entra.revoke_access_tokens();
    StatusCode::NO_CONTENT
}
