//! What each sender's body becomes.

use serde_json::{Value, json};

use super::super::{Context, NotUnderstood, ReaderKind, Reading, read};
use super::mutants::fixture;
use super::{AGENT, OTHER, RULE, TENANT, context, guid};
use crate::domain::detection::{Detection, DetectionType, Severity};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::found::OpaqueId;
use crate::domain::moment::Moment;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn with_types(types: &[(&str, &str)]) -> Context {
    let mut context = context();
    for (from, to) in types {
        let to = DetectionType::new(to).unwrap();
        context.types.insert((*from).to_owned(), to);
    }
    context
}

fn detection(reader: ReaderKind, body: &Value, context: &Context) -> Detection {
    match read(reader, body.to_string().as_bytes(), context) {
        Ok(Reading::Detection(detection)) => *detection,
        other => panic!("{other:?}"),
    }
}

fn refused(reader: ReaderKind, body: &Value) -> String {
    match read(reader, body.to_string().as_bytes(), &context()) {
        Err(NotUnderstood { what }) => what,
        other => panic!("{other:?}"),
    }
}

fn nothing(reader: ReaderKind, body: &Value) -> String {
    match read(reader, body.to_string().as_bytes(), &context()) {
        Ok(Reading::Nothing { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_alert_says_what_its_incident_says() {
    let incident = detection(
        ReaderKind::Sentinel,
        &value(fixture!("sentinel_incident")),
        &context(),
    );
    let mut body = value(fixture!("sentinel_alert"));
    let alert = detection(ReaderKind::Sentinel, &body, &context());
    let packed = body["ExtendedProperties"].to_string();
    body["ExtendedProperties"] = Value::from(packed);
    let as_row = detection(ReaderKind::Sentinel, &body, &context());

    // The same key: whichever comes second joins the first.
    assert_eq!(alert.key, incident.key);
    assert_eq!(as_row.key, incident.key);
    assert_eq!(alert.severity, Severity::High);
    assert_eq!(alert.entities[0].found_at, "alert.customDetails.AgentId");
}

#[test]
fn an_alerts_rule_gives_it_a_type() {
    let mut body = value(fixture!("sentinel_alert"));
    let details = json!({ "AgentId": [AGENT] }).to_string();
    body["ExtendedProperties"] = json!({ "Custom Details": details });

    let known = with_types(&[(RULE, "suspiciousCredentialUsage")]);
    let alert = detection(ReaderKind::Sentinel, &body, &known);

    assert_eq!(alert.detection_type.as_str(), "suspiciousCredentialUsage");
}

#[test]
fn an_entity_is_acted_on_only_where_the_source_gives_it_a_type() {
    let body = value(fixture!("sentinel_entity"));

    let silent = refused(ReaderKind::Sentinel, &body);
    let known = with_types(&[("account", "reportedByAnalyst")]);
    let found = detection(ReaderKind::Sentinel, &body, &known);
    let mut host = body.clone();
    host["Entity"]["kind"] = json!("Host");

    assert!(silent.contains("account"), "{silent}");
    assert_eq!(found.entities[0].entity.kind, EntityKind::AgentUser);
    assert_eq!(found.entities[0].tenant, Some(guid(TENANT)));
    assert!(found.incident.unwrap().id.contains("/Incidents/"));
    let host = read(ReaderKind::Sentinel, host.to_string().as_bytes(), &known);
    assert!(host.unwrap_err().what.contains("not Account"));
}

#[test]
fn identity_protection_names_a_service_principal_and_a_person_is_left_alone() {
    let body = value(fixture!("identity_protection_alert"));
    let found = detection(ReaderKind::Sentinel, &body, &context());
    let mut about_person = body.clone();
    let account = json!([{ "Type": "account", "AadUserId": OTHER }]);
    about_person["Entities"] = account;
    let mut elsewhere = body.clone();
    elsewhere["ProviderName"] = json!("ASI Scheduled Alerts");

    let id = guid(AGENT);
    let kind = EntityKind::ServicePrincipal;
    assert_eq!(found.entities[0].entity, Entity { kind, id });
    assert_eq!(
        found.detection_type.as_str(),
        "anomalousServicePrincipalActivity"
    );
    assert!(nothing(ReaderKind::Sentinel, &about_person).contains("person"));
    // In an alert of anybody else the same entity is hearsay.
    assert!(refused(ReaderKind::Sentinel, &elsewhere).contains("AgentId is missing"));
}

#[test]
fn the_agent_of_defender_for_cloud_is_no_agent_of_ours() {
    let body = value(fixture!("defender_for_cloud_alert"));
    let mut sample = body.clone();
    sample["AlertDisplayName"] = json!("[SAMPLE ALERT] Suspicious process");

    assert!(refused(ReaderKind::Sentinel, &body).contains("customDetails.AgentId is missing"));
    assert!(nothing(ReaderKind::Sentinel, &sample).contains("sample"));
}

#[test]
fn an_incident_without_ids_says_which_alerts_to_ask_for() {
    let mut body = value(fixture!("sentinel_incident"));
    let alert = &mut body["object"]["properties"]["alerts"][0]["properties"];
    alert["additionalData"] = json!({});
    alert["providerAlertId"] = json!("da638f2c91_1");
    let Ok(Reading::Incomplete(incomplete)) = read(
        ReaderKind::Sentinel,
        body.to_string().as_bytes(),
        &context(),
    ) else {
        panic!("not incomplete");
    };

    let asked = OpaqueId::new("da638f2c91_1").unwrap();
    let answer = fixture!("defender_alert").as_bytes();
    let completed = incomplete.completed(&asked, answer, &context());

    assert_eq!(incomplete.alerts, [asked]);
    let Ok(Reading::Detection(found)) = completed else {
        panic!("{completed:?}");
    };
    assert_eq!(found.entities[0].entity, Entity::agent(guid(AGENT)));
    assert_eq!(
        found.entities[0].found_at,
        "alerts_v2/da638f2c91_1.evidence[0].agentId"
    );
    assert!(found.incident.unwrap().id.contains("/Incidents/"));
}

#[test]
fn an_alert_id_that_could_bend_a_path_is_not_asked_for() {
    for id in ["../users/x", "a b", "a?b=c", "%2e%2e", ""] {
        let mut body = value(fixture!("sentinel_incident"));
        let alert = &mut body["object"]["properties"]["alerts"][0]["properties"];
        alert["additionalData"] = json!({});
        alert["providerAlertId"] = json!(id);

        assert!(refused(ReaderKind::Sentinel, &body).contains("AgentId is missing"));
    }
}

#[test]
fn a_log_alert_says_it_by_dimensions_or_by_its_row() {
    for text in [
        fixture!("azure_monitor_log_alert"),
        fixture!("azure_monitor_simple_log_alert"),
    ] {
        let found = detection(ReaderKind::AzureMonitor, &value(text), &context());

        assert_eq!(found.entities[0].entity, Entity::agent(guid(AGENT)));
        assert_eq!(found.entities[0].tenant, Some(guid(TENANT)));
        assert_eq!(found.severity, Severity::High);
        assert_eq!(found.detected_at, Moment::parse("2026-09-20T10:06:30.123Z"));
    }
}

#[test]
fn a_log_alerts_type_is_its_dimensions_then_its_rules_property_then_the_configurations() {
    let mut body = value(fixture!("azure_monitor_log_alert"));
    let all = body["data"]["alertContext"]["condition"]["allOf"][0]["dimensions"].as_array_mut();
    all.unwrap().retain(|pair| pair["name"] != "DetectionType");
    let known = with_types(&[("agent-risk", "suspiciousCredentialUsage")]);

    let silent = refused(ReaderKind::AzureMonitor, &body);
    let by_rule = detection(ReaderKind::AzureMonitor, &body, &known);
    body["data"]["customProperties"]["DetectionType"] = json!("riskyAgent");
    let by_property = detection(ReaderKind::AzureMonitor, &body, &known);

    assert!(silent.contains("agent-risk: DETECTION_TYPE"), "{silent}");
    assert_eq!(by_rule.detection_type.as_str(), "suspiciousCredentialUsage");
    assert_eq!(by_property.detection_type.as_str(), "riskyAgent");
}

#[test]
fn a_resolved_alert_asks_for_nothing() {
    let mut monitor = value(fixture!("azure_monitor_log_alert"));
    monitor["data"]["essentials"]["monitorCondition"] = json!("Resolved");
    let mut defender = value(fixture!("defender_alert"));
    defender["status"] = json!("resolved");
    let mut sentinel = value(fixture!("sentinel_alert"));
    sentinel["Status"] = json!("Resolved");
    let mut ocsf = value(fixture!("ocsf_finding"));
    ocsf["activity_id"] = json!(3);

    nothing(ReaderKind::AzureMonitor, &monitor);
    nothing(ReaderKind::Defender, &defender);
    nothing(ReaderKind::Sentinel, &sentinel);
    nothing(ReaderKind::Ocsf, &ocsf);
}

#[test]
fn evidence_names_only_whom_it_accuses() {
    let body = value(fixture!("defender_alert"));
    let with = |member: &str, now: Value| {
        let mut body = body.clone();
        body["evidence"][0][member] = now;
        refused(ReaderKind::Defender, &body)
    };

    for verdict in ["unknown", "noThreatsFound"] {
        assert!(with("verdict", json!(verdict)).contains("not called suspicious"));
    }
    assert!(with("roles", json!(["attacked"])).contains("not called suspicious"));
    assert!(with("agentId", json!("cra65_invoice")).contains("evidence[0].agentId"));
}

#[test]
fn custom_details_go_before_evidence() {
    let mut body = value(fixture!("defender_alert"));
    body["customDetails"]["AgentId"] = json!(OTHER);

    let found = detection(ReaderKind::Defender, &body, &context());

    assert_eq!(found.entities.len(), 1);
    assert_eq!(found.entities[0].entity, Entity::agent(guid(OTHER)));
    assert_eq!(found.incident.unwrap().number.as_deref(), Some("2972"));
}

#[test]
fn a_sample_alert_of_defender_is_recognised_by_its_maker_and_title() {
    let mut body = value(fixture!("defender_alert"));
    body["title"] = json!("[SAMPLE ALERT] Suspicious activity");
    // Anybody may call an agent so; only Defender for Cloud calls its own samples so.
    detection(ReaderKind::Defender, &body, &context());

    body["serviceSource"] = json!("microsoftDefenderForCloud");
    assert!(nothing(ReaderKind::Defender, &body).contains("sample"));
}

#[test]
fn a_finding_names_agents_and_resources_of_our_kinds() {
    let mut body = value(fixture!("ocsf_finding"));
    body["resources"] = json!([
        { "type": "agent_user", "uid": OTHER }, { "type": "user", "uid": RULE },
    ]);

    let found = detection(ReaderKind::Ocsf, &body, &context());

    let kinds: Vec<_> = found.entities.iter().map(|s| s.entity.kind).collect();
    assert_eq!(kinds, [EntityKind::Agent, EntityKind::AgentUser]);
    assert_eq!(found.confidence, Some(80));
    assert_eq!(found.detected_at, Moment::parse("2026-09-20T10:06:30Z"));
}

#[test]
fn an_envelope_finds_its_repeats_by_source_and_id() {
    let mut body = value(fixture!("cloudevent_estop"));
    let first = detection(ReaderKind::CloudEvents, &body, &context());
    let again = detection(ReaderKind::CloudEvents, &body, &context());
    body["id"] = json!("ce-4472");
    let another = detection(ReaderKind::CloudEvents, &body, &context());

    assert_eq!(first.key, again.key);
    assert_ne!(first.key, another.key);
    assert_eq!(first.entities[0].found_at, "data.entities[0].id");
}

#[test]
fn a_person_at_risk_stops_no_agent_whoever_says_it() {
    let mut monitor = value(fixture!("azure_monitor_log_alert"));
    let pairs = &mut monitor["data"]["alertContext"]["condition"]["allOf"][0]["dimensions"];
    pairs[1]["value"] = json!("user");
    let mut splunk = value(fixture!("splunk_alert"));
    splunk["result"]["IdentityType"] = json!("user");
    let mut defender = value(fixture!("defender_alert"));
    defender["customDetails"] = json!({ "AgentId": [AGENT], "IdentityType": ["user"] });

    assert!(nothing(ReaderKind::AzureMonitor, &monitor).contains("person"));
    assert!(nothing(ReaderKind::Splunk, &splunk).contains("person"));
    assert!(nothing(ReaderKind::Defender, &defender).contains("person"));
}

#[test]
fn w16_a_member_twice_in_other_case_is_not_understood() {
    let twice = |text: &str, find: &str, with: &str| {
        let changed = text.replacen(find, with, 1);
        assert_ne!(changed, text);
        changed
    };
    let cases = [
        (
            ReaderKind::Defender,
            twice(
                fixture!("defender_alert"),
                "\"agentId\":",
                "\"AGENTID\": \"x\", \"agentId\":",
            ),
        ),
        (
            ReaderKind::Splunk,
            twice(
                fixture!("splunk_alert"),
                "\"AgentId\":",
                "\"agentid\": \"x\", \"AgentId\":",
            ),
        ),
        (
            ReaderKind::AzureMonitor,
            twice(
                fixture!("azure_monitor_log_alert"),
                "\"name\": \"IdentityType\"",
                "\"name\": \"agentid\"",
            ),
        ),
        (
            ReaderKind::Datadog,
            twice(
                fixture!("datadog_alert"),
                "env:prod",
                "agentid:11d0c3b5-7e94-4a26-8f5b-c9e2a1d6f078",
            ),
        ),
    ];

    for (reader, body) in cases {
        assert!(read(reader, body.as_bytes(), &context()).is_err(), "{body}");
    }
}
