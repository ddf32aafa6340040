//! Which of a detection's entities count towards an outbreak of their blueprint.

use super::Triage;
use super::background::{Line, of_kind};
use crate::catalog::Catalog;
use crate::domain::decision::Decision;
use crate::domain::detection::Detection;
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::id::DeliveryId;
use crate::domain::playbook::PlaybookName;
use crate::domain::reach::{Called, Caller, Calling};
use crate::domain::source::May;
use crate::domain::trigger::{Counted, Together};
use crate::store::{Error, NewCall, ToCount};

impl Triage {
    /// Everything that this detection adds to. An entity that we keep our hands off for a reason of
    /// its own counts towards nothing.
    pub(super) async fn counts(
        &self,
        (catalog, may): (&Catalog, &May),
        (detection, lines): (&Detection, &[Line]),
        decisions: &[Decision],
    ) -> Result<Vec<ToCount>, Error> {
        let mut counts = Vec::new();
        let towards = catalog.counts_towards(detection);
        if towards.is_empty() {
            return Ok(counts);
        }
        for (sighting, line) in detection.entities.iter().zip(lines) {
            let weighed =
                |one: &Decision| one.entity == sighting.entity && !one.considered.is_empty();
            let agent = agent(sighting.entity, line);
            if !decisions.iter().any(weighed) {
                continue;
            }
            let blueprint = self.blueprint_of(line, sighting.blueprint).await?;
            let (Some(agent), Some(blueprint)) = (agent, blueprint) else {
                continue;
            };
            for (playbook, together) in &towards {
                if may.call(playbook) {
                    let whose = (*playbook, *together);
                    counts.push(self.to_count(whose, (agent, blueprint), detection));
                }
            }
        }
        Ok(counts)
    }

    fn to_count(
        &self,
        (playbook, together): (&PlaybookName, Together),
        (agent, blueprint): (ObjectId, Entity),
        detection: &Detection,
    ) -> ToCount {
        let what = match together.of {
            Counted::Agents => "different agents of this blueprint were detected",
            Counted::Detections => "detections were about agents of this blueprint",
        };
        let because = format!(
            "{} {what} within {}, the last by {}",
            together.least, together.within, detection.id
        );
        ToCount {
            playbook: playbook.clone(),
            together,
            blueprint: blueprint.id,
            agent,
            detection: detection.id,
            at: detection.received_at,
            call: NewCall {
                id: DeliveryId::from_uuid(self.clock.uuid()),
                key: String::new(),
                calling: Calling {
                    caller: Caller::Outbreak,
                    called: Called::by_itself(playbook.clone()),
                    severity: detection.severity,
                    entities: vec![blueprint],
                    because: vec![because],
                },
                at: self.clock.now(),
            },
        }
    }
}

/// The agent a sighting is about: itself, or the one behind a user account.
fn agent(entity: Entity, line: &Line) -> Option<ObjectId> {
    match entity.kind {
        EntityKind::Agent => Some(entity.id),
        EntityKind::AgentUser => of_kind(line, EntityKind::Agent).map(|agent| agent.id),
        EntityKind::Blueprint | EntityKind::ServicePrincipal | EntityKind::User => None,
    }
}
