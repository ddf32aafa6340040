//! Every fixture with a single member changed: nothing is lost, and nobody is named whom nobody
//! wrote.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{LOOK_UPS_MAX, ReaderKind, Reading, read};
use super::{AGENT, OTHER, context, guid};
use crate::domain::detection::DetectionType;
use crate::domain::entity::ObjectId;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/fixtures/", $name, ".json"))
    };
}
pub(super) use fixture;

/// Every fixture that names the agent, how it is read, and the ends of the places that a rule's
/// author or the sensor fills with the id.
const NAMING: [(&str, ReaderKind, &str, &[&str]); 16] = [
    (
        "our own",
        ReaderKind::Estop,
        fixture!("estop_detection"),
        &["/entities/0/id"],
    ),
    (
        "incident",
        ReaderKind::Sentinel,
        fixture!("sentinel_incident"),
        &["/Custom Details/AgentId"],
    ),
    (
        "alert",
        ReaderKind::Sentinel,
        fixture!("sentinel_alert"),
        &["/Custom Details/AgentId"],
    ),
    (
        "entity",
        ReaderKind::Sentinel,
        fixture!("sentinel_entity"),
        &["/AadUserId"],
    ),
    (
        "identity protection",
        ReaderKind::Sentinel,
        fixture!("identity_protection_alert"),
        &["/ServicePrincipalObjectId"],
    ),
    (
        "log alert",
        ReaderKind::AzureMonitor,
        fixture!("azure_monitor_log_alert"),
        &["/dimensions/0/value"],
    ),
    (
        "simple log alert",
        ReaderKind::AzureMonitor,
        fixture!("azure_monitor_simple_log_alert"),
        &["/event/0/1/value"],
    ),
    (
        "defender",
        ReaderKind::Defender,
        fixture!("defender_alert"),
        &["/agentId"],
    ),
    (
        "defender, principal",
        ReaderKind::Defender,
        fixture!("defender_alert_principal"),
        &["/servicePrincipalObjectId"],
    ),
    (
        "ocsf",
        ReaderKind::Ocsf,
        fixture!("ocsf_finding"),
        &["/ai_agent/uid"],
    ),
    (
        "cloud event",
        ReaderKind::CloudEvents,
        fixture!("cloudevent_estop"),
        &["/data/entities/0/id"],
    ),
    (
        "cloud event, ocsf",
        ReaderKind::CloudEvents,
        fixture!("cloudevent_ocsf"),
        &["/ai_agent/uid"],
    ),
    (
        "splunk",
        ReaderKind::Splunk,
        fixture!("splunk_alert"),
        &["/result/AgentId"],
    ),
    (
        "elastic",
        ReaderKind::Elastic,
        fixture!("elastic_alert"),
        &["/rows/0/AgentId"],
    ),
    (
        "datadog",
        ReaderKind::Datadog,
        fixture!("datadog_alert"),
        &[],
    ),
    (
        "sumo",
        ReaderKind::Sumo,
        fixture!("sumo_alert"),
        &["/rows/0/AgentId"],
    ),
];
/// Every body that asks for nothing, however much it looks like the real thing.
const TESTS: [(&str, ReaderKind, &str); 5] = [
    (
        "azure monitor's button",
        ReaderKind::AzureMonitor,
        fixture!("azure_monitor_test"),
    ),
    (
        "datadog's button",
        ReaderKind::Datadog,
        fixture!("datadog_test"),
    ),
    ("ocsf's label", ReaderKind::Ocsf, fixture!("ocsf_test")),
    (
        "event grid's question",
        ReaderKind::CloudEvents,
        fixture!("cloudevent_handshake"),
    ),
    ("our own", ReaderKind::Estop, fixture!("estop_test")),
];

/// The body with one member changed, and where.
struct Mutant {
    place: String,
    body: Value,
    /// What stands there now, unless it was taken away or renamed.
    now: Option<Value>,
}

impl Mutant {
    fn within(self, step: &str, wrap: impl FnOnce(Value) -> Value) -> Self {
        Self {
            place: format!("/{step}{}", self.place),
            body: wrap(self.body),
            now: self.now,
        }
    }
}

