//! OCSF Detection Finding (class 2004), the neutral form many tools can write.
//!
//! Knows: `finding_info`, `evidences[].ai_agent`, `resources[]`.
//! Never: actors, devices, observables and messages as a source of targets.
//!
//! Laws
//! * An AI agent's `uid` and a resource's `uid` name a target only as a GUID; a resource only when
//!   its `type` is one of our kinds.
//! * A finding that is closed, suppressed, judged false or labelled a test asks for nothing.

use crate::domain::detection::{DetectionType, Severity, Sighting};
use crate::domain::entity::{Entity, EntityKind};

use super::claim::{Claim, merge};
use super::tree::{self, Node};
use super::{Context, NotUnderstood, Reading, typed};

/// Detection Finding.
const CLASS: u64 = 2004;
/// `severity_id` and what we call it.
const SEVERITIES: [(u64, Severity); 6] = [
    (1, Severity::Informational),
    (2, Severity::Low),
    (3, Severity::Medium),
    (4, Severity::High),
    (5, Severity::Critical),
    (6, Severity::Critical),
];
/// Members and values that say that nobody waits for anything to be done.
const NOTHING: [(&str, u64, &str); 6] = [
    ("activity_id", 3, "the finding is closed"),
    ("status_id", 3, "the finding is suppressed"),
    ("status_id", 4, "the finding is resolved"),
    ("verdict_id", 1, "the finding is judged false"),
    ("verdict_id", 5, "the finding is judged benign"),
    ("verdict_id", 6, "the finding is a test"),
];
/// The label that marks a synthetic finding.
const TEST: &str = "test";

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body = tree::parse(text)?;
    let root = Node::at(&body, "");
    if root.get("class_uid")?.value.as_u64() != Some(CLASS) {
        return Err(NotUnderstood::new(format!(
            "class_uid is not {CLASS}. Send a Detection Finding, one in a delivery"
        )));
    }
    if let Some(why) = nothing(&root)? {
        return Ok(Reading::Nothing { why });
    }
    let mut sightings = Vec::new();
    for evidence in root.get("evidences")?.items() {
        let agent = evidence.get("ai_agent")?;
        if !agent.is_null() {
            sightings.push(sighting(&agent, EntityKind::Agent)?);
        }
    }
    for resource in root.get("resources")?.items() {
        let kind = resource.get("type")?.text().and_then(EntityKind::from_word);
        if let Some(kind) = kind.filter(|kind| *kind != EntityKind::User) {
            sightings.push(sighting(&resource, kind)?);
        }
    }
    if sightings.is_empty() {
        return Err(NotUnderstood::new(
            "neither evidences[].ai_agent nor resources[] names an agent. Write the object id as \
             ai_agent.uid, or as the uid of a resource whose type is agent",
        ));
    }
    let finding = root.get("finding_info")?;
    let claim = Claim {
        place: "finding_info".to_owned(),
        alert_id: finding
            .get("uid")?
            .said()
            .unwrap_or_else(|| context.id.to_string()),
        detection_type: detection_type(&finding, context)?,
        severity: severity(&root)?,
        activity_at: finding.get("first_seen_time")?.moment(),
        detected_at: root.get("time")?.moment(),
        detection_ids: Vec::new(),
        sightings,
    };
    let mut detection = merge(vec![claim], Vec::new(), context)?;
    let sure = root.get("confidence_score")?.value.as_u64();
    detection.confidence = sure.and_then(|sure| u8::try_from(sure.min(100)).ok());
    Ok(Reading::Detection(Box::new(detection)))
}

fn nothing(root: &Node<'_>) -> Result<Option<String>, NotUnderstood> {
    for (member, value, why) in NOTHING {
        if root.get(member)?.value.as_u64() == Some(value) {
            return Ok(Some(format!("{why}, so nothing follows from it")));
        }
    }
    let labels = root.dig(&["metadata", "labels"])?;
    let marked = labels.items().any(|label| label.says(TEST));
    Ok(marked.then(|| "the finding is labelled a test, so nothing follows from it".to_owned()))
}

fn sighting(node: &Node<'_>, kind: EntityKind) -> Result<Sighting, NotUnderstood> {
    let id = node.get("uid")?;
    let parsed = id.value.as_str().unwrap_or_default().parse();
    let place = &id.place;
    Ok(Sighting {
        entity: Entity {
            kind,
            id: parsed.map_err(|why| {
                NotUnderstood::new(format!(
                    "{place}: {why}. Write the object id in Entra there"
                ))
            })?,
        },
        tenant: None,
        found_at: place.clone(),
        blueprint: None,
        background: None,
    })
}

fn severity(root: &Node<'_>) -> Result<Severity, NotUnderstood> {
    let said = root.get("severity_id")?.value.as_u64();
    let known = SEVERITIES.iter().find(|(id, _)| Some(*id) == said);
    known.map(|(_, severity)| *severity).ok_or_else(|| {
        NotUnderstood::new("severity_id is none of 1 to 6. Say how severe the finding is")
    })
}

/// What the configuration gives the analytic that found it, else the only type it is said to be of.
fn detection_type(finding: &Node<'_>, context: &Context) -> Result<DetectionType, NotUnderstood> {
    let analytic = finding.dig(&["analytic", "uid"])?;
    let given = analytic.text().map(str::to_ascii_lowercase);
    if let Some(given) = given.and_then(|uid| context.types.get(&uid)) {
        return Ok(given.clone());
    }
    let types: Vec<_> = finding.get("types")?.items().collect();
    match types.as_slice() {
        [one] => typed(one.text().unwrap_or_default(), &one.place),
        _ => Err(NotUnderstood::new(format!(
            "finding_info.types does not hold exactly one type. Write one, or `types: {{ {}: \
             DETECTION_TYPE }}` under sources.{}",
            analytic.text().unwrap_or("ANALYTIC_UID"),
            context.source
        ))),
    }
}
