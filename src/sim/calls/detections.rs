//! What ID Protection has detected: about agents (beta), about plain service principals (v1.0).

use serde_json::{Value, json};

use crate::domain::moment::Moment;
use crate::sim::calls::Answered;
use crate::sim::calls::call::Call;
use crate::sim::calls::logs::{page, terms, unsupported};
use crate::sim::risk::RiskDetection;
use crate::sim::state::State;
use crate::sim::tenant::{Kind, Tenant};

/// Words that only come to who sends `Prefer: include-unknown-enum-members`.
const NEW_WORDS: [&str; 1] = ["agentIdentityBlueprintPrincipal"];

/// Which detections a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Sort {
    OfAgents,
    OfPrincipals,
}

impl Sort {
    /// By the last segment of its path.
    pub(in crate::sim) fn of(segment: &str) -> Option<Self> {
        match segment {
            "agentRiskDetections" => Some(Self::OfAgents),
            "servicePrincipalRiskDetections" => Some(Self::OfPrincipals),
            _ => None,
        }
    }
}

/// `GET /identityProtection/agentRiskDetections` and `…/servicePrincipalRiskDetections`.
pub(in crate::sim) fn list(state: &State, call: &Call, sort: Sort) -> Answered {
    let mut since = None;
    for term in terms(call)? {
        let moment = term.strip_prefix("detectedDateTime ge ");
        let moment = moment.and_then(Moment::parse);
        since = Some(moment.ok_or_else(|| unsupported(&term))?);
    }
    let tenant = &state.tenant;
    let all = call.header("prefer") == Some("include-unknown-enum-members");
    let wanted = tenant
        .detections
        .iter()
        .filter(|one| since.is_none_or(|since| one.detected_at >= since))
        .filter_map(|one| match sort {
            Sort::OfAgents => of_agent(tenant, one, all),
            Sort::OfPrincipals => of_principal(tenant, one),
        });
    page(call, wanted.collect())
}

fn of_agent(tenant: &Tenant, one: &RiskDetection, all: bool) -> Option<Value> {
    let kind = match tenant.kind(one.entity)? {
        Kind::Agent => "agentIdentity",
        Kind::BlueprintPrincipal => "agentIdentityBlueprintPrincipal",
        Kind::AgentUser => "agentUser",
        Kind::User => "user",
        Kind::ServicePrincipal | Kind::ManagedIdentity => return None,
    };
    let kind = if all || !NEW_WORDS.contains(&kind) {
        kind
    } else {
        "unknownFutureValue"
    };
    let blueprint = tenant.agents.get(&one.entity).map(|it| it.blueprint_app_id);
    Some(json!({
        "id": one.id, "activityDateTime": one.detected_at, "detectedDateTime": one.detected_at,
        "lastModifiedDateTime": one.detected_at, "detectionTimingType": "offline",
        "identityId": one.entity, "agentId": one.entity, "identityType": kind,
        "blueprintId": blueprint, "displayName": "someone", "agentDisplayName": "someone",
        "additionalInfo": "[]", "riskEvidence": null, "riskEventType": one.event_type,
        "riskDetail": one.risk.detail, "riskLevel": one.risk.level, "riskState": one.risk.state,
        "source": "IdentityProtection",
    }))
}

fn of_principal(tenant: &Tenant, one: &RiskDetection) -> Option<Value> {
    if tenant.kind(one.entity)? != Kind::ServicePrincipal {
        return None;
    }
    let app = tenant.principals.get(&one.entity).map(|it| it.app_id);
    Some(json!({
        "id": one.id, "activity": "servicePrincipal", "activityDateTime": one.detected_at,
        "detectedDateTime": one.detected_at, "lastUpdatedDateTime": one.detected_at,
        "detectionTimingType": "offline", "servicePrincipalId": one.entity, "appId": app,
        "servicePrincipalDisplayName": "someone", "keyIds": [], "additionalInfo": "[]",
        "ipAddress": null, "location": null, "riskEventType": one.event_type,
        "riskDetail": one.risk.detail, "riskLevel": one.risk.level, "riskState": one.risk.state,
        "source": "IdentityProtection", "tokenIssuerType": "AzureAD",
    }))
}