/// Every body that differs from this one in a single member, also within a text that holds JSON.
fn mutants(value: &Value) -> Vec<Mutant> {
    let list = serde_json::json!([null, 7, -1, 1.5, true, "", "x", OTHER, [], [7], ["x"], {}]);
    let replaced = list.as_array().unwrap().iter().map(|now| Mutant {
        place: String::new(),
        body: now.clone(),
        now: Some(now.clone()),
    });
    let mut mutants: Vec<Mutant> = replaced.collect();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let mut without = members.clone();
                without.remove(key);
                let gone = |body| Mutant {
                    place: format!("/{key}"),
                    body: Value::Object(body),
                    now: None,
                };
                mutants.push(gone(without.clone()));
                for name in [format!("{key}2"), key.to_uppercase()] {
                    let mut renamed = without.clone();
                    renamed.insert(name, member.clone());
                    mutants.push(gone(renamed));
                }
                mutants.extend(self::mutants(member).into_iter().map(|mutant| {
                    mutant.within(key, |changed| {
                        let mut members = members.clone();
                        members.insert(key.clone(), changed);
                        Value::Object(members)
                    })
                }));
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                mutants.extend(self::mutants(item).into_iter().map(|mutant| {
                    mutant.within(&n.to_string(), |changed| {
                        let mut items = items.clone();
                        items[n] = changed;
                        Value::Array(items)
                    })
                }));
            }
        }
        Value::String(text) => {
            let inner = serde_json::from_str::<Value>(text).ok();
            let inner = inner.filter(|inner| inner.is_object() || inner.is_array());
            mutants.extend(inner.iter().flat_map(self::mutants).map(|mutant| Mutant {
                body: Value::from(mutant.body.to_string()),
                ..mutant
            }));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    mutants
}

fn read_as(reader: ReaderKind, body: &Value) -> BTreeSet<ObjectId> {
    let mut context = context();
    let account = DetectionType::new("reportedByAnalyst").unwrap();
    context.types.insert("account".to_owned(), account);
    match read(reader, body.to_string().as_bytes(), &context) {
        Ok(Reading::Detection(found)) => found.entities.iter().map(|s| s.entity.id).collect(),
        Ok(Reading::Incomplete(incomplete)) => {
            assert!(!incomplete.alerts.is_empty() && incomplete.alerts.len() <= LOOK_UPS_MAX);
            BTreeSet::new()
        }
        Ok(Reading::Nothing { why }) => {
            assert!(!why.is_empty());
            BTreeSet::new()
        }
        Err(why) => {
            assert!(!why.what.is_empty());
            BTreeSet::new()
        }
    }
}

#[test]
fn w20_no_single_change_of_a_fixture_names_an_entity_nobody_wrote() {
    for (name, reader, text, trusted) in NAMING {
        let body: Value = serde_json::from_str(text).unwrap();
        let only = BTreeSet::from([guid(AGENT)]);
        assert_eq!(read_as(reader, &body), only, "{name}");

        let (mut borne, mut all) = (0, 0);
        for mutant in mutants(&body) {
            let named = read_as(reader, &mutant.body);
            let wrote_other = mutant.now == Some(Value::from(OTHER))
                && trusted.iter().any(|end| {
                    let place = mutant.place.trim_end_matches("/0");
                    mutant.place.ends_with(end) || place.ends_with(end)
                });
            let allowed = if wrote_other {
                guid(OTHER)
            } else {
                guid(AGENT)
            };
            assert!(
                named.iter().all(|id| *id == allowed),
                "{name}: {} names {named:?}: {}",
                mutant.place,
                mutant.body
            );
            all += 1;
            borne += usize::from(!named.is_empty());
        }
        // Drift that does not matter is borne: most members of most bodies are not ours to read.
        assert!(all > 80 && borne > 20, "{name}: {borne} of {all}");
    }
}

#[test]
fn w20_no_single_change_of_a_test_but_that_of_its_mark_makes_it_act() {
    for (name, reader, text) in TESTS {
        let body: Value = serde_json::from_str(text).unwrap();
        let reading = read(reader, text.as_bytes(), &context());
        assert!(
            matches!(reading, Ok(Reading::Nothing { .. })),
            "{name}: {reading:?}"
        );

        let marks = ["/title", "/metadata", "/test"];
        for mutant in mutants(&body) {
            let named = read_as(reader, &mutant.body);
            let is_mark = marks.iter().any(|mark| mutant.place.starts_with(mark));
            assert!(named.is_empty() || is_mark, "{name}: {}", mutant.place);
        }
    }
}

/// Whatever is sent to the wrong reader is not understood, and nobody is named by it.
#[test]
fn a_body_that_another_reader_reads_names_nobody_here() {
    for (name, reader, text, _) in NAMING {
        let body: Value = serde_json::from_str(text).unwrap();
        for other in ReaderKind::ALL {
            let named = read_as(other, &body);
            assert!(
                named.is_empty() || other == reader,
                "{name} read as {other}"
            );
        }
    }
}
