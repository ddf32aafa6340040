//! The alert trigger: one alert, flat, as a row of the table SecurityAlert.
//!
//! The contract stands in `ExtendedProperties`, an object or a text with one in it. Alerts of Entra
//! ID Protection (`ProviderName` is `IPC`) carry none, but their maker writes the object id of a
//! workload identity into an entity of type `service-principal`. No other entity names a target,
//! and neither does a top-level `AgentId`: in Defender for Cloud that is the agent that ships logs.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::detection::{DetectionType, Sighting};
use crate::domain::entity::{Entity, EntityKind};

use super::super::claim::{Claim, merge};
use super::super::folded::Loose;
use super::super::tree::{self, Node};
use super::super::{Context, Incomplete, NotUnderstood, Reading, typed};
use super::alert::{self, Alerted, Fallback};
use super::body::{Additional, Alert, AlertProperties};
use super::severity_of;
use crate::domain::found::OpaqueId;

/// What Entra ID Protection calls itself.
const IDENTITY_PROTECTION: &str = "IPC";
/// How its alerts name a workload identity (seen in public queries, not documented).
const WORKLOAD: &str = "service-principal";
/// Who makes sample alerts, and how their names begin.
const SAMPLES: ([&str; 2], &str) = (
    ["Azure Security Center", "Microsoft Defender for Cloud"],
    "[SAMPLE ALERT]",
);
/// States in which nobody waits for anything to be done.
const ENDED: [&str; 2] = ["Resolved", "Dismissed"];

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body = tree::parse(text)?;
    let root = Node::at(&body, "");
    if let Some(why) = nothing(&root)? {
        return Ok(Reading::Nothing { why });
    }
    if root.get("ProviderName")?.says(IDENTITY_PROTECTION) {
        return protection(&root, context);
    }
    contract(&root, context)
}

/// Why nothing follows from the alert, whoever it is about.
fn nothing(root: &Node<'_>) -> Result<Option<String>, NotUnderstood> {
    let status = root.get("Status")?;
    if ENDED.iter().any(|ended| status.says(ended)) {
        return Ok(Some(
            "the alert is closed, so nothing follows from it".to_owned(),
        ));
    }
    let product = root.get("ProductName")?;
    let name = first(root, &["AlertDisplayName", "DisplayName", "AlertName"])?;
    let sampled = SAMPLES.0.iter().any(|maker| product.says(maker))
        && name.text().is_some_and(|name| name.starts_with(SAMPLES.1));
    Ok(
        sampled
            .then(|| "a sample alert of Defender for Cloud, made to try the way here".to_owned()),
    )
}

/// The first of these members that is there.
fn first<'a>(root: &Node<'a>, names: &[&str]) -> Result<Node<'a>, NotUnderstood> {
    let mut found = root.get(names[0])?;
    for name in &names[1..] {
        if found.is_null() {
            found = root.get(name)?;
        }
    }
    Ok(found)
}

/// An alert of an analytic rule: its custom details say whom.
fn contract(root: &Node<'_>, context: &Context) -> Result<Reading, NotUnderstood> {
    let extended = root.get("ExtendedProperties")?;
    let unpacked = extended.embedded()?;
    let extended = match &unpacked {
        Some(value) => Node::at(value, "ExtendedProperties"),
        None => extended,
    };
    let (details, rules) = (
        extended.get("Custom Details")?,
        extended.get("Analytic Rule Ids")?,
    );
    let severity = first(root, &["Severity", "AlertSeverity"])?;
    let (started, id) = (
        first(root, &["StartTimeUtc", "StartTime"])?,
        root.get("SystemAlertId")?,
    );
    let (generated, processed) = (root.get("TimeGenerated")?, root.get("ProcessingEndTime")?);
    let alert = Alert {
        name: None,
        properties: Some(AlertProperties {
            provider_alert_id: None,
            system_alert_id: loose(&id),
            severity: loose(&severity),
            started: loose(&started),
            generated: loose(&generated),
            processed: loose(&processed),
            additional: Some(Additional {
                custom_details: loose(&details),
                analytic_rules: loose(&rules),
            }),
        }),
    };
    let fallback = Fallback {
        severity: None,
        analytic_rules: rule_of(root)?,
    };
    match alert::read(&alert, "alert", &fallback, context)? {
        Alerted::Claim(claim) => Ok(Reading::Detection(Box::new(merge(
            vec![claim],
            Vec::new(),
            context,
        )?))),
        Alerted::Person => Ok(person()),
        Alerted::NoAgent => no_agent(root),
    }
}

