//! Conditional Access policies: the one that makes risk block, if the tenant has it; and security
//! defaults, which go before them.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::sim::calls::call::Call;
use crate::sim::calls::odata::only;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply};
use crate::sim::risk::RiskPolicy;
use crate::sim::state::State;

/// Who may see whether security defaults are on.
pub(in crate::sim) const MAY_READ_DEFAULTS: &[&[&str]] =
    &[&["Policy.Read.All"], &["Policy.ReadWrite.SecurityDefaults"]];

pub(in crate::sim) fn list(state: &State, call: &Call) -> Answered {
    if call.parameters().next().is_some() {
        return Err(Refusal::unsupported_query(
            "No query option is modelled here.",
        ));
    }
    let mut policies = match state.tenant.risk_policy {
        RiskPolicy::Absent => Vec::new(),
        RiskPolicy::BlocksHigh => vec![blocks_high(state.tenant.id)],
    };
    policies.extend(state.tenant.premises.policies.iter().cloned());
    Ok(Reply::Json(json!({ "value": policies })))
}

/// `GET /policies/identitySecurityDefaultsEnforcementPolicy`.
pub(in crate::sim) fn defaults(state: &State, call: &Call) -> Answered {
    only(call, &["$select"])?;
    let mut whole = json!({
        "id": "00000000-0000-0000-0000-000000000005",
        "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms.",
        "isEnabled": state.tenant.premises.security_defaults,
    });
    if let (Some(chosen), Some(members)) = (call.parameter("$select"), whole.as_object_mut()) {
        let chosen: Vec<&str> = chosen.split(',').collect();
        members.retain(|name, _| chosen.contains(&name.as_str()));
    }
    Ok(Reply::Json(whole))
}

fn blocks_high(tenant: Uuid) -> Value {
    json!({
        "id": Uuid::new_v5(&tenant, b"policy"),
        "displayName": "Block agents at high risk",
        "state": "enabled",
        "conditions": {
            "agentIdRiskLevels": "high",
            "clientApplications": {
                "includeServicePrincipals": [],
                "includeAgentIdServicePrincipals": ["All"],
                "excludeAgentIdServicePrincipals": [],
                "agentIdServicePrincipalFilter": null,
            },
            "applications": { "includeApplications": ["All"], "excludeApplications": [] },
            "users": { "includeUsers": ["None"] },
            "locations": null,
        },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] },
    })
}
