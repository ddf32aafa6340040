mod mutants;
mod senders;
mod templates;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Context, NotUnderstood, ReaderKind, Reading, read};
use crate::domain::detection::{Detection, DetectionType, Severity, SourceName};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;

const INCIDENT: &str = include_str!("../../../../tests/fixtures/sentinel_incident.json");
const AGENT: &str = "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317";
const OTHER: &str = "11d0c3b5-7e94-4a26-8f5b-c9e2a1d6f078";
const TENANT: &str = "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62";
const RULE: &str = "2e7c9b54-18d3-4f6a-a0c7-5d9e3b1f8a60";

fn guid(text: &str) -> ObjectId {
    text.parse().unwrap()
}

fn context() -> Context {
    Context {
        tenant: guid(TENANT),
        types: BTreeMap::new(),
        mapping: None,
        source: SourceName::new("sentinel").unwrap(),
        id: DetectionId::from_uuid(uuid::Uuid::from_u128(7)),
        received_at: Moment::from_millis(1_790_000_000_000),
    }
}

fn incident() -> Value {
    serde_json::from_str(INCIDENT).unwrap()
}

fn alerts(body: &mut Value) -> &mut Vec<Value> {
    body["object"]["properties"]["alerts"]
        .as_array_mut()
        .unwrap()
}

/// Writes custom details into an alert as Sentinel does: a text.
fn set_details(alert: &mut Value, details: &Value) {
    alert["properties"]["additionalData"]["Custom Details"] = Value::from(details.to_string());
}

fn details(alert: &Value) -> Value {
    let text = &alert["properties"]["additionalData"]["Custom Details"];
    serde_json::from_str(text.as_str().unwrap()).unwrap()
}

/// The recorded incident with one custom detail changed; `Null` takes it away.
fn with_detail(name: &str, value: Value) -> Value {
    let mut body = incident();
    let mut changed = details(&alerts(&mut body)[0]);
    if value.is_null() {
        changed.as_object_mut().unwrap().remove(name);
    } else {
        changed[name] = value;
    }
    set_details(&mut alerts(&mut body)[0], &changed);
    body
}

fn read_in(body: &Value, context: &Context) -> Result<Reading, NotUnderstood> {
    read(ReaderKind::Sentinel, body.to_string().as_bytes(), context)
}

fn detection(body: &Value) -> Detection {
    match read_in(body, &context()) {
        Ok(Reading::Detection(detection)) => *detection,
        other => panic!("{other:?}"),
    }
}

