//! The body Microsoft Sentinel's incident trigger would forward for the demo's detection: only the
//! parts a reader needs, in the shape the connector gives them.

use serde_json::{Value, json};
use uuid::Uuid;

/// A detection about one agent, as Sentinel tells it. Custom details are a JSON string whose
/// members are arrays of strings.
pub(super) fn body(tenant: Uuid, agent: Uuid, ids: [Uuid; 2], now: &str) -> Value {
    let [incident, detection] = ids;
    let details = json!({
        "AgentId": [agent], "IdentityType": ["AgentIdentity"], "EntraTenantId": [tenant],
        "DetectionType": ["threatIntelligenceAccount"], "DetectionId": [detection],
    });
    let base = "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/rg-soc/providers\
                /Microsoft.OperationalInsights/workspaces/law-soc/providers/Microsoft.SecurityInsights";
    json!({
        "eventUniqueId": incident, "objectSchemaType": "Incident", "objectEventType": "Create",
        "object": {
            "id": format!("{base}/Incidents/{incident}"), "name": incident,
            "type": "Microsoft.SecurityInsights/Incidents",
            "properties": {
                "title": "Agent identity at risk", "severity": "High", "status": "New",
                "createdTimeUtc": now, "incidentNumber": 4182, "providerName": "Azure Sentinel",
                "alerts": [{
                    "id": format!("{base}/Entities/{detection}"), "kind": "SecurityAlert",
                    "properties": {
                        "systemAlertId": detection, "severity": "High", "timeGenerated": now,
                        "startTimeUtc": now, "endTimeUtc": now,
                        "alertDisplayName": "Agent identity at risk",
                        "additionalData": { "Custom Details": details.to_string() },
                    },
                }],
                "relatedEntities": [], "bookmarks": [], "comments": [],
            },
        },
    })
}
