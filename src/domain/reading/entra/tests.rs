use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{Context, NotUnderstood, ReaderKind, Reading, read};
use crate::domain::detection::{Detection, Severity, SourceName};
use crate::domain::entity::EntityKind;
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;

const AGENT: &str = "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317";
const OTHER: &str = "11111111-52bd-4f38-9e61-c0d2a8b5f317";

fn context() -> Context {
    Context {
        tenant: "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62".parse().unwrap(),
        types: BTreeMap::new(),
        mapping: None,
        source: SourceName::new("entra").unwrap(),
        id: DetectionId::from_uuid(uuid::Uuid::from_u128(7)),
        received_at: Moment::from_millis(1_790_000_000_000),
    }
}

fn reading(body: &Value) -> Result<Reading, NotUnderstood> {
    read(ReaderKind::Entra, body.to_string().as_bytes(), &context())
}

fn understood(body: &Value) -> Detection {
    match reading(body) {
        Ok(Reading::Detection(detection)) => *detection,
        other => panic!("{other:?}"),
    }
}

fn detection() -> Value {
    json!({ "agentRiskDetection": {
        "id": "d-1", "identityId": AGENT, "agentId": AGENT, "identityType": "agentIdentity",
        "riskEventType": "threatIntelligenceAccount", "riskLevel": "high", "riskState": "atRisk",
        "detectedDateTime": "2026-09-01T10:00:00Z", "activityDateTime": "2026-09-01T09:00:00Z",
        "blueprintId": OTHER, "displayName": "Invoice bot", "additionalInfo": "[]",
    }})
}

fn with(member: &str, value: Value) -> Value {
    let mut body = detection();
    body["agentRiskDetection"][member] = value;
    body
}

#[test]
fn a_detection_about_an_agent_has_the_key_that_a_siem_gives_it() {
    let detection = understood(&detection());

    let key = format!(
        "d-1/threatIntelligenceAccount/{}",
        detection.entities[0].entity
    );
    assert_eq!(detection.key, key);
    assert_eq!(detection.severity, Severity::High);
    assert_eq!(detection.entities[0].entity.kind, EntityKind::Agent);
    assert_eq!(detection.detected_at, Moment::parse("2026-09-01T10:00:00Z"));
    assert!(detection.remarks.is_empty());
}

#[test]
fn what_is_settled_starts_nothing_and_what_is_unknown_is_remarked() {
    for word in ["dismissed", "remediated", "confirmedSafe", "none"] {
        let read = reading(&with("riskState", json!(word)));
        assert!(matches!(read, Ok(Reading::Nothing { .. })), "{word}");
    }

    let unknown = understood(&with("riskState", json!("unknownFutureValue")));
    assert_eq!(unknown.remarks.len(), 1);
    let hidden = understood(&with("riskLevel", json!("hidden")));
    assert_eq!(hidden.severity, Severity::Informational);
    assert_eq!(hidden.remarks.len(), 1);
}

#[test]
fn kinds_are_graphs_words_and_a_person_is_left_alone() {
    for (word, kind) in [
        ("agentUser", EntityKind::AgentUser),
        ("agentIdentityBlueprintPrincipal", EntityKind::Blueprint),
    ] {
        let detection = understood(&with("identityType", json!(word)));
        assert_eq!(detection.entities[0].entity.kind, kind);
    }

    let person = reading(&with("identityType", json!("user")));
    assert!(matches!(person, Ok(Reading::Nothing { .. })));
    assert!(reading(&with("identityType", json!("unknownFutureValue"))).is_err());
}

#[test]
fn the_old_name_of_the_target_is_taken_and_two_targets_are_not() {
    let mut old = detection();
    let members = old["agentRiskDetection"].as_object_mut().unwrap();
    members.remove("identityId");

    assert_eq!(
        understood(&old).entities[0].found_at,
        "agentRiskDetection.agentId"
    );
    assert!(reading(&with("agentId", json!(OTHER))).is_err());
}

#[test]
fn no_single_changed_member_is_lost_or_names_someone_else() {
    let whole = detection();
    let members = whole["agentRiskDetection"].as_object().unwrap();
    for member in members.keys() {
        for value in [None, Some(Value::Null), Some(json!(7)), Some(json!([]))] {
            let mut body = whole.clone();
            let changed = body["agentRiskDetection"].as_object_mut().unwrap();
            match &value {
                None => changed.remove(member),
                Some(value) => changed.insert(member.clone(), value.clone()),
            };

            // Not understood is kept aside; what is understood names the same agent.
            if let Ok(read) = reading(&body) {
                let Reading::Detection(read) = read else {
                    panic!("{member} {value:?}: lost");
                };
                assert_eq!(read.entities[0].entity.id.to_string(), AGENT);
            }
        }
    }
}

#[test]
fn a_risky_agent_is_told_by_what_raised_its_risk() {
    let risky = |detail: &str| {
        json!({ "riskyAgent": {
            "@odata.type": "#microsoft.graph.riskyAgentIdentity", "id": AGENT,
            "identityType": "agentIdentity", "riskDetail": detail, "riskLevel": "high",
            "riskState": "confirmedCompromised", "riskLastModifiedDateTime": "2026-09-01T10:00:00Z",
        }})
    };

    let by_person = understood(&risky("adminConfirmedAgentCompromised"));
    let by_entra = understood(&risky("none"));

    let word = |detection: &Detection| detection.detection_type.as_str().to_owned();
    assert_eq!(word(&by_person), "adminConfirmedAgentCompromised");
    assert_eq!(word(&by_entra), "riskyAgent");
    assert!(by_entra.key.starts_with(&format!("{AGENT}@2026")));
}

#[test]
fn a_plain_service_principal_is_one() {
    let detection = understood(&json!({ "servicePrincipalRiskDetection": {
        "id": "s-1", "servicePrincipalId": AGENT, "appId": OTHER, "keyIds": [],
        "riskEventType": "leakedCredentials", "riskLevel": "high", "riskState": "atRisk",
    }}));

    let entity = detection.entities[0].entity;
    assert_eq!(entity.kind, EntityKind::ServicePrincipal);
    assert_eq!(entity.id.to_string(), AGENT);
}

#[test]
fn an_item_must_say_what_it_is() {
    let inner = detection()["agentRiskDetection"].clone();

    assert!(reading(&inner).is_err());
    let both = json!({ "agentRiskDetection": inner, "riskyAgent": inner });
    assert!(reading(&both).is_err());
}
