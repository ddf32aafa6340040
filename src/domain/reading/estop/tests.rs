use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::{Context, ReaderKind, Reading, read};
use crate::domain::detection::{Detection, Severity, SourceName};
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;

const SAMPLE: &str = include_str!("../../../../tests/fixtures/estop_detection.json");
const AGENT: &str = "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317";

fn context() -> Context {
    Context {
        tenant: "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62".parse().unwrap(),
        types: BTreeMap::new(),
        mapping: None,
        source: SourceName::new("lab").unwrap(),
        id: DetectionId::from_uuid(uuid::Uuid::from_u128(7)),
        received_at: Moment::from_millis(1_790_000_000_000),
    }
}

fn understood(body: &str) -> Detection {
    match read(ReaderKind::Estop, body.as_bytes(), &context()) {
        Ok(Reading::Detection(detection)) => *detection,
        other => panic!("{other:?}"),
    }
}

fn refusal(body: &Value) -> String {
    let refusal = read(ReaderKind::Estop, body.to_string().as_bytes(), &context());
    refusal.unwrap_err().what
}

#[test]
fn the_sample_becomes_a_detection() {
    let detection = understood(SAMPLE);

    assert!(detection.key.starts_with("lab-0001/"));
    assert_eq!(detection.severity, Severity::High);
    assert_eq!(detection.confidence, Some(90));
    assert_eq!(detection.entities[0].found_at, "entities[0].id");
    assert_eq!(detection.incident.unwrap().id, "lab-incident-7");
}

#[test]
fn without_a_detection_id_each_delivery_is_its_own_detection() {
    let body = json!({
        "type": "x", "severity": "low", "entities": [{ "kind": "agent", "id": AGENT }],
    });

    let detection = understood(&body.to_string());

    assert_eq!(detection.key, context().id.to_string());
}

#[test]
fn a_typo_is_refused_with_the_name_that_was_meant() {
    let mut body: Value = serde_json::from_str(SAMPLE).unwrap();
    body["detectd_at"] = body["detected_at"].take();

    assert!(refusal(&body).contains("Did you mean `detected_at`?"));
}

#[test]
fn w18_what_is_not_of_its_kind_is_refused() {
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    let changes = [
        ("/entities/0/id", json!(7)),
        ("/entities/0/id", json!("invoice-agent")),
        ("/entities/0/kind", json!("AGENT")),
        ("/entities/0/kind", json!("device")),
        ("/entities/0/tenant", json!(1)),
        ("/entities", json!([])),
        ("/severity", json!("High!")),
        ("/severity", json!(5)),
        ("/confidence", json!(101)),
        ("/confidence", json!(-1)),
        ("/confidence", json!(0.5)),
        ("/type", json!("a b")),
        ("/type", json!(null)),
        ("/activity_at", json!("yesterday")),
        ("/detection_id", json!("")),
        ("/detection_id", json!(7)),
        ("/incident/number", json!(7)),
    ];

    for (place, value) in changes {
        let mut body = sample.clone();
        *body.pointer_mut(place).unwrap() = value.clone();
        assert!(!refusal(&body).is_empty(), "{place} {value}");
    }
}
