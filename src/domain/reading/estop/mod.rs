//! Our own canonical form, for tools that write to us directly.
//!
//! Knows: its own members, each with one spelling.
//! Never: members it does not know; a typo must not become a weaker detection.
//!
//! Laws
//! * Unknown members are refused with the nearest known name.
//! * Ids are texts that hold GUIDs.

use serde::Deserialize;

use crate::domain::detection::{Detection, DetectionType, IncidentRef, Severity, Sighting};
use crate::domain::entity::{Entity, EntityKind, ObjectId, TenantId};
use crate::domain::moment::Moment;

use super::{Context, NotUnderstood, Reading, key_of, merged};

/// Longest detection id that is taken, in characters.
const DETECTION_ID_MAX: usize = 256;
/// Every member's name, for the suggestion.
const MEMBERS: [&str; 14] = [
    "test",
    "detection_id",
    "type",
    "severity",
    "confidence",
    "activity_at",
    "detected_at",
    "entities",
    "incident",
    "kind",
    "id",
    "tenant",
    "number",
    "url",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// A try of the way here: nothing follows from it.
    test: Option<bool>,
    detection_id: Option<String>,
    r#type: String,
    severity: Severity,
    confidence: Option<u8>,
    activity_at: Option<Moment>,
    detected_at: Option<Moment>,
    entities: Vec<Named>,
    incident: Option<Incident>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    kind: EntityKind,
    id: ObjectId,
    tenant: Option<TenantId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incident {
    id: String,
    number: Option<String>,
    url: Option<String>,
}

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body: Body = serde_json::from_str(text).map_err(|why| explained(&why.to_string()))?;
    if body.test == Some(true) {
        let why = "the sender says that it is a test: the way here works".to_owned();
        return Ok(Reading::Nothing { why });
    }
    let confidence = body.confidence.filter(|sure| *sure <= 100);
    if confidence != body.confidence {
        return Err(NotUnderstood::new(
            "confidence is above 100. Write 0 to 100",
        ));
    }
    if body.entities.is_empty() {
        return Err(NotUnderstood::new(
            "entities is empty. Name at least one: {\"kind\":\"agent\",\"id\":\"GUID\"}",
        ));
    }
    let entities = merged(
        body.entities
            .into_iter()
            .enumerate()
            .map(sighting)
            .collect(),
    )?;
    let id = checked(body.detection_id)?;
    Ok(Reading::Detection(Box::new(Detection {
        id: context.id,
        key: match id {
            Some(id) => key_of(&id, &body.r#type, &entities),
            // Every delivery is then a detection of its own.
            None => context.id.to_string(),
        },
        source: context.source.clone(),
        detection_type: DetectionType::new(&body.r#type).ok_or_else(|| {
            NotUnderstood::new("type is not 1 to 128 letters, digits, `.`, `-` and `_`. Rename it")
        })?,
        severity: body.severity,
        confidence,
        activity_at: body.activity_at,
        detected_at: body.detected_at,
        received_at: context.received_at,
        entities,
        incident: body.incident.map(|incident| IncidentRef {
            id: incident.id,
            number: incident.number,
            url: incident.url,
        }),
        remarks: vec![],
        called: None,
    })))
}

fn sighting((n, named): (usize, Named)) -> Sighting {
    Sighting {
        entity: Entity {
            kind: named.kind,
            id: named.id,
        },
        tenant: named.tenant,
        found_at: format!("entities[{n}].id"),
        blueprint: None,
        background: None,
    }
}

fn checked(detection_id: Option<String>) -> Result<Option<String>, NotUnderstood> {
    let unfit = |id: &String| id.is_empty() || id.chars().count() > DETECTION_ID_MAX;
    if detection_id.as_ref().is_some_and(unfit) {
        return Err(NotUnderstood::new(format!(
            "detection_id is empty or longer than {DETECTION_ID_MAX} characters. Shorten it or \
             leave it out"
        )));
    }
    Ok(detection_id)
}

/// Adds the nearest known name to the parser's words about an unknown one.
fn explained(why: &str) -> NotUnderstood {
    let unknown = why
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split('`').next());
    let near = unknown.and_then(|word| {
        let distance = |known: &&&str| distance(word, known);
        MEMBERS
            .iter()
            .min_by_key(distance)
            .filter(|known| distance(known) <= 3)
    });
    let hint = near.map(|known| format!(". Did you mean `{known}`?"));
    NotUnderstood::new(format!(
        "this is not a detection in estop's own form: {why}{}",
        hint.unwrap_or_default()
    ))
}

/// How many letters must be put in, taken out or changed (Levenshtein). Words are cut at 32
/// letters, so a sender's long key costs nothing.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().take(32).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (n, letter) in from.iter().enumerate() {
        let mut corner = row[0];
        row[0] = n + 1;
        for (m, other) in to.chars().enumerate() {
            let changed = corner + usize::from(*letter != other);
            corner = row[m + 1];
            row[m + 1] = changed.min(corner + 1).min(row[m] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
