//! What we say in our own name: a playbook called by an outbreak, by the clock, by a person.
//!
//! The store is the only one who writes these; no sender can, because the sources they stand under
//! cannot be configured.

use crate::domain::detection::{Detection, Sighting};
use crate::domain::reach::Calling;

use super::{Context, NotUnderstood, Reading, merged};

/// Reads a call as a detection of its own.
///
/// # Errors
/// When another version of estop wrote it.
pub fn read_ours(body: &[u8], context: &Context) -> Result<Reading, NotUnderstood> {
    let calling: Calling = serde_json::from_slice(body)
        .map_err(|why| NotUnderstood::new(format!("this is not a call of ours: {why}")))?;
    let detection_type = calling.detection_type();
    let detection_type =
        detection_type.ok_or_else(|| NotUnderstood::new("this caller is not known here"))?;
    let sightings = calling
        .entities
        .iter()
        .zip(0..)
        .map(|(entity, n)| Sighting {
            entity: *entity,
            tenant: None,
            found_at: format!("entities[{n}]"),
            blueprint: None,
            background: None,
        });
    let entities = merged(sightings.collect())?;
    if entities.is_empty() {
        return Err(NotUnderstood::new("this call names nobody"));
    }
    Ok(Reading::Detection(Box::new(Detection {
        id: context.id,
        key: format!("{}/{}", detection_type, context.id),
        source: context.source.clone(),
        detection_type,
        severity: calling.severity,
        confidence: None,
        activity_at: None,
        detected_at: Some(context.received_at),
        received_at: context.received_at,
        entities,
        incident: None,
        remarks: calling.because,
        called: Some(Box::new(calling.called)),
    })))
}
