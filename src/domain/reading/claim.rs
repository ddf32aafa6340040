//! What one alert or row claims, and several of them made one detection.

use crate::domain::detection::{Detection, DetectionType, Severity, Sighting};
use crate::domain::moment::Moment;

use super::{Context, NotUnderstood, key_of, merged};

/// Longest detection id that is used as it is, in bytes.
const KEY_MAX: usize = 256;

/// One alert or row that names whom to contain and why.
pub(super) struct Claim {
    /// Where it stands in the delivery.
    pub(super) place: String,
    pub(super) alert_id: String,
    pub(super) detection_type: DetectionType,
    pub(super) severity: Severity,
    pub(super) activity_at: Option<Moment>,
    pub(super) detected_at: Option<Moment>,
    pub(super) detection_ids: Vec<String>,
    pub(super) sightings: Vec<Sighting>,
}

/// One detection of one type: that of the most severe claim, the first among equals. Claims of
/// other types are remarked and not acted on.
pub(super) fn merge(
    claims: Vec<Claim>,
    mut remarks: Vec<String>,
    context: &Context,
) -> Result<Detection, NotUnderstood> {
    let worst = |worst: Option<usize>, n: usize| match worst {
        Some(known) if claims[known].severity >= claims[n].severity => Some(known),
        _ => Some(n),
    };
    let Some(worst) = (0..claims.len()).fold(None, worst) else {
        return Err(NotUnderstood::new(
            "nothing in it names an agent. Carry the agent's object id under the name AgentId",
        ));
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
        called: None,
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
