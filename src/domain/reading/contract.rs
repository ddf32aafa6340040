//! The contract of design §2: the only fields we trust to name an entity, whoever carries them.
//!
//! Whoever writes a rule maps a column to each of these names: as custom details, as dimensions of
//! a log alert, as columns of a row. Entities, titles and descriptions carry names, user ids and
//! other people's text, so nothing there names a target.

use crate::domain::detection::Sighting;
use crate::domain::entity::{Entity, EntityKind, ObjectId};

use super::folded::{List, Loose, folded};
use super::{NotUnderstood, strict};

/// The contract's names, as we write them. Senders' are compared without case.
pub const NAMES: [&str; 8] = [
    "AgentId",
    "AgentObjectId",
    "ServicePrincipalId",
    "IdentityType",
    "BlueprintId",
    "EntraTenantId",
    "DetectionType",
    "DetectionId",
];

folded! {
    /// The values under each name: lists of texts, one for each row the alert grouped.
    Details {
        agent: List<Loose<'a>> = "AgentId",
        agent_object: List<Loose<'a>> = "AgentObjectId",
        service_principal: List<Loose<'a>> = "ServicePrincipalId",
        identity_type: List<Loose<'a>> = "IdentityType",
        blueprint: List<Loose<'a>> = "BlueprintId",
        tenant: List<Loose<'a>> = "EntraTenantId",
        detection_type: List<Loose<'a>> = "DetectionType",
        detection_id: List<Loose<'a>> = "DetectionId",
    }
}

/// How the contract is written, said wherever it is broken.
const CONTRACT: &str = "Custom details are a JSON text of lists of texts, such as \
                        {\"AgentId\":[\"GUID\"],\"DetectionType\":[\"NAME\"]}";

/// Whom an alert names.
pub(super) enum Named {
    /// These entities.
    Entities(Vec<Sighting>),
    /// Nobody: an alert of another kind in the same incident.
    Nobody,
    /// A person the agent acts for; the agent is not stopped for it.
    Person,
}

/// What an alert's custom details say.
pub(super) struct Told {
    pub(super) named: Named,
    /// Empty when the rule does not say.
    pub(super) detection_types: Vec<String>,
    /// Empty when the rule does not say.
    pub(super) detection_ids: Vec<String>,
}

/// Reads the text of `Custom Details`; `place` is where it stands, such as
/// `alerts[0].customDetails`.
pub(super) fn read(text: &str, place: &str) -> Result<Told, NotUnderstood> {
    strict::check(text.as_bytes()).map_err(|why| NotUnderstood::new(format!("{place}: {why}")))?;
    let details: Details<'_> = serde_json::from_str(text)
        .map_err(|why| NotUnderstood::new(format!("{place}: {why}. {CONTRACT}")))?;
    told(&details, place)
}

/// Reads the contract from values that were gathered by name.
pub(super) fn told(details: &Details<'_>, place: &str) -> Result<Told, NotUnderstood> {
    let texts = |list, name| texts(list, place, name);
    Ok(Told {
        named: named(details, place)?,
        detection_types: texts(&details.detection_type, "DetectionType")?,
        detection_ids: texts(&details.detection_id, "DetectionId")?,
    })
}

impl<'a> Details<'a> {
    /// Puts values under a name, in whatever case it is written; another name is passed over. False
    /// when something stands there already: nobody can say which of the two is meant.
    #[must_use]
    pub(super) fn put(&mut self, name: &str, values: Vec<Loose<'a>>) -> bool {
        let known = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name));
        let place = match known {
            Some(&"AgentId") => &mut self.agent,
            Some(&"AgentObjectId") => &mut self.agent_object,
            Some(&"ServicePrincipalId") => &mut self.service_principal,
            Some(&"IdentityType") => &mut self.identity_type,
            Some(&"BlueprintId") => &mut self.blueprint,
            Some(&"EntraTenantId") => &mut self.tenant,
            Some(&"DetectionType") => &mut self.detection_type,
            Some(&"DetectionId") => &mut self.detection_id,
            Some(_) | None => return true,
        };
        place.replace(List(values)).is_none()
    }
}

