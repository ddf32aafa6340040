//! The entity trigger: a person picked one entity by hand and ran the playbook on it.
//!
//! It carries no type and no severity. The type is what the configuration gives the kind of entity,
//! `types: { account: NAME }`, so that a source takes part in this only when it is told to; the
//! severity is high, because somebody asked for it by hand.

use crate::domain::detection::{Detection, IncidentRef, Severity, Sighting};
use crate::domain::entity::{Entity, EntityKind};

use super::super::tree::{self, Node};
use super::super::{Context, NotUnderstood, Reading};

/// The only entity of Sentinel that carries an object id of Entra.
const ACCOUNT: &str = "account";

/// Reads text that passed the strict check.
pub(super) fn read(text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let body = tree::parse(text)?;
    let root = Node::at(&body, "");
    let entity = root.get("Entity")?;
    let kind = entity.get("kind")?;
    if !kind.is_null() && !kind.says(ACCOUNT) {
        return Err(NotUnderstood::new(
            "Entity.kind is not Account, and no other entity carries an object id of Entra. Run \
             the playbook on the agent's user account, or: estop contain ID",
        ));
    }
    let detection_type = context.types.get(ACCOUNT).cloned().ok_or_else(|| {
        NotUnderstood::new(format!(
            "an entity says no detection type. Write `types: {{ {ACCOUNT}: DETECTION_TYPE }}` \
             under sources.{}",
            context.source
        ))
    })?;
    let incident = root.get("IncidentArmID")?;
    Ok(Reading::Detection(Box::new(Detection {
        id: context.id,
        // Whoever presses the button twice means it twice.
        key: context.id.to_string(),
        source: context.source.clone(),
        detection_type,
        severity: Severity::High,
        confidence: None,
        activity_at: None,
        detected_at: None,
        received_at: context.received_at,
        entities: vec![sighting(&entity)?],
        incident: incident.text().map(|id| IncidentRef {
            id: id.to_owned(),
            number: None,
            url: None,
        }),
        remarks: vec!["a person ran the playbook on this entity by hand".to_owned()],
        called: None,
    })))
}

fn sighting(entity: &Node<'_>) -> Result<Sighting, NotUnderstood> {
    let id = entity.dig(&["properties", "AadUserId"])?;
    let tenant = entity.dig(&["properties", "AadTenantId"])?;
    let guid = |node: &Node<'_>| {
        let text = node.value.as_str().unwrap_or_default();
        text.parse().map_err(|why| {
            NotUnderstood::new(format!(
                "{}: {why}. Run the playbook on an account that carries its object id",
                node.place
            ))
        })
    };
    Ok(Sighting {
        entity: Entity {
            kind: EntityKind::AgentUser,
            id: guid(&id)?,
        },
        tenant: (!tenant.is_null()).then(|| guid(&tenant)).transpose()?,
        found_at: id.place,
        blueprint: None,
        background: None,
    })
}
