//! The token endpoints: what must be shown, and which switches stand in the way.

use serde_json::json;
use uuid::Uuid;

use crate::sim::calls::assertion;
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::refusal::{Refusal, Shape};
use crate::sim::calls::tokens::{access_token, disabled, is_for_graph, own_access_token};
use crate::sim::calls::{Answered, Reply};
use crate::sim::logs::SignInLine;
use crate::sim::risk::RiskPolicy;
use crate::sim::state::State;
use crate::sim::tenant::Tenant;

/// Resources that exist but whose access tokens Graph refuses.
const OTHER_RESOURCES: [&str; 3] = [
    "https://management.azure.com",
    "https://api.loganalytics.io",
    "https://ai.azure.com",
];

/// The App Service managed-identity endpoint, api-version 2019-08-01.
pub(in crate::sim) fn by_managed_identity(state: &mut State, call: &Call) -> Answered {
    let client = &state.tenant.client;
    let ours = call.header("x-identity-header") == Some(client.identity_header.as_str());
    let version = call.parameter("api-version") == Some("2019-08-01");
    let chosen = call
        .parameter("client_id")
        .is_none_or(|id| guid(id) == Some(client.app));
    if !ours || !version || !chosen {
        let text = "The identity header, the api-version or the client_id is wrong.";
        return Err(Refusal::sign_in(700_016, "invalid_request", text));
    }
    let resource = call.parameter("resource").unwrap_or_default().to_owned();
    let audience = audience(&state.tenant, &resource)?;
    let (token, until) = own_access_token(state, (call.id, call.at), (&audience, None))?;
    Ok(Reply::Json(json!({
        "access_token": token,
        "expires_on": until.as_seconds().to_string(),
        "resource": resource,
        "token_type": "Bearer",
    })))
}

/// The public halves of the keys that sign tokens for other services, to whoever asks.
pub(in crate::sim) fn signing_keys(state: &mut State, tenant: &str) -> Answered {
    is_here(state, tenant)?;
    let tenant = state.tenant.id;
    Ok(Reply::Json(state.issuer.listed(tenant)))
}

fn is_here(state: &State, tenant: &str) -> Result<(), Refusal> {
    if guid(tenant) == Some(state.tenant.id) || tenant == state.tenant.domain {
        return Ok(());
    }
    let text = format!("Tenant '{tenant}' not found.");
    Err(Refusal::sign_in(90_002, "invalid_request", &text))
}

/// The v2.0 token endpoint, client credentials only: estop with its secret or an assertion, or an
/// agent (`client_id` is the agent's id) with the secret of its blueprint, and with `user_id` as
/// its own user.
pub(in crate::sim) fn by_grant(state: &mut State, call: &Call, tenant: &str) -> Answered {
    is_here(state, tenant)?;
    let form = Form(call.form());
    if form.get("grant_type") != Some("client_credentials") {
        let text = "The grant type is not modelled.";
        return Err(Refusal::sign_in(70_003, "unsupported_grant_type", text));
    }
    let scope = form.get("scope").unwrap_or_default();
    let Some(resource) = scope.strip_suffix("/.default") else {
        let text = format!("The scope '{scope}' must end in /.default.");
        return Err(Refusal::sign_in(1_002_012, "invalid_scope", &text));
    };
    let audience = audience(&state.tenant, resource)?;
    let named = form.get("client_id").unwrap_or_default();
    let (token, until) = if guid(named) == Some(state.tenant.client.app) {
        match form.get("client_assertion") {
            Some(text) => assertion::admitted(state, call, text)?,
            None => credential(&form, &state.tenant.client.secret)?,
        }
        let capability = assertion::capability(form.get("claims"))?;
        state.asked_claims = form.get("claims").map(str::to_owned);
        own_access_token(state, (call.id, call.at), (&audience, capability))?
    } else {
        let tried = admitted(&state.tenant, &form, named);
        log(state, call, (&form, named, &audience), tried.as_ref().err());
        let agent = tried?;
        let claims = json!({
            "aud": audience, "appid": agent.agent, "oid": agent.acts_as, "roles": [],
            "xms_par_app_azp": agent.blueprint,
        });
        access_token(state, (call.id, call.at), claims)
    };
    let seconds = until.since(call.at).as_secs();
    Ok(Reply::Json(json!({
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": token,
    })))
}

