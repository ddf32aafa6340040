//! The triggers of Microsoft Sentinel: incident, alert and entity, with the contract of design §2.
//!
//! Knows: the triggers' key names, and that their senders compare keys without case.
//! Never: titles and descriptions as a source of targets; entities only where their maker itself
//! writes the id (`entity`, and `flat` for Identity Protection).
//!
//! Laws
//! * Several alerts become one detection of one type: of the alerts that can be read, the type of
//!   the most severe one, the first among equals. Alerts of other types are remarked, not read.
//! * An alert that cannot be read does not hide one that can: it is remarked. When none can be
//!   read, the delivery is not understood.
//! * An incident whose alerts carry no contract is incomplete: the alert itself may still say whom.
//!
//! Read next: `body`, `alert`, then `flat` and `entity`.

mod alert;
mod body;
mod entity;
mod flat;

use crate::domain::detection::{Detection, IncidentRef, Severity};
use crate::domain::found::OpaqueId;

use super::claim::{Claim, merge};
use super::folded::Loose;
use super::{Context, Incomplete, LOOK_UPS_MAX, NotUnderstood, Reading};
use alert::{Alerted, Fallback};
use body::{Alert, Body, Incident, Properties};

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body: Body<'_> = serde_json::from_str(text).map_err(|why| {
        NotUnderstood::new(format!(
            "this is not a Sentinel trigger's body: {why}. Forward @triggerBody() untouched"
        ))
    })?;
    match body.incident {
        Some(incident) => read_incident(&incident, context),
        None if body.alert_id.is_some() || body.alert_type.is_some() => flat::read(text, context),
        None if body.entity.is_some() => entity::read(text, context),
        None => Err(missing("object")),
    }
}

fn read_incident(incident: &Incident<'_>, context: &Context) -> Result<Reading, NotUnderstood> {
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
                incident: incident_ref(incident),
                ..detection
            })))
        }
        Sifted::NoAgent { why, alerts } if alerts.is_empty() => Err(why),
        Sifted::NoAgent { why, alerts } => Ok(Reading::Incomplete(Box::new(Incomplete {
            why,
            alerts,
            incident: incident_ref(incident),
        }))),
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
    /// These alerts carry no contract; asked by id they may say more.
    NoAgent {
        why: NotUnderstood,
        alerts: Vec<OpaqueId>,
    },
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
        None => Ok(Sifted::NoAgent {
            why: NotUnderstood::new(
                "alerts[0].customDetails.AgentId is missing, and no other alert names an agent. \
                 Add the custom detail AgentId (the agent's object id) to the analytic rule",
            ),
            alerts: asked_for(alerts),
        }),
    }
}

/// The ids the alerts have with whoever made them, as far as they can stand in a path.
fn asked_for(alerts: &[Alert<'_>]) -> Vec<OpaqueId> {
    let ids = alerts.iter().filter_map(|alert| {
        let said = alert.properties.as_ref()?;
        let id = said.provider_alert_id.as_ref()?.text()?;
        OpaqueId::new(id)
    });
    ids.take(LOOK_UPS_MAX).collect()
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
