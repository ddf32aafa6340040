//! An alert of Microsoft Graph (`alerts_v2`): Defender's own form, also of Sentinel and Entra ID
//! Protection in the unified portal.
//!
//! Knows: evidence of AI agents and service principals, and the contract in `customDetails`.
//! Never: names, titles, instructions; OAuth and cloud application evidence, whose ids are not
//! object ids.
//!
//! Laws
//! * Custom details go before evidence: whoever wrote the rule said whom it is about.
//! * Evidence names a target only where its verdict is suspicious or malicious, and its role, if
//!   it has one, is not that of a bystander or a victim.

use crate::domain::detection::{DetectionType, IncidentRef, Severity, Sighting};
use crate::domain::entity::{Entity, EntityKind};

use super::claim::{Claim, merge};
use super::contract::{self, Details, Named};
use super::tree::{self, Node, loose};
use super::{Context, NotUnderstood, Reading, typed};

/// Which evidence names what, and where its object id stands.
const EVIDENCE: [(&str, EntityKind, &str, &str); 2] = [
    (
        "#microsoft.graph.security.aiAgentEvidence",
        EntityKind::Agent,
        "agentId",
        "an id of the platform's and not of Entra stops nobody",
    ),
    (
        "#microsoft.graph.security.servicePrincipalEvidence",
        EntityKind::ServicePrincipal,
        "servicePrincipalObjectId",
        "",
    ),
];
/// Verdicts that accuse.
const ACCUSED: [&str; 2] = ["suspicious", "malicious"];
/// Roles of those who do something; others were there, or had it done to them.
const DOERS: [&str; 5] = [
    "compromised",
    "attacker",
    "source",
    "suspicious",
    "policyViolator",
];
/// Who makes sample alerts, and how their titles begin.
const SAMPLES: (&str, &str) = ("microsoftDefenderForCloud", "[SAMPLE ALERT]");

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body = tree::parse(text)?;
    let root = Node::at(&body, "");
    if let Some(why) = nothing(&root)? {
        return Ok(Reading::Nothing { why });
    }
    let (details, mut remarks) = (root.get("customDetails")?, Vec::new());
    let told = contract::told(&custom_details(&details)?, "customDetails")?;
    let sightings = match told.named {
        Named::Entities(sightings) => sightings,
        Named::Person => {
            return Ok(Reading::Nothing {
                why: "the risk is a person's, not the agent's. Look at the person".to_owned(),
            });
        }
        Named::Nobody => evidence(&root, &mut remarks)?,
    };
    let severity = root.get("severity")?;
    let claim = Claim {
        place: "alert".to_owned(),
        alert_id: root
            .get("id")?
            .said()
            .unwrap_or_else(|| context.id.to_string()),
        detection_type: detection_type(&root, &told.detection_types, context)?,
        severity: severity
            .text()
            .and_then(Severity::from_word)
            .ok_or_else(|| {
                NotUnderstood::new(
                    "severity is none of informational, low, medium, high and critical. Send the \
                 alert of Graph as it is",
                )
            })?,
        activity_at: root.get("firstActivityDateTime")?.moment(),
        detected_at: root.get("createdDateTime")?.moment(),
        detection_ids: told.detection_ids,
        sightings,
    };
    let mut detection = merge(vec![claim], remarks, context)?;
    detection.incident = incident(&root)?;
    Ok(Reading::Detection(Box::new(detection)))
}

/// Why nothing follows from the alert, whoever it is about.
fn nothing(root: &Node<'_>) -> Result<Option<String>, NotUnderstood> {
    if root.get("status")?.says("resolved") {
        return Ok(Some(
            "the alert is resolved, so nothing follows from it".to_owned(),
        ));
    }
    let title = root.get("title")?;
    let sampled = root.get("serviceSource")?.says(SAMPLES.0)
        && title
            .text()
            .is_some_and(|title| title.starts_with(SAMPLES.1));
    Ok(
        sampled
            .then(|| "a sample alert of Defender for Cloud, made to try the way here".to_owned()),
    )
}

