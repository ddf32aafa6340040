//! What the inventory knows of the entities a detection names: which id it really is, its tags, and
//! whom it hangs from. Nothing is widened: an id is put right within its kind only.

use super::Triage;
use crate::domain::detection::{Background, Detection};
use crate::domain::inventory::{Known, resolve};
use crate::store::Error;

impl Triage {
    /// Looks every named entity up. One the inventory does not know stays as it was named.
    pub(super) async fn add_background(&self, detection: &mut Detection) -> Result<(), Error> {
        for sighting in &mut detection.entities {
            let trace = self.store.trace(sighting.entity.id).await?;
            let Some(found) = resolve(sighting.entity.id, &trace) else {
                continue;
            };
            if found.entity.kind == sighting.entity.kind {
                detection.remarks.extend(found.correction);
                sighting.entity = found.entity;
            }
            let line = self.store.lineage(found.entity.id).await?;
            let Some(own) = line.first() else { continue };
            sighting.background = Some(Background {
                kind: found.entity.kind,
                tags: own.tags.clone(),
                kin: line.iter().flat_map(Known::ids).collect(),
            });
        }
        Ok(())
    }
}