/// Writes an agent's attempt into the sign-in log. Events of an agent as itself land among those
/// of service principals, as its user among the non-interactive ones (Microsoft, 2026-04).
fn log(
    state: &mut State,
    call: &Call,
    (form, named, audience): (&Form, &str, &str),
    refused: Option<&Refusal>,
) {
    let tenant = &mut state.tenant;
    let Some(agent) = guid(named).and_then(|id| tenant.agents.get(&id)) else {
        return;
    };
    let user = form.get("user_id").and_then(guid);
    let error_code = match refused.map(|refusal| refusal.shape) {
        Some(Shape::OAuth(code)) => code,
        Some(Shape::Graph) | None => 0,
    };
    let line = SignInLine {
        at: call.at,
        event: match user {
            Some(_) => "nonInteractiveUser".to_owned(),
            None => "servicePrincipal".to_owned(),
        },
        app: agent.id,
        principal: user.is_none().then_some(agent.id),
        user,
        resource: Uuid::new_v5(&tenant.id, audience.as_bytes()),
        error_code,
        agent: json!({
            "agentType": "agenticAppInstance", "agentSubjectType": "notAgentic",
            "agentSubjectParentId": null, "parentAppId": agent.blueprint_app_id,
        }),
    };
    tenant.log_sign_in(line);
}

struct Form(Vec<(String, String)>);

impl Form {
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// An agent that passed every switch in its way.
struct Admitted {
    agent: Uuid,
    acts_as: Uuid,
    blueprint: Uuid,
}

fn admitted(tenant: &Tenant, form: &Form, named: &str) -> Result<Admitted, Refusal> {
    let unknown = || {
        let text = format!("Application with identifier '{named}' was not found.");
        Refusal::sign_in(700_016, "unauthorized_client", &text)
    };
    let agent = guid(named)
        .and_then(|id| tenant.agents.get(&id))
        .ok_or_else(unknown)?;
    let blueprint = tenant
        .blueprint_of_app(agent.blueprint_app_id)
        .ok_or_else(unknown)?;
    credential(form, &blueprint.secret)?;
    for (enabled, app, name) in [
        (
            blueprint.account_enabled,
            blueprint.ids.app,
            &blueprint.display_name,
        ),
        (agent.account_enabled, agent.id, &agent.display_name),
    ] {
        if !enabled {
            return Err(disabled(&app.to_string(), name));
        }
    }
    let risky = tenant.risk(agent.id).level == "high";
    let applies = !tenant.premises.security_defaults;
    if risky && applies && tenant.risk_policy == RiskPolicy::BlocksHigh {
        let text = "Access has been blocked by Conditional Access policies.";
        return Err(Refusal::sign_in(53_003, "access_denied", text));
    }
    let acts_as = match form.get("user_id") {
        None => agent.id,
        Some(user) => own_user(tenant, agent.id, user)?,
    };
    Ok(Admitted {
        agent: agent.id,
        acts_as,
        blueprint: blueprint.ids.app,
    })
}

fn own_user(tenant: &Tenant, agent: Uuid, text: &str) -> Result<Uuid, Refusal> {
    let user = guid(text)
        .and_then(|id| tenant.users.get(&id))
        .filter(|user| user.identity_parent_id == Some(agent))
        .ok_or_else(|| Refusal::sign_in(50_034, "invalid_grant", "The user does not exist."))?;
    if !user.account_enabled {
        return Err(Refusal::sign_in(
            50_057,
            "invalid_grant",
            "The user account is disabled.",
        ));
    }
    Ok(user.id)
}

fn credential(form: &Form, secret: &str) -> Result<(), Refusal> {
    if form.get("client_secret") == Some(secret) {
        return Ok(());
    }
    Err(Refusal::sign_in(
        7_000_215,
        "invalid_client",
        "Invalid client secret provided.",
    ))
}

fn audience(tenant: &Tenant, resource: &str) -> Result<String, Refusal> {
    let plain = resource.trim_end_matches('/');
    let known = is_for_graph(tenant, plain) || OTHER_RESOURCES.contains(&plain);
    if known {
        return Ok(plain.to_owned());
    }
    let text = format!("The resource principal named {resource} was not found.");
    Err(Refusal::sign_in(500_011, "invalid_resource", &text))
}