fn named(details: &Details<'_>, place: &str) -> Result<Named, NotUnderstood> {
    let Some((field, ids)) = agents(details, place)? else {
        return Ok(Named::Nobody);
    };
    let Some(kind) = kind(details, place)? else {
        return Ok(Named::Person);
    };
    let blueprints = texts(&details.blueprint, place, "BlueprintId")?;
    let tenants = texts(&details.tenant, place, "EntraTenantId")?;
    let tenant = match tenants.as_slice() {
        [] => None,
        [tenant] => Some(guid(tenant, place, "EntraTenantId")?),
        _ => return Err(ambiguous(place, "EntraTenantId")),
    };
    // A hint only: with several rows nothing says which blueprint is whose.
    let blueprint = match blueprints.as_slice() {
        [blueprint] => blueprint.parse().ok(),
        _ => None,
    };
    let sighting = |id: &String| {
        Ok(Sighting {
            entity: Entity {
                kind,
                id: guid(id, place, field)?,
            },
            tenant,
            found_at: format!("{place}.{field}"),
            blueprint,
            background: None,
        })
    };
    ids.iter()
        .map(sighting)
        .collect::<Result<_, _>>()
        .map(Named::Entities)
}

/// The ids of the agents and the detail they stand in. Aliases may repeat each other; when they
/// disagree, nobody can say who is meant.
fn agents(
    details: &Details<'_>,
    place: &str,
) -> Result<Option<(&'static str, Vec<String>)>, NotUnderstood> {
    let mut found: Option<(&'static str, Vec<String>)> = None;
    for (name, list) in [
        ("AgentId", &details.agent),
        ("AgentObjectId", &details.agent_object),
        ("ServicePrincipalId", &details.service_principal),
    ] {
        let ids = texts(list, place, name)?;
        match &found {
            _ if ids.is_empty() => {}
            None => found = Some((name, ids)),
            Some((_, known)) if same_ids(known, &ids) => {}
            Some((known, _)) => {
                return Err(NotUnderstood::new(format!(
                    "{place}: {known} and {name} name different objects. Keep one of them in the \
                     analytic rule's custom details"
                )));
            }
        }
    }
    Ok(found)
}

fn same_ids(some: &[String], others: &[String]) -> bool {
    let has = |id: &String| others.iter().any(|other| other.eq_ignore_ascii_case(id));
    some.len() == others.len() && some.iter().all(has)
}

/// What kind of object the ids name, by Entra ID Protection's words; `None` is a person.
fn kind(details: &Details<'_>, place: &str) -> Result<Option<EntityKind>, NotUnderstood> {
    let words = texts(&details.identity_type, place, "IdentityType")?;
    let word = match words.as_slice() {
        [] => return Ok(Some(EntityKind::Agent)),
        [word] => word.to_ascii_lowercase(),
        _ => return Err(ambiguous(place, "IdentityType")),
    };
    match word.as_str() {
        "agentidentity" => Ok(Some(EntityKind::Agent)),
        "agentuser" => Ok(Some(EntityKind::AgentUser)),
        "agentidentityblueprintprincipal" => Ok(Some(EntityKind::Blueprint)),
        "serviceprincipal" => Ok(Some(EntityKind::ServicePrincipal)),
        "user" => Ok(None),
        _ => Err(NotUnderstood::new(format!(
            "{place}.IdentityType is none of agentIdentity, agentUser, \
             agentIdentityBlueprintPrincipal, servicePrincipal and user. Map the column \
             IdentityType of AADAgentRiskEvents to it"
        ))),
    }
}

fn guid(text: &str, place: &str, name: &str) -> Result<ObjectId, NotUnderstood> {
    text.parse().map_err(|why| {
        NotUnderstood::new(format!(
            "{place}.{name}: {why}. Map a column that holds the object id"
        ))
    })
}

fn ambiguous(place: &str, name: &str) -> NotUnderstood {
    NotUnderstood::new(format!(
        "{place}.{name} holds different values, so nobody can say which belongs to which id. Let \
         the analytic rule make one alert for each row"
    ))
}

/// The values of one custom detail without empty and repeated ones. A number is no id: it may
/// have been rounded on the way (threat W18).
fn texts(
    list: &Option<List<Loose<'_>>>,
    place: &str,
    name: &str,
) -> Result<Vec<String>, NotUnderstood> {
    let mut kept: Vec<String> = Vec::new();
    for value in list.iter().flat_map(|list| &list.0) {
        match value {
            Loose::Text(text) if text.is_empty() || kept.iter().any(|known| known == text) => {}
            Loose::Text(text) => kept.push(text.to_string()),
            Loose::Number(_) | Loose::Other => {
                return Err(NotUnderstood::new(format!(
                    "{place}.{name} holds something that is not a text. {CONTRACT}"
                )));
            }
        }
    }
    Ok(kept)
}
