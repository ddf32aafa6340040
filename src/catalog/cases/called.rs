//! A case without a detection: the playbook is called in our own name.

use std::collections::BTreeMap;

use super::read::SOURCE;
use super::{CALLED, Said};
use crate::catalog::fault::Faults;
use crate::catalog::fields::{self, Map};
use crate::domain::detection::{DetectionType, Severity, SourceName};

/// What stands as the type where there is no detection.
const CALLED_TYPE: &str = "estop.called";

/// A call in our own name, as an outbreak, the clock or a person would make it.
pub(super) fn read(
    map: &Map<'_>,
    faults: &mut Faults,
) -> Option<Option<(Said, BTreeMap<String, String>)>> {
    let Some(entry) = map.get("called") else {
        return Some(None);
    };
    if let Some(detection) = map.get("detection") {
        faults.error(
            &detection.key_span,
            "a case has a `detection` or is `called`, and this has both",
        );
    }
    let map = Map::of(&entry.value, "called", &entry.key_span, faults)?;
    map.only(&CALLED, faults);
    let entity = map
        .must("entity", faults)
        .and_then(|entry| fields::text(&entry.value, "entity", faults));
    let mut params = BTreeMap::new();
    if let Some(entry) = map.get("params") {
        for param in Map::of(&entry.value, "params", &entry.key_span, faults)?.entries() {
            let value = fields::text(&param.value, "a parameter", faults)?;
            params.insert(param.key.clone(), value.to_owned());
        }
    }
    let said = Said {
        detection_type: DetectionType::new(CALLED_TYPE)?,
        severity: Severity::High,
        source: SourceName::new(SOURCE)?,
        entity: entity?.to_owned(),
        kind: None,
        age: None,
        confidence: None,
    };
    Some(Some((said, params)))
}