fn no_agent(root: &Node<'_>) -> Result<Reading, NotUnderstood> {
    let why = NotUnderstood::new(
        "alert.customDetails.AgentId is missing, so the alert names no agent. Add the custom \
         detail AgentId (the agent's object id) to the analytic rule",
    );
    let id = first(root, &["ProviderAlertId", "VendorOriginalId"])?;
    match id.text().and_then(OpaqueId::new) {
        None => Err(why),
        Some(id) => Ok(Reading::Incomplete(Box::new(Incomplete {
            why,
            alerts: vec![id],
            incident: None,
        }))),
    }
}

/// `AlertType` is the workspace and the rule, joined by `_`.
fn rule_of(root: &Node<'_>) -> Result<Vec<String>, NotUnderstood> {
    let kind = root.get("AlertType")?;
    let rule = kind.text().and_then(|text| text.rsplit_once('_'));
    Ok(rule
        .map(|(_, rule)| rule.to_ascii_lowercase())
        .into_iter()
        .collect())
}

/// A member as the incident's reader takes it.
fn loose<'a>(node: &Node<'a>) -> Option<Loose<'a>> {
    match node.value {
        Value::Null => None,
        Value::String(text) => Some(Loose::Text(Cow::Borrowed(text))),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Some(Loose::Other)
        }
    }
}

/// An alert of Entra ID Protection about a workload identity.
fn protection(root: &Node<'_>, context: &Context) -> Result<Reading, NotUnderstood> {
    let entities = root.get("Entities")?;
    let unpacked = entities.embedded()?;
    let entities = match &unpacked {
        Some(value) => Node::at(value, "Entities"),
        None => entities,
    };
    let (mut sightings, mut people) = (Vec::new(), false);
    for entity in entities.items() {
        let kind = entity.get("Type")?;
        people |= kind.says("account");
        if kind.says(WORKLOAD) {
            sightings.push(workload(&entity)?);
        }
    }
    if sightings.is_empty() && people {
        return Ok(person());
    }
    if sightings.is_empty() {
        return Err(NotUnderstood::new(
            "Entities names no service-principal, so nobody can say which workload identity is \
             at risk. Look at the alert in Entra ID Protection",
        ));
    }
    let severity = first(root, &["Severity", "AlertSeverity"])?;
    let severity = severity_of(loose(&severity).as_ref()).ok_or_else(|| {
        NotUnderstood::new(
            "Severity is none of informational, low, medium, high and critical. Forward \
             @triggerBody() untouched",
        )
    })?;
    let claim = Claim {
        place: "alert".to_owned(),
        alert_id: first(root, &["SystemAlertId", "VendorOriginalId"])?
            .said()
            .unwrap_or_else(|| context.id.to_string()),
        detection_type: risk_type(root, context)?,
        severity,
        activity_at: first(root, &["StartTimeUtc", "StartTime"])?.moment(),
        detected_at: root.get("TimeGenerated")?.moment(),
        detection_ids: Vec::new(),
        sightings,
    };
    let detection = merge(vec![claim], Vec::new(), context)?;
    Ok(Reading::Detection(Box::new(detection)))
}

/// The risk in ID Protection's own word, or in the one the configuration gives it.
fn risk_type(root: &Node<'_>, context: &Context) -> Result<DetectionType, NotUnderstood> {
    let word = root.get("AlertType")?.text().unwrap_or_default();
    match context.types.get(&word.to_ascii_lowercase()) {
        Some(named) => Ok(named.clone()),
        None => typed(word, "AlertType"),
    }
}

/// Whether the id is an agent's or a plain service principal's, the alert does not say: it is named
/// as what the word says, and the inventory corrects nothing.
fn workload(entity: &Node<'_>) -> Result<Sighting, NotUnderstood> {
    let id = entity.get("ServicePrincipalObjectId")?;
    let parsed = id.value.as_str().unwrap_or_default().parse();
    let place = &id.place;
    Ok(Sighting {
        entity: Entity {
            kind: EntityKind::ServicePrincipal,
            id: parsed.map_err(|why| {
                NotUnderstood::new(format!("{place}: {why}. Look at the alert in Entra"))
            })?,
        },
        tenant: None,
        found_at: place.clone(),
        blueprint: None,
        background: None,
    })
}

fn person() -> Reading {
    Reading::Nothing {
        why: "the risk is a person's, not the agent's: an agent acting on their behalf is not \
              stopped for it. Look at the person"
            .to_owned(),
    }
}
