//! What the inventory knows of the entities a detection names: which id it really is, its tags, and
//! whom it hangs from. Nothing is widened here: an id is put right within its kind only.

use super::Triage;
use crate::domain::detection::{Background, Detection};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::inventory::{Known, resolve};
use crate::store::Error;

/// What an entity hangs from, as far as the inventory knows; itself first. Empty where it does not.
pub(super) type Line = Vec<Known>;

impl Triage {
    /// Looks every named entity up, and answers what each hangs from. One the inventory does not
    /// know stays as it was named.
    pub(super) async fn add_background(
        &self,
        detection: &mut Detection,
    ) -> Result<Vec<Line>, Error> {
        let mut lines = Vec::with_capacity(detection.entities.len());
        for sighting in &mut detection.entities {
            let trace = self.store.trace(sighting.entity.id).await?;
            let Some(found) = resolve(sighting.entity.id, &trace) else {
                lines.push(Line::new());
                continue;
            };
            if found.entity.kind == sighting.entity.kind {
                detection.remarks.extend(found.correction);
                sighting.entity = found.entity;
            }
            let line = self.store.lineage(found.entity.id).await?;
            sighting.background = background(&line);
            lines.push(line);
        }
        Ok(lines)
    }

    /// The blueprint principal that an agent hangs from; by what the sender says only where the
    /// inventory does not know the agent, and only if it knows that blueprint.
    pub(super) async fn blueprint_of(
        &self,
        line: &Line,
        hint: Option<ObjectId>,
    ) -> Result<Option<Entity>, Error> {
        if !line.is_empty() {
            return Ok(of_kind(line, EntityKind::Blueprint));
        }
        let Some(hint) = hint else { return Ok(None) };
        let found = resolve(hint, &self.store.trace(hint).await?);
        Ok(found
            .map(|found| found.entity)
            .filter(|entity| entity.kind == EntityKind::Blueprint))
    }
}

/// What a line says of its first.
pub(super) fn background(line: &Line) -> Option<Background> {
    let own = line.first()?;
    Some(Background {
        kind: own.entity.kind,
        tags: own.tags.clone(),
        kin: line.iter().flat_map(Known::ids).collect(),
        reached: Vec::new(),
        unproposable: None,
    })
}

/// The one of this kind in a line.
pub(super) fn of_kind(line: &Line, kind: EntityKind) -> Option<Entity> {
    let mut all = line.iter().map(|known| known.entity);
    all.find(|entity| entity.kind == kind)
}
