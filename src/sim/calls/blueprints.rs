//! Blueprints' applications with their credentials, and blueprint principals that were deleted.

use serde_json::{Value, json};

use crate::sim::belongings::Shelf;
use crate::sim::calls::agents::after;
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::only;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::shelves::{application, check_members, text, values};
use crate::sim::calls::{Answered, Reply};
use crate::sim::tenant::Tenant;

pub(in crate::sim) fn list_blueprints(tenant: &Tenant, call: &Call) -> Answered {
    only(call, &["$select", "$filter"])?;
    let text = call.parameter("$filter").unwrap_or_default();
    let app = text
        .strip_prefix("appId eq '")
        .and_then(|rest| rest.strip_suffix('\''))
        .and_then(guid)
        .ok_or_else(|| Refusal::unsupported_query(format!("Unsupported Query: '{text}'.")))?;
    // An application of another tenant is not listed in ours.
    let ours = tenant
        .blueprint_of_app(app)
        .filter(|it| it.owner_tenant == tenant.id);
    let shown = ours.map(|it| {
        let of = |shelf| -> Vec<Value> {
            let held = tenant.held(shelf, it.ids.principal);
            held.into_iter().map(|(_, body)| body).collect()
        };
        json!({
            "id": it.ids.application, "appId": it.ids.app,
            "passwordCredentials": of(Shelf::Secrets), "keyCredentials": of(Shelf::Certificates),
        })
    });
    Ok(values(shown.into_iter().collect()))
}

pub(in crate::sim) fn remove_password(tenant: &mut Tenant, call: &Call, id: &str) -> Answered {
    let owner = application(tenant, id)?;
    let body = call.json()?;
    check_members(&body, &["keyId"])?;
    let key = text(&body, "keyId")?;
    let held = tenant.item(Shelf::Secrets, key);
    if held.is_none_or(|item| item.owner != owner) {
        let message = format!("No password credential found with keyId '{key}'.");
        return Err(Refusal::bad_request(message));
    }
    tenant.take(Shelf::Secrets, key);
    Ok(Reply::NoContent)
}

/// Certificates can only be taken all at once here; nothing adds any.
pub(in crate::sim) fn update_blueprint(tenant: &mut Tenant, call: &Call, id: &str) -> Answered {
    let owner = application(tenant, id)?;
    let body = call.json()?;
    let none = json!([]);
    if body.len() != 1 || body.get("keyCredentials") != Some(&none) {
        return Err(Refusal::bad_request(
            "Only an empty list of keyCredentials is modelled.",
        ));
    }
    for (key, _) in tenant.held(Shelf::Certificates, owner) {
        tenant.take(Shelf::Certificates, &key);
    }
    Ok(Reply::NoContent)
}

pub(in crate::sim) fn list_deleted(tenant: &Tenant, call: &Call) -> Answered {
    only(call, &["$select"])?;
    let ids = after(tenant.deleted.keys(), None);
    Ok(values(
        ids.into_iter().map(|id| json!({"id": id})).collect(),
    ))
}

pub(in crate::sim) fn restore(tenant: &mut Tenant, id: &str) -> Answered {
    let principal = guid(id)
        .filter(|id| tenant.deleted.contains_key(id))
        .ok_or_else(|| Refusal::no_resource(id))?;
    tenant.restore(principal);
    Ok(Reply::Json(json!({
        "@odata.type": "#microsoft.graph.agentIdentityBlueprintPrincipal", "id": principal,
    })))
}
