//! Conditional Access policies: the one that makes risk block, if the tenant has it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::sim::calls::call::Call;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply};
use crate::sim::risk::RiskPolicy;
use crate::sim::state::State;

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
