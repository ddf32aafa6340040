//! What authors are told, and what clauses come to.

use super::{Catalog, Fault, Level, Loaded, read};
use crate::domain::decision::{Considered, Truth};
use crate::domain::detection::{Detection, DetectionType, Severity, Sighting, SourceName};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::id::DetectionId;
use crate::domain::moment::Moment;

mod called;
mod catalog;
mod clauses;
mod messages;
mod removals;
mod wild;

const PLAIN: &str = "\
playbook: x
summary: Stop the agent.
trigger:
  detection: [signInSpike]
when:
  fresh: age(detection.detected_at) < duration(\"7d\")
on_unknown: observe
entity: agent
mode: observe
steps:
  - disable_agent
";

/// The plain playbook with one passage replaced.
fn with(passage: &str, other: &str) -> String {
    assert!(PLAIN.contains(passage), "{passage}");
    PLAIN.replacen(passage, other, 1)
}

/// The plain playbook with this expression as its only clause.
fn with_clause(expression: &str) -> String {
    with("age(detection.detected_at) < duration(\"7d\")", expression)
}

fn taken(text: &str) -> Loaded {
    read("x.yaml", text).unwrap_or_else(|faults| panic!("{}", drawn(&faults)))
}

fn faults(text: &str) -> Vec<Fault> {
    read("x.yaml", text).err().unwrap_or_default()
}

/// The errors, each in one line, with its help.
fn told(text: &str) -> Vec<String> {
    faults(text)
        .iter()
        .filter(|fault| fault.level == Level::Error)
        .map(|fault| match &fault.help {
            Some(help) => format!("{}:{} {}; {help}", fault.line, fault.column, fault.what),
            None => format!("{}:{} {}", fault.line, fault.column, fault.what),
        })
        .collect()
}

fn drawn(faults: &[Fault]) -> String {
    let drawn: Vec<String> = faults.iter().map(ToString::to_string).collect();
    drawn.join("\n")
}

fn noon() -> Moment {
    Moment::parse("2026-06-01T12:00:00Z").unwrap()
}

fn agent() -> Sighting {
    Sighting {
        entity: Entity::agent("7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0".parse().unwrap()),
        tenant: None,
        found_at: "entities[0]".to_owned(),
        blueprint: None,
        background: None,
    }
}

fn detection(kind: &str) -> Detection {
    let id: ObjectId = "0197276e-0c00-7000-8000-000000000001".parse().unwrap();
    Detection {
        id: DetectionId::from_uuid(id.uuid()),
        key: "k".to_owned(),
        source: SourceName::new("sentinel").unwrap(),
        detection_type: DetectionType::new(kind).unwrap(),
        severity: Severity::High,
        confidence: Some(80),
        activity_at: None,
        detected_at: Moment::parse("2026-06-01T11:00:00Z"),
        received_at: noon(),
        entities: vec![agent()],
        incident: None,
        remarks: Vec::new(),
        called: None,
    }
}

/// What a playbook with this one clause makes of a detection.
fn weighed(expression: &str, detection: &Detection) -> Considered {
    let text = with_clause(expression);
    let catalog = Catalog::of_texts([("x.yaml", text.as_str())])
        .unwrap_or_else(|faults| panic!("{}", drawn(&faults)));
    catalog.considered(detection, &agent(), noon()).remove(0)
}

fn truth(expression: &str, detection: &Detection) -> Truth {
    weighed(expression, detection).when[0].truth
}
