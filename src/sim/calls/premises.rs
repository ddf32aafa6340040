//! Licences, and what Azure Resource Manager says about the tenant's logs.

use http::StatusCode;
use serde_json::{Value, json};

use crate::sim::calls::call::Call;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply, tokens};
use crate::sim::state::State;

/// Whose access tokens Azure Resource Manager takes.
const ARM: &str = "https://management.azure.com";

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

/// ID Protection without a licence. Microsoft documents no code for agents; this one is known from
/// reports.
pub(in crate::sim) fn unlicensed() -> Refusal {
    let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    let message = "Neither tenant is B2C or tenant doesn't have premium license";
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}
