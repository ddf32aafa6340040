//! The incident trigger of Microsoft Sentinel, with the custom-details contract of design §2.
//!
//! Knows: the trigger's key names, and that its senders compare keys without case.
//! Never: entities, titles and descriptions as a source of targets.
//!
//! Laws
//! * Several alerts become one detection of one type: of the alerts that can be read, the type of
//!   the most severe one, the first among equals. Alerts of other types are remarked, not read.
//! * An alert that cannot be read does not hide one that can: it is remarked. When none can be
//!   read, the delivery is not understood.
//!
//! Read next: `body`, `details`, `alert`.

mod alert;
mod body;
mod details;

use crate::domain::detection::{Detection, IncidentRef, Severity};

use super::folded::Loose;
use super::{Context, NotUnderstood, Reading, key_of, merged};
use alert::{Alerted, Claim, Fallback};
use body::{Alert, Body, Incident, Properties};

/// Longest detection id that is used as it is, in bytes.
const KEY_MAX: usize = 256;

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body: Body<'_> = serde_json::from_str(text).map_err(|why| {
        NotUnderstood::new(format!(
            "this is not an incident trigger's body: {why}. Forward @triggerBody() untouched"
        ))
    })?;
    let incident = body.incident.ok_or_else(|| missing("object"))?;
    let properties = incident
        .properties
        .as_ref()
        .ok_or_else(|| missing("object.properties"))?;
    let said = |word: &Option<Loose<'_>>, is: &str| {
        let text = word.as_ref().and_then(Loose::text);
        text.is_some_and(|text| text.eq_ignore_ascii_case(is))
    };
    if said(&properties.status, "Closed") {
        let why = "the incident is closed, so nothing follows from it".to_owned();
        return Ok(Reading::Nothing { why });
    }
    let alerts = properties.alerts.as_ref().map(|list| list.0.as_slice());
    let alerts = alerts.filter(|alerts| !alerts.is_empty());
    let alerts = alerts.ok_or_else(|| missing("object.properties.alerts"))?;
    match sift(alerts, properties, context)? {
        Sifted::Claims { claims, remarks } => {
            let detection = merge(claims, remarks, context)?;
            Ok(Reading::Detection(Box::new(Detection {
                incident: incident_ref(&incident),
                ..detection
            })))
        }
        Sifted::Person => Ok(Reading::Nothing {
            why: "the risk is a person's, not the agent's: an agent acting on their behalf is not \
                  stopped for it. Look at the person"
                .to_owned(),
        }),
    }
}

fn missing(place: &str) -> NotUnderstood {
    NotUnderstood::new(format!(
        "`{place}` is missing. Forward the body of the incident trigger untouched: @triggerBody()"
    ))
}

enum Sifted {
    Claims {
        claims: Vec<Claim>,
        remarks: Vec<String>,
    },
    Person,
}

fn sift(
    alerts: &[Alert<'_>],
    properties: &Properties<'_>,
    context: &Context,
) -> Result<Sifted, NotUnderstood> {
    let fallback = Fallback::of(properties);
    let (mut claims, mut remarks, mut first_refusal, mut person) = (vec![], vec![], None, false);
    for (n, one) in alerts.iter().enumerate() {
        let place = format!("alerts[{n}]");
        match alert::read(one, &place, &fallback, context) {
            Ok(Alerted::Claim(claim)) => claims.push(claim),
            Ok(Alerted::NoAgent) => remarks.push(format!("{place} names no agent")),
            Ok(Alerted::Person) => {
                person = true;
                remarks.push(format!("{place}: the risk is a person's, not the agent's"));
            }
            Err(why) => {
                remarks.push(format!("{place} was not understood: {why}"));
                first_refusal.get_or_insert(why);
            }
        }
    }
    match first_refusal {
        _ if !claims.is_empty() => Ok(Sifted::Claims { claims, remarks }),
        Some(why) => Err(why),
        None if person => Ok(Sifted::Person),
        None => Err(NotUnderstood::new(
            "alerts[0].customDetails.AgentId is missing, and no other alert names an agent. Add \
             the custom detail AgentId (the agent's object id) to the analytic rule",
        )),
    }
}

fn merge(
    claims: Vec<Claim>,
    mut remarks: Vec<String>,
    context: &Context,
) -> Result<Detection, NotUnderstood> {
    let worst = |worst: Option<usize>, n: usize| match worst {
        Some(known) if claims[known].severity >= claims[n].severity => Some(known),
        _ => Some(n),
    };
    let Some(worst) = (0..claims.len()).fold(None, worst) else {
        return Err(missing("object.properties.alerts"));
    };
    let chosen = claims[worst].detection_type.clone();
    let severity = claims[worst].severity;
    let (taken, left): (Vec<_>, Vec<_>) = claims
        .into_iter()
        .partition(|claim| claim.detection_type == chosen);
    for claim in left {
        let ids: Vec<_> = claim
            .sightings
            .iter()
            .map(|s| s.entity.to_string())
            .collect();
        remarks.push(format!(
            "{} is another detection ({}) and was not acted on: {}",
            claim.place,
            claim.detection_type,
            ids.join(", ")
        ));
    }
    let key = key(&taken);
    let activity_at = taken.iter().filter_map(|claim| claim.activity_at).min();
    let detected_at = taken.iter().filter_map(|claim| claim.detected_at).max();
    let sightings = taken.into_iter().flat_map(|claim| claim.sightings);
    Ok(Detection {
        id: context.id,
        key,
        source: context.source.clone(),
        detection_type: chosen,
        severity,
        confidence: None,
        activity_at,
        detected_at,
        received_at: context.received_at,
        entities: merged(sightings.collect())?,
        incident: None,
        remarks,
    })
}

/// The sensor's own detection id where there is exactly one, else the alerts; with the type and
/// the entities.
fn key(taken: &[Claim]) -> String {
    let sorted = |mut texts: Vec<String>| {
        texts.sort_unstable();
        texts.dedup();
        texts
    };
    let ids = taken.iter().flat_map(|claim| claim.detection_ids.clone());
    let ids = sorted(ids.collect());
    let kind = taken.first().map(|claim| claim.detection_type.as_str());
    let kind = kind.unwrap_or_default();
    let sightings = taken.iter().flat_map(|claim| claim.sightings.clone());
    let sightings: Vec<_> = sightings.collect();
    if let [id] = ids.as_slice()
        && id.len() <= KEY_MAX
    {
        return key_of(id, kind, &sightings);
    }
    let alerts = sorted(taken.iter().map(|claim| claim.alert_id.clone()).collect());
    key_of(&alerts.join(","), kind, &sightings)
}

fn incident_ref(incident: &Incident<'_>) -> Option<IncidentRef> {
    let properties = incident.properties.as_ref();
    let number = properties.and_then(|said| said.number.as_ref());
    let url = properties.and_then(|said| said.url.as_ref());
    Some(IncidentRef {
        id: incident.id.as_ref().and_then(Loose::text)?.to_owned(),
        number: number.and_then(Loose::said),
        url: url.and_then(Loose::text).map(str::to_owned),
    })
}

/// The severity a loose member names.
fn severity_of(word: Option<&Loose<'_>>) -> Option<Severity> {
    word.and_then(Loose::text).and_then(Severity::from_word)
}
