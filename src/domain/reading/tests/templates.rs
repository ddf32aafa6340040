//! Senders whose body is a template, and what the configuration may say about it.

use serde_json::{Value, json};

use super::super::{Mapping, Place, ReaderKind, Reading, SeverityFrom, read};
use super::mutants::fixture;
use super::{AGENT, OTHER, context, guid};
use crate::domain::detection::{DetectionType, Severity};
use crate::domain::moment::Moment;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn each_usual_template_becomes_a_detection() {
    for (reader, text, severity) in [
        (ReaderKind::Splunk, fixture!("splunk_alert"), Severity::High),
        (
            ReaderKind::Elastic,
            fixture!("elastic_alert"),
            Severity::High,
        ),
        (
            ReaderKind::Datadog,
            fixture!("datadog_alert"),
            Severity::High,
        ),
        (ReaderKind::Sumo, fixture!("sumo_alert"), Severity::Critical),
    ] {
        let Ok(Reading::Detection(found)) = read(reader, text.as_bytes(), &context()) else {
            panic!("{reader}");
        };

        assert_eq!(found.entities[0].entity.id, guid(AGENT), "{reader}");
        assert_eq!(found.severity, severity, "{reader}");
        let at = Moment::parse("2026-09-20T10:06:30Z");
        assert_eq!(found.detected_at, at, "{reader}");
        assert_eq!(found.detection_type.as_str(), "suspiciousCredentialUsage");
    }
}

#[test]
fn an_alert_that_recovered_asks_for_nothing() {
    for (reader, text, place, word) in [
        (
            ReaderKind::Elastic,
            fixture!("elastic_alert"),
            "/alert/action_group",
            "recovered",
        ),
        (
            ReaderKind::Datadog,
            fixture!("datadog_alert"),
            "/transition",
            "Recovered",
        ),
        (
            ReaderKind::Sumo,
            fixture!("sumo_alert"),
            "/trigger",
            "ResolvedCritical",
        ),
    ] {
        let mut body = value(text);
        *body.pointer_mut(place).unwrap() = json!(word);
        let reading = read(reader, body.to_string().as_bytes(), &context());
        assert!(
            matches!(&reading, Ok(Reading::Nothing { why }) if why.contains("ended")),
            "{reading:?}"
        );
    }
}

#[test]
fn a_mapping_reads_any_template() {
    let mut mapping = Mapping::of(
        Place::new("/hits/0/fields").unwrap(),
        SeverityFrom::Fixed(Severity::Medium),
    );
    let columns = [("AgentId", "oid"), ("IdentityType", "=agentUser")];
    mapping.columns = columns
        .map(|(name, column)| (name.to_owned(), column.to_owned()))
        .into();
    mapping.rule = Some(Place::new("/name").unwrap());
    let mut context = context();
    context.mapping = Some(mapping);
    let kind = DetectionType::new("riskyAgent").unwrap();
    context.types.insert("agent risk".to_owned(), kind);
    let body =
        json!({ "name": "Agent Risk", "hits": [{ "fields": { "oid": AGENT, "AgentId": OTHER } }] });

    let reading = read(ReaderKind::Mapped, body.to_string().as_bytes(), &context);

    let Ok(Reading::Detection(found)) = reading else {
        panic!("{reading:?}");
    };
    assert_eq!(found.entities.len(), 1);
    assert_eq!(
        found.entities[0].entity.to_string(),
        format!("agent_user {AGENT}")
    );
    assert_eq!(found.severity, Severity::Medium);
}

#[test]
fn a_variable_that_the_sender_did_not_fill_names_nobody() {
    for unfilled in [
        "{{AgentId}}",
        "$ALERT_ID",
        "$result.AgentId$",
        "N/A",
        "null",
    ] {
        let mut body = value(fixture!("splunk_alert"));
        body["result"]["AgentId"] = json!(unfilled);
        let reading = read(ReaderKind::Splunk, body.to_string().as_bytes(), &context());
        assert!(reading.is_err(), "{unfilled}");
    }
}

#[test]
fn a_place_is_names_after_slashes() {
    for bad in [
        "",
        "/",
        "result",
        "/a//b",
        "/a/",
        &format!("/{}", "a".repeat(300)),
    ] {
        assert!(Place::new(bad).is_err(), "{bad}");
    }
    assert!(Place::new(&"/a".repeat(17)).is_err());
    assert!(Place::new("/result/severity").is_ok());
}