/// A dictionary of texts, or of lists of texts.
fn custom_details<'a>(details: &Node<'a>) -> Result<Details<'a>, NotUnderstood> {
    let mut read = Details::default();
    for (name, value) in details.value.as_object().into_iter().flatten() {
        if !read.put(name, loose(value)) {
            return Err(NotUnderstood::new(format!(
                "customDetails.{name} stands there twice. Let the rule write it once"
            )));
        }
    }
    Ok(read)
}

/// Whom the evidence accuses.
fn evidence(root: &Node<'_>, remarks: &mut Vec<String>) -> Result<Vec<Sighting>, NotUnderstood> {
    let (list, mut sightings) = (root.get("evidence")?, Vec::new());
    for one in list.items() {
        let kind = one.get("@odata.type")?;
        let Some(known) = EVIDENCE.iter().find(|(name, ..)| kind.says(name)) else {
            continue;
        };
        if !is_accused(&one)? {
            remarks.push(format!(
                "{} is not called suspicious, so it names nobody",
                one.place
            ));
            continue;
        }
        match sighting(&one, known) {
            Ok(sighting) => sightings.push(sighting),
            Err(why) => remarks.push(why.what),
        }
    }
    if sightings.is_empty() {
        let more = remarks.first().map_or("", String::as_str);
        return Err(NotUnderstood::new(format!(
            "neither customDetails nor evidence names an agent by its object id. Add the custom \
             detail AgentId to the detection rule. {more}"
        )));
    }
    Ok(sightings)
}

fn is_accused(evidence: &Node<'_>) -> Result<bool, NotUnderstood> {
    let (verdict, roles) = (evidence.get("verdict")?, evidence.get("roles")?);
    let accused = ACCUSED.iter().any(|word| verdict.says(word));
    let mut known = roles.items().peekable();
    let doer = known.peek().is_none() || known.any(|role| DOERS.iter().any(|word| role.says(word)));
    Ok(accused && doer)
}

fn sighting(
    evidence: &Node<'_>,
    (_, kind, member, beware): &(&str, EntityKind, &str, &str),
) -> Result<Sighting, NotUnderstood> {
    let (id, tenant) = (evidence.get(member)?, evidence.get("tenantId")?);
    let refused = |why| NotUnderstood::new(format!("{}: {why}; {beware}", id.place));
    let text = id.value.as_str().unwrap_or_default();
    Ok(Sighting {
        entity: Entity {
            kind: *kind,
            id: text.parse().map_err(refused)?,
        },
        tenant: (!tenant.is_null())
            .then(|| tenant.value.as_str().unwrap_or_default().parse())
            .transpose()
            .map_err(refused)?,
        found_at: id.place,
        blueprint: None,
        background: None,
    })
}

/// The rule's own word, else what the configuration gives the detector, policy or product.
fn detection_type(
    root: &Node<'_>,
    own: &[String],
    context: &Context,
) -> Result<DetectionType, NotUnderstood> {
    match own {
        [word] => return typed(word, "customDetails.DetectionType"),
        [] => {}
        _ => {
            return Err(NotUnderstood::new(
                "customDetails.DetectionType holds different values. Make one alert for each row",
            ));
        }
    }
    let mut known = Vec::new();
    for member in [
        "detectorId",
        "alertPolicyId",
        "detectionSource",
        "serviceSource",
    ] {
        let Some(word) = root.get(member)?.text() else {
            continue;
        };
        if let Some(given) = context.types.get(&word.to_ascii_lowercase()) {
            return Ok(given.clone());
        }
        known.push(word);
    }
    Err(NotUnderstood::new(format!(
        "customDetails.DetectionType is missing. Add it to the detection rule, or write `types: {{ \
         {}: DETECTION_TYPE }}` under sources.{}",
        known.first().unwrap_or(&"DETECTOR_ID"),
        context.source
    )))
}

fn incident(root: &Node<'_>) -> Result<Option<IncidentRef>, NotUnderstood> {
    let Some(id) = root.get("incidentId")?.said() else {
        return Ok(None);
    };
    Ok(Some(IncidentRef {
        number: Some(id.clone()),
        id,
        url: root.get("incidentWebUrl")?.text().map(str::to_owned),
    }))
}
