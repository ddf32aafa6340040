//! Licences, and what Azure Resource Manager says about the tenant's logs.

use http::StatusCode;
use serde_json::{Value, json};

use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::only;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply, tokens};
use crate::sim::state::State;

/// Whose access tokens Azure Resource Manager takes.
const ARM: &str = "https://management.azure.com";

/// Role assignments on one page.
const AZURE_PAGE: usize = 2;

/// What the tenant has subscribed to.
pub(in crate::sim) fn licences(state: &State) -> Answered {
    let plans: Vec<Value> = state
        .tenant
        .premises
        .plans
        .iter()
        .map(|name| json!({ "servicePlanName": name, "provisioningStatus": "Success" }))
        .collect();
    Ok(Reply::Json(json!({ "value": [{
        "skuPartNumber": "SIMULATED", "capabilityStatus": "Enabled", "servicePlans": plans,
    }] })))
}

/// The tenant-wide diagnostic settings.
pub(in crate::sim) fn diagnostics(state: &State, call: &Call) -> Answered {
    tokens::caller_of(state, call, |audience| audience == ARM)?;
    if call.parameter("api-version").is_none() {
        let code = "MissingApiVersionParameter";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, code, "api-version"));
    }
    Ok(Reply::Json(
        json!({ "value": state.tenant.premises.diagnostics }),
    ))
}

/// The directory roles there are.
pub(in crate::sim) fn role_definitions(state: &State, call: &Call) -> Answered {
    only(call, &["$select"])?;
    let all = state.tenant.premises.role_definitions.iter();
    let value: Vec<Value> = all
        .map(|(id, name)| json!({ "id": id, "displayName": name }))
        .collect();
    Ok(Reply::Json(json!({ "value": value })))
}

/// A principal's role assignments in a subscription, a few a page.
pub(in crate::sim) fn azure_roles(state: &State, call: &Call, subscription: &str) -> Answered {
    tokens::caller_of(state, call, |audience| audience == ARM)?;
    if call.parameter("api-version").is_none() {
        let code = "MissingApiVersionParameter";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, code, "api-version"));
    }
    let Some(roles) = &state.tenant.premises.azure_roles else {
        let message = "The client does not have authorization to perform action \
                       'Microsoft.Authorization/roleAssignments/read'.";
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "AuthorizationFailed",
            message,
        ));
    };
    let filter = call.parameter("$filter").unwrap_or_default();
    let id = filter.strip_prefix("principalId eq '");
    let Some(id) = id.and_then(|it| it.strip_suffix('\'')).and_then(guid) else {
        let message = format!("The filter '{filter}' is not supported.");
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "UnsupportedQuery",
            message,
        ));
    };
    let under = format!("/subscriptions/{subscription}");
    let held: Vec<&Value> = roles
        .iter()
        .filter(|role| role["properties"]["principalId"] == json!(id))
        .filter(|role| {
            let scope = role["properties"]["scope"].as_str();
            scope.is_some_and(|scope| scope.starts_with(&under))
        })
        .collect();
    let from: usize = call
        .parameter("$skipToken")
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    let mut body = json!({ "value": held.iter().skip(from).take(AZURE_PAGE).collect::<Vec<_>>() });
    if held.len() > from + AZURE_PAGE {
        body["nextLink"] = json!(format!(
            "{}{}?api-version=2022-04-01&$filter=principalId%20eq%20'{id}'&$skipToken={}",
            call.base,
            call.path,
            from + AZURE_PAGE
        ));
    }
    Ok(Reply::Json(body))
}

/// ID Protection without a licence. Microsoft documents no code for agents; this one is known from
/// reports.
pub(in crate::sim) fn unlicensed() -> Refusal {
    let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    let message = "Neither tenant is B2C or tenant doesn't have premium license";
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}
