//! One item of a risk list of Entra ID Protection, as Graph writes it, wrapped in the name of its
//! kind: `{"agentRiskDetection":{…}}`.
//!
//! Knows: the members of `agentRiskDetection`, `riskyAgent` and `servicePrincipalRiskDetection`.
//! Never: display names; they are other people's text.
//!
//! Laws
//! * What a person or Entra has settled (dismissed, remediated, confirmed safe) starts nothing.
//! * A word for a level or a state that is not known weakens nothing silently: it is remarked.

use crate::domain::detection::{Detection, DetectionType, Severity, Sighting};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::moment::Moment;
use crate::domain::pull::RiskList;

use super::folded::{Loose, folded};
use super::{Context, NotUnderstood, Reading, key_of};

/// Longest id of an item that is taken, in characters.
const ID_MAX: usize = 256;

folded! {
    /// One item under the name of its kind.
    Body {
        agent: Item<'a> = "agentRiskDetection",
        risky: Item<'a> = "riskyAgent",
        principal: Item<'a> = "servicePrincipalRiskDetection",
    }
    /// The members of all three kinds; each kind has its own.
    Item {
        id: Loose<'a> = "id",
        identity: Loose<'a> = "identityId",
        // Deprecated for `identityId`, to be removed after April 2027.
        agent: Loose<'a> = "agentId",
        identity_type: Loose<'a> = "identityType",
        blueprint: Loose<'a> = "blueprintId",
        principal: Loose<'a> = "servicePrincipalId",
        event: Loose<'a> = "riskEventType",
        detail: Loose<'a> = "riskDetail",
        level: Loose<'a> = "riskLevel",
        state: Loose<'a> = "riskState",
        activity: Loose<'a> = "activityDateTime",
        detected: Loose<'a> = "detectedDateTime",
        modified: Loose<'a> = "riskLastModifiedDateTime",
    }
}

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body: Body<'_> = serde_json::from_str(text)
        .map_err(|why| NotUnderstood::new(format!("this is no item of a risk list: {why}")))?;
    let (list, item) = match (body.agent, body.risky, body.principal) {
        (Some(item), None, None) => (RiskList::AgentRiskDetections, item),
        (None, Some(item), None) => (RiskList::RiskyAgents, item),
        (None, None, Some(item)) => (RiskList::ServicePrincipalRiskDetections, item),
        (_, _, _) => {
            let known = RiskList::ALL.map(RiskList::member).join(", ");
            return Err(NotUnderstood::new(format!(
                "exactly one of {known} must be there. Wrap Graph's item in the name of its kind"
            )));
        }
    };
    let mut remarks = Vec::new();
    match state(item.state.as_ref()) {
        RiskState::Settled(word) => {
            return Ok(nothing(format!(
                "Entra says the risk is settled: {word}. Nothing is done for it"
            )));
        }
        RiskState::AtRisk => {}
        RiskState::Unknown(word) => remarks.push(format!("its risk state is not known: {word}")),
    }
    let place = list.member();
    let Some(kind) = kind(list, &item)? else {
        return Ok(nothing(
            "the risk is a person's, not the agent's: an agent acting on their behalf is not \
             stopped for it. Look at the person"
                .to_owned(),
        ));
    };
    let severity = severity(&item, &mut remarks);
    let found = Found {
        list,
        entity: Entity {
            kind,
            id: target(list, &item)?,
        },
        place,
    };
    detection(&item, &found, (severity, remarks), context)
}

/// What an item is about.
struct Found {
    list: RiskList,
    entity: Entity,
    place: &'static str,
}

fn detection(
    item: &Item<'_>,
    found: &Found,
    (severity, remarks): (Severity, Vec<String>),
    context: &Context,
) -> Result<Reading, NotUnderstood> {
    let detection_type = detection_type(item, found)?;
    let blueprint = text(&item.blueprint).and_then(|id| id.parse().ok());
    let sightings = vec![Sighting {
        entity: found.entity,
        tenant: None,
        found_at: format!("{}.{}", found.place, id_member(found.list, item)),
        blueprint,
        background: None,
    }];
    let key = key_of(&own_id(item, found)?, detection_type.as_str(), &sightings);
    let when = |member: &Option<Loose<'_>>| text(member).and_then(Moment::parse);
    Ok(Reading::Detection(Box::new(Detection {
        id: context.id,
        key,
        source: context.source.clone(),
        detection_type,
        severity,
        confidence: None,
        activity_at: when(&item.activity),
        detected_at: when(&item.detected).or_else(|| when(&item.modified)),
        received_at: context.received_at,
        entities: sightings,
        incident: None,
        remarks,
        called: None,
    })))
}

