//! Access tokens: how they are made, and what one is worth at Graph's door.
//!
//! They are shaped like JWTs (`header.claims.seal`, base64url without padding) but sealed by the
//! model itself, so nobody can check them but the model.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::calls::call::Call;
use crate::sim::calls::refusal::Refusal;
use crate::sim::faults::plan::claims_from;
use crate::sim::state::State;
use crate::sim::tenant::Tenant;

const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// Who calls Graph, as its access token says.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::sim) struct Caller {
    #[serde(rename = "appid")]
    pub(in crate::sim) app: Uuid,
    roles: Vec<String>,
    aud: String,
    exp: i64,
    sim_epoch: u32,
}

impl Caller {
    /// Whether it holds all of any one line.
    pub(in crate::sim) fn may(&self, lines: &[&[&str]]) -> bool {
        let holds = |name: &&str| self.roles.iter().any(|role| role == name);
        lines.iter().any(|line| line.iter().all(holds))
    }
}

/// Who stands behind the access token of a call to Graph.
pub(in crate::sim) fn caller(state: &State, call: &Call) -> Result<Caller, Refusal> {
    caller_of(state, call, |audience| {
        is_for_graph(&state.tenant, audience)
    })
}

/// The same for another resource, which takes access tokens for itself only.
pub(in crate::sim) fn caller_of(
    state: &State,
    call: &Call,
    is_ours: impl Fn(&str) -> bool,
) -> Result<Caller, Refusal> {
    let header = call.header("authorization").unwrap_or_default();
    let Some(token) = header.strip_prefix("Bearer ") else {
        return Err(Refusal::no_access("Access token is empty."));
    };
    let sealed = token
        .rsplit_once('.')
        .filter(|(claims, seal)| *seal == sealed(state, claims));
    let claims = sealed
        .and_then(|(claims, _)| claims.split_once('.'))
        .map(|(_, claims)| claims);
    let caller: Option<Caller> = claims
        .and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok())
        .and_then(|claims| serde_json::from_slice(&claims).ok());
    let Some(caller) = caller else {
        return Err(Refusal::no_access("CompactToken validation failed."));
    };
    if !is_ours(&caller.aud) {
        return Err(Refusal::no_access(
            "Access token validation failure. Invalid audience.",
        ));
    }
    if caller.exp <= call.at.as_seconds() {
        return Err(Refusal::no_access(
            "Lifetime validation failed, the token is expired.",
        ));
    }
    if caller.sim_epoch < state.token_epoch {
        return Err(Refusal::claims_wanted(&claims_from(call.at)));
    }
    Ok(caller)
}

/// An access token of estop for an audience, with the client capability it asked for.
pub(in crate::sim) fn own_access_token(
    state: &State,
    (id, at): (Uuid, Moment),
    (audience, capability): (&str, Option<&'static str>),
) -> Result<(String, Moment), Refusal> {
    let client = &state.tenant.client;
    let own = state.tenant.principals.get(&client.principal);
    if !own.is_some_and(|own| own.account_enabled) {
        return Err(disabled(&client.app.to_string(), "estop"));
    }
    let mut claims = json!({
        "aud": audience, "appid": client.app, "oid": client.principal,
        "roles": client.permissions,
    });
    if let Some(capability) = capability {
        claims["xms_cc"] = json!([capability]);
    }
    Ok(access_token(state, (id, at), claims))
}

pub(in crate::sim) fn access_token(
    state: &State,
    (id, at): (Uuid, Moment),
    mut claims: Value,
) -> (String, Moment) {
    let until = at.plus(state.tenant.token_life.0);
    let tenant = state.tenant.id;
    for (name, value) in [
        ("iss", json!(format!("https://sts.windows.net/{tenant}/"))),
        ("tid", json!(tenant)),
        ("sub", claims["oid"].clone()),
        ("iat", json!(at.as_seconds())),
        ("nbf", json!(at.as_seconds())),
        ("exp", json!(until.as_seconds())),
        ("idtyp", json!("app")),
        ("uti", json!(id)),
        ("ver", json!("1.0")),
        ("sim_epoch", json!(state.token_epoch)),
    ] {
        claims[name] = value;
    }
    let header = json!({"typ": "JWT", "alg": "simulated", "kid": "simulated"});
    let [header, claims] = [header, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
    let open = format!("{header}.{claims}");
    let seal = sealed(state, &open);
    (format!("{open}.{seal}"), until)
}

fn sealed(state: &State, open: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(state.token_secret);
    hash.update(open.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

pub(in crate::sim) fn disabled(app: &str, name: &str) -> Refusal {
    let text = format!("Application '{app}'({name}) is disabled.");
    Refusal::sign_in(7_000_112, "unauthorized_client", &text)
}

pub(in crate::sim) fn is_for_graph(tenant: &Tenant, resource: &str) -> bool {
    resource == GRAPH_APP || tenant.graph_audiences.iter().any(|it| it == resource)
}
