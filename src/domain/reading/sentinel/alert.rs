//! One alert of an incident: what it claims, or why it claims nothing.

use crate::domain::detection::{DetectionType, Severity};
use crate::domain::moment::Moment;

use super::super::claim::Claim;
use super::super::contract::{self, Named};
use super::super::folded::Loose;
use super::super::{Context, NotUnderstood, typed};
use super::body::{Alert, AlertProperties, Properties};
use super::severity_of;

/// What one alert turned out to be.
pub(super) enum Alerted {
    Claim(Claim),
    /// It names no agent: an alert of another kind in the same incident.
    NoAgent,
    /// The risk sits on a person the agent acts for.
    Person,
}

/// What the incident says for alerts that do not say it themselves.
pub(super) struct Fallback {
    pub(super) severity: Option<Severity>,
    pub(super) analytic_rules: Vec<String>,
}

impl Fallback {
    /// Takes the incident's severity and the last segment of each related rule's path.
    pub(super) fn of(properties: &Properties<'_>) -> Self {
        let paths = properties.analytic_rules.iter().flat_map(|list| &list.0);
        let last = |path: &str| {
            path.rsplit('/')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        Self {
            severity: severity_of(properties.severity.as_ref()),
            analytic_rules: paths.filter_map(Loose::text).map(last).collect(),
        }
    }
}

/// Reads one alert; `place` is where it stands, such as `alerts[0]`.
pub(super) fn read(
    alert: &Alert<'_>,
    place: &str,
    fallback: &Fallback,
    context: &Context,
) -> Result<Alerted, NotUnderstood> {
    let empty = AlertProperties::default();
    let said = alert.properties.as_ref().unwrap_or(&empty);
    let additional = said.additional.as_ref();
    let Some(text) = additional.and_then(|members| members.custom_details.as_ref()) else {
        return Ok(Alerted::NoAgent);
    };
    let details_place = format!("{place}.customDetails");
    let text = text.text().ok_or_else(|| {
        NotUnderstood::new(format!(
            "{details_place} is not a text with JSON in it. Forward @triggerBody() untouched"
        ))
    })?;
    let told = contract::read(text, &details_place)?;
    let sightings = match told.named {
        Named::Entities(sightings) => sightings,
        Named::Nobody => return Ok(Alerted::NoAgent),
        Named::Person => return Ok(Alerted::Person),
    };
    let moment = |member: &Option<Loose<'_>>| {
        let text = member.as_ref().and_then(Loose::text);
        text.and_then(Moment::parse)
    };
    let name = said.system_alert_id.as_ref().or(alert.name.as_ref());
    Ok(Alerted::Claim(Claim {
        // Without a name of its own it can be no repeat: a shared empty name would join what is
        // not the same, quietly.
        alert_id: name
            .and_then(Loose::said)
            .unwrap_or_else(|| context.id.to_string()),
        detection_type: match told.detection_types.as_slice() {
            [word] => typed(word, &format!("{details_place}.DetectionType"))?,
            [] => type_of_rule(said, &details_place, fallback, context)?,
            _ => {
                return Err(NotUnderstood::new(format!(
                    "{details_place}.DetectionType holds different values. Let the analytic rule \
                     make one alert for each row"
                )));
            }
        },
        severity: severity(said, place, fallback)?,
        activity_at: moment(&said.started),
        detected_at: moment(&said.generated).or_else(|| moment(&said.processed)),
        detection_ids: told.detection_ids,
        sightings,
        place: place.to_owned(),
    }))
}

/// The type the configuration gives the analytic rule that made the alert. An alert that names its
/// rules is not judged by the incident's.
fn type_of_rule(
    said: &AlertProperties<'_>,
    place: &str,
    fallback: &Fallback,
    context: &Context,
) -> Result<DetectionType, NotUnderstood> {
    let own = said
        .additional
        .as_ref()
        .and_then(|members| members.analytic_rules.as_ref());
    let own = own
        .and_then(Loose::text)
        .map(serde_json::from_str::<Vec<String>>);
    let rules = match own {
        Some(Ok(rules)) if !rules.is_empty() => rules,
        Some(_) | None => fallback.analytic_rules.clone(),
    };
    let mut types: Vec<_> = rules
        .iter()
        .filter_map(|id| context.types.get(&id.to_ascii_lowercase()))
        .collect();
    types.dedup();
    let fix = match rules.first() {
        Some(id) => format!(
            "write `types: {{ {id}: DETECTION_TYPE }}` under sources.{}",
            context.source
        ),
        None => "name the rule's id in the alert".to_owned(),
    };
    match types.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(NotUnderstood::new(format!(
            "{place}.DetectionType is missing. Add it to the analytic rule's custom details, or \
             {fix}"
        ))),
        _ => Err(NotUnderstood::new(format!(
            "{place}.DetectionType is missing and the alert's analytic rules have different \
             types. Add it to the rules' custom details"
        ))),
    }
}

fn severity(
    said: &AlertProperties<'_>,
    place: &str,
    fallback: &Fallback,
) -> Result<Severity, NotUnderstood> {
    severity_of(said.severity.as_ref())
        .or(fallback.severity)
        .ok_or_else(|| {
            NotUnderstood::new(format!(
                "{place}.severity is none of informational, low, medium, high and critical, and \
                 neither is the incident's. Set a severity in the analytic rule"
            ))
        })
}