/// The id of the detection. A risky agent has none of its own: its risk at one moment is one.
fn own_id(item: &Item<'_>, found: &Found) -> Result<String, NotUnderstood> {
    if found.list == RiskList::RiskyAgents {
        let at = text(&item.modified).unwrap_or_default();
        return Ok(format!("{}@{at}", found.entity.id));
    }
    text(&item.id)
        .filter(|id| id.chars().count() <= ID_MAX)
        .map(str::to_owned)
        .ok_or_else(|| missing(found.place, "id"))
}

fn detection_type(item: &Item<'_>, found: &Found) -> Result<DetectionType, NotUnderstood> {
    let word = match found.list {
        RiskList::RiskyAgents if text(&item.detail) == Some(DetectionType::ADMIN_CONFIRMED) => {
            DetectionType::ADMIN_CONFIRMED
        }
        RiskList::RiskyAgents => DetectionType::RISKY_AGENT,
        RiskList::AgentRiskDetections | RiskList::ServicePrincipalRiskDetections => {
            text(&item.event).ok_or_else(|| missing(found.place, "riskEventType"))?
        }
    };
    DetectionType::new(word).ok_or_else(|| missing(found.place, "riskEventType"))
}

/// Which member names the target.
fn id_member(list: RiskList, item: &Item<'_>) -> &'static str {
    match list {
        RiskList::AgentRiskDetections if text(&item.identity).is_none() => "agentId",
        RiskList::AgentRiskDetections => "identityId",
        RiskList::RiskyAgents => "id",
        RiskList::ServicePrincipalRiskDetections => "servicePrincipalId",
    }
}

fn target(list: RiskList, item: &Item<'_>) -> Result<ObjectId, NotUnderstood> {
    let member = id_member(list, item);
    let said = match list {
        RiskList::AgentRiskDetections => match (text(&item.identity), text(&item.agent)) {
            (Some(new), Some(old)) if !new.eq_ignore_ascii_case(old) => {
                return Err(NotUnderstood::new(format!(
                    "{}: identityId and agentId name different objects, so nobody can say who is \
                     meant",
                    list.member()
                )));
            }
            (new, old) => new.or(old),
        },
        RiskList::RiskyAgents => text(&item.id),
        RiskList::ServicePrincipalRiskDetections => text(&item.principal),
    };
    let said = said.ok_or_else(|| missing(list.member(), member))?;
    said.parse()
        .map_err(|why| NotUnderstood::new(format!("{}.{member}: {why}", list.member())))
}

/// What kind of object it is; `None` is a person.
fn kind(list: RiskList, item: &Item<'_>) -> Result<Option<EntityKind>, NotUnderstood> {
    if list == RiskList::ServicePrincipalRiskDetections {
        return Ok(Some(EntityKind::ServicePrincipal));
    }
    let Some(word) = text(&item.identity_type) else {
        return Ok(Some(EntityKind::Agent));
    };
    match word.to_ascii_lowercase().as_str() {
        "agentidentity" => Ok(Some(EntityKind::Agent)),
        "agentuser" => Ok(Some(EntityKind::AgentUser)),
        "agentidentityblueprintprincipal" => Ok(Some(EntityKind::Blueprint)),
        "user" => Ok(None),
        _ => Err(NotUnderstood::new(format!(
            "{}.identityType is none of agentIdentity, agentUser, \
             agentIdentityBlueprintPrincipal and user: a person must say what it is",
            list.member()
        ))),
    }
}

enum RiskState<'a> {
    AtRisk,
    Settled(&'a str),
    Unknown(&'a str),
}

fn state<'a>(member: Option<&'a Loose<'_>>) -> RiskState<'a> {
    let word = member.and_then(Loose::text).unwrap_or("none is said");
    match word {
        "atRisk" | "confirmedCompromised" => RiskState::AtRisk,
        "none" | "confirmedSafe" | "remediated" | "dismissed" => RiskState::Settled(word),
        _ => RiskState::Unknown(word),
    }
}

/// `hidden` is what a tenant without the licence is shown.
fn severity(item: &Item<'_>, remarks: &mut Vec<String>) -> Severity {
    let word = text(&item.level).unwrap_or("none is said");
    match word {
        "low" => Severity::Low,
        "medium" => Severity::Medium,
        "high" => Severity::High,
        _ => {
            remarks.push(format!("its risk level cannot be told: {word}"));
            Severity::Informational
        }
    }
}

fn text<'a>(member: &'a Option<Loose<'_>>) -> Option<&'a str> {
    member.as_ref().and_then(Loose::text)
}

fn missing(place: &str, member: &str) -> NotUnderstood {
    NotUnderstood::new(format!(
        "{place}.{member} is missing or cannot be used. Hand on Graph's item as it came"
    ))
}

fn nothing(why: String) -> Reading {
    Reading::Nothing { why }
}

#[cfg(test)]
mod tests;