fn refusal(body: &Value) -> String {
    match read_in(body, &context()) {
        Err(why) => why.what,
        Ok(Reading::Incomplete(incomplete)) => incomplete.why.what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_recorded_incident_becomes_one_detection() {
    let detection = detection(&incident());

    assert_eq!(
        detection.detection_type.as_str(),
        "threatIntelligenceAccount"
    );
    assert_eq!(detection.severity, Severity::High);
    let id = "18d6f3b0-a97c-4e25-8b41-f5c0e2d7a963/threatIntelligenceAccount/";
    assert!(detection.key.starts_with(id) && detection.key.ends_with(AGENT));
    let [sighting] = detection.entities.as_slice() else {
        panic!("{:?}", detection.entities);
    };
    assert_eq!(sighting.entity, Entity::agent(guid(AGENT)));
    assert_eq!(sighting.tenant, Some(guid(TENANT)));
    assert_eq!(sighting.found_at, "alerts[0].customDetails.AgentId");
    assert_eq!(
        sighting.blueprint,
        Some(guid("b83f5d26-0c9a-4e71-a5d4-92e6c1f07b38"))
    );
    let at = |text| Moment::parse(text);
    assert_eq!(detection.activity_at, at("2026-09-20T10:00:00Z"));
    assert_eq!(detection.detected_at, at("2026-09-20T10:06:00Z"));
    assert_eq!(detection.incident.unwrap().number.as_deref(), Some("9"));
    assert!(detection.remarks.is_empty(), "{:?}", detection.remarks);
}

#[test]
fn the_aliases_name_the_agent_too() {
    for alias in [
        "AgentObjectId",
        "ServicePrincipalId",
        "agentid",
        "AGENTOBJECTID",
    ] {
        let mut body = with_detail("AgentId", Value::Null);
        let mut changed = details(&alerts(&mut body)[0]);
        changed[alias] = serde_json::json!([AGENT]);
        set_details(&mut alerts(&mut body)[0], &changed);

        let detection = detection(&body);

        assert_eq!(
            detection.entities[0].entity,
            Entity::agent(guid(AGENT)),
            "{alias}"
        );
    }
}

#[test]
fn aliases_that_disagree_name_nobody() {
    let body = with_detail("ServicePrincipalId", serde_json::json!([OTHER]));

    assert!(refusal(&body).contains("AgentId and ServicePrincipalId"));
}

#[test]
fn the_identity_type_says_what_kind_of_object_it_is() {
    for (word, kind) in [
        ("AgentIdentity", EntityKind::Agent),
        ("agentUser", EntityKind::AgentUser),
        ("AGENTIDENTITYBLUEPRINTPRINCIPAL", EntityKind::Blueprint),
    ] {
        let body = with_detail("IdentityType", serde_json::json!([word]));
        assert_eq!(detection(&body).entities[0].entity.kind, kind);
    }
    let silent = with_detail("IdentityType", Value::Null);
    assert_eq!(
        detection(&silent).entities[0].entity.kind,
        EntityKind::Agent
    );
    let strange = with_detail("IdentityType", serde_json::json!(["toaster"]));
    assert!(refusal(&strange).contains("IdentityType"));
}

#[test]
fn a_risk_that_is_a_persons_stops_no_agent() {
    let body = with_detail("IdentityType", serde_json::json!(["user"]));

    let reading = read_in(&body, &context()).unwrap();

    assert!(matches!(reading, Reading::Nothing { why } if why.contains("person")));
}

#[test]
fn without_a_detection_type_the_analytic_rule_decides() {
    let body = with_detail("DetectionType", Value::Null);
    let mut known = context();
    let kind = DetectionType::new("suspiciousCredentialUsage").unwrap();
    known.types.insert(RULE.to_owned(), kind.clone());

    let refusal = refusal(&body);
    let reading = read_in(&body, &known).unwrap();

    assert!(
        refusal.contains(RULE) && refusal.contains("sources.sentinel"),
        "{refusal}"
    );
    assert!(matches!(reading, Reading::Detection(found) if found.detection_type == kind));
}

#[test]
fn the_incidents_rule_decides_where_the_alert_names_none() {
    let mut body = with_detail("DetectionType", Value::Null);
    let extra = &mut alerts(&mut body)[0]["properties"]["additionalData"];
    extra.as_object_mut().unwrap().remove("Analytic Rule Ids");
    let mut known = context();
    let kind = DetectionType::new("suspiciousCredentialUsage").unwrap();
    known.types.insert(RULE.to_owned(), kind.clone());

    let reading = read_in(&body, &known).unwrap();

    assert!(matches!(reading, Reading::Detection(found) if found.detection_type == kind));
}

#[test]
fn several_alerts_of_one_type_become_one_detection_with_the_worst_severity() {
    let mut body = incident();
    let mut second = alerts(&mut body)[0].clone();
    let mut changed = details(&second);
    changed["AgentId"] = serde_json::json!([OTHER, AGENT]);
    changed["DetectionId"] = serde_json::json!(["another"]);
    set_details(&mut second, &changed);
    alerts(&mut body)[0]["properties"]["severity"] = Value::from("Low");
    alerts(&mut body).push(second);

    let detection = detection(&body);

    let ids: Vec<_> = detection.entities.iter().map(|s| s.entity.id).collect();
    assert_eq!(ids, [guid(AGENT), guid(OTHER)]);
    assert_eq!(detection.severity, Severity::High);
    assert!(detection.key.contains(AGENT) && detection.key.contains(OTHER));
}

#[test]
fn of_several_types_the_most_severe_is_taken_and_the_rest_remarked() {
    let mut body = incident();
    let mut second = alerts(&mut body)[0].clone();
    let mut changed = details(&second);
    changed["DetectionType"] = serde_json::json!(["unfamiliarResource"]);
    changed["AgentId"] = serde_json::json!([OTHER]);
    set_details(&mut second, &changed);
    second["properties"]["severity"] = Value::from("Medium");
    alerts(&mut body).insert(0, second);

    let detection = detection(&body);

    assert_eq!(
        detection.detection_type.as_str(),
        "threatIntelligenceAccount"
    );
    assert_eq!(detection.entities.len(), 1);
    assert!(
        detection.remarks[0].contains(OTHER),
        "{:?}",
        detection.remarks
    );
}

#[test]
fn an_unreadable_alert_hides_no_readable_one() {
    let mut body = incident();
    let mut broken = alerts(&mut body)[0].clone();
    broken["properties"]["additionalData"]["Custom Details"] = Value::from("{not json");
    alerts(&mut body).insert(0, broken);

    let detection = detection(&body);

    assert_eq!(
        detection.entities[0].found_at,
        "alerts[1].customDetails.AgentId"
    );
    assert!(detection.remarks[0].contains("alerts[0]"));
}

#[test]
fn another_tenant_is_kept_and_remarked() {
    let body = with_detail("EntraTenantId", serde_json::json!([OTHER]));

    let detection = detection(&body);

    assert_eq!(detection.entities[0].tenant, Some(guid(OTHER)));
    assert!(detection.remarks[0].contains("another tenant"));
}

#[test]
fn a_closed_incident_asks_for_nothing() {
    let mut body = incident();
    body["object"]["properties"]["status"] = Value::from("closed");

    let reading = read_in(&body, &context()).unwrap();

    assert!(matches!(reading, Reading::Nothing { .. }));
}

#[test]
fn w16_a_detail_twice_in_other_case_or_escape_is_not_understood() {
    let twins = [
        format!(r#"{{"AgentId":["{AGENT}"],"agentid":["{OTHER}"],"DetectionType":["x"]}}"#),
        format!(r#"{{"AgentId":["{AGENT}"],"\u0041gentId":["{OTHER}"],"DetectionType":["x"]}}"#),
        format!(r#"{{"AgentId":["{AGENT}"],"AgentId":["{AGENT}"],"DetectionType":["x"]}}"#),
    ];

    for text in twins {
        let mut body = incident();
        let additional = &mut alerts(&mut body)[0]["properties"]["additionalData"];
        additional["Custom Details"] = Value::from(text.clone());
        assert!(read_in(&body, &context()).is_err(), "{text}");
    }

    let cased = INCIDENT.replacen("\"alerts\": [", "\"Alerts\": [], \"alerts\": [", 1);
    assert_ne!(cased, INCIDENT);
    assert!(read(ReaderKind::Sentinel, cased.as_bytes(), &context()).is_err());
}

#[test]
fn w18_w21_only_texts_that_are_guids_name_an_agent() {
    let bad = [
        serde_json::json!([7]),
        serde_json::json!([7.5]),
        serde_json::json!([null]),
        serde_json::json!([true]),
        serde_json::json!([[AGENT]]),
        serde_json::json!([{ "id": AGENT }]),
        serde_json::json!(AGENT),
        serde_json::json!(7),
        serde_json::json!({ "0": AGENT }),
        serde_json::json!([AGENT, 7]),
        serde_json::json!(["invoice-agent"]),
        serde_json::json!(["7a4e1c9052bd4f389e61c0d2a8b5f317"]),
        serde_json::json!([format!("{{{AGENT}}}")]),
        serde_json::json!([format!("{AGENT} ")]),
        serde_json::json!([format!("{AGENT}/../users")]),
        serde_json::json!([format!("{AGENT}?$filter=x")]),
        serde_json::json!(["..%2f..%2fusers%2f7a4e1c90-52bd-4f38"]),
        serde_json::json!(["00000000-0000-0000-0000-000000000000"]),
        serde_json::json!([""]),
        serde_json::json!([]),
    ];

    for value in bad {
        let body = with_detail("AgentId", value.clone());
        assert!(!refusal(&body).is_empty(), "{value}");
    }
}

#[test]
fn w22_w23_an_id_or_name_outside_the_custom_details_is_no_target() {
    let mut body = with_detail("AgentId", Value::Null);
    let properties = &mut body["object"]["properties"];
    properties["title"] = Value::from(format!("Agent {OTHER}"));
    properties["description"] = Value::from(format!("AgentId: {OTHER}"));
    properties["relatedEntities"][0]["properties"]["appName"] = Value::from(OTHER);
    properties["AgentId"] = serde_json::json!([OTHER]);

    assert!(refusal(&body).contains("AgentId is missing"));
}

#[test]
fn an_alert_without_any_id_is_never_taken_for_a_repeat() {
    let mut body = with_detail("DetectionId", Value::Null);
    let alert = alerts(&mut body)[0].as_object_mut().unwrap();
    alert.remove("name");
    let properties = alert["properties"].as_object_mut().unwrap();
    properties.remove("systemAlertId");
    let mut later = context();
    later.id = DetectionId::from_uuid(uuid::Uuid::from_u128(8));

    let first = detection(&body);
    let second = read_in(&body, &later).unwrap();

    assert!(matches!(second, Reading::Detection(second) if second.key != first.key));
}

#[test]
fn more_entities_than_the_limit_are_not_understood() {
    let ids: Vec<_> = (1..=101_u128)
        .map(|n| uuid::Uuid::from_u128(n << 64 | n).to_string())
        .collect();
    let body = with_detail("AgentId", serde_json::json!(ids));

    assert!(refusal(&body).contains("101"));
}

#[test]
fn every_refusal_says_what_to_do() {
    let cases = [
        serde_json::json!({}),
        serde_json::json!([]),
        serde_json::json!({ "object": {} }),
        serde_json::json!({ "object": { "properties": {} } }),
        serde_json::json!({ "object": { "properties": { "alerts": [] } } }),
        serde_json::json!({ "object": { "properties": { "alerts": [{}] } } }),
        with_detail("DetectionType", serde_json::json!(["a b"])),
        with_detail("DetectionType", serde_json::json!(["a", "b"])),
        with_detail("EntraTenantId", serde_json::json!([TENANT, OTHER])),
    ];

    for body in cases {
        let refusal = refusal(&body);
        assert!(refusal.contains(". "), "{refusal}");
    }
}
