//! How far a playbook may reach, and for how long.

use super::fault::Faults;
use super::fields::{self, Map, Words};
use super::yaml::Entry;
use crate::domain::playbook::{Guardrail, HoldFor, HoldThen};

/// Most entities a guardrail may allow within its window.
pub(super) const ENTITIES_MAX: u32 = 1_000;
/// Most blueprints a guardrail may allow within its window.
pub(super) const BLUEPRINTS_MAX: u32 = 20;
/// Shortest and longest window of a guardrail.
pub(super) const WINDOW: (&str, &str) = ("10s", "7d");
/// Shortest and longest hold.
pub(super) const HOLD: (&str, &str) = ("1m", "400d");
/// Most times within an hour an opened containment is closed again.
pub(super) const REASSERT_MAX: u32 = 10;

pub(super) const GUARDRAIL: Words<'static> = Words {
    noun: "key in `guardrail`",
    known: &["entities_max", "blueprints_max", "window", "on_breach"],
    later: &[],
};
pub(super) const ON_BREACH: Words<'static> = Words {
    noun: "answer to a breach",
    known: &["ask"],
    later: &[],
};
pub(super) const HOLD_KEYS: Words<'static> = Words {
    noun: "key in `hold`",
    known: &["for", "then", "reassert_max"],
    later: &[],
};
pub(super) const THEN: Words<'static> = Words {
    noun: "end of a hold",
    known: &["ask", "undo", "keep"],
    later: &[],
};

/// Reads `guardrail`.
pub(super) fn guardrail(entry: &Entry, faults: &mut Faults) -> Option<Guardrail> {
    let map = Map::of(&entry.value, "guardrail", &entry.key_span, faults)?;
    map.only(&GUARDRAIL, faults);
    let entities_max = map
        .must("entities_max", faults)
        .and_then(|e| fields::number(&e.value, "entities_max", ENTITIES_MAX, faults));
    let blueprints_max = match map.get("blueprints_max") {
        Some(e) => fields::number(&e.value, "blueprints_max", BLUEPRINTS_MAX, faults).map(Some),
        None => Some(None),
    };
    let window = map
        .must("window", faults)
        .and_then(|e| fields::time(&e.value, "window", WINDOW, faults));
    let on_breach = map
        .must("on_breach", faults)
        .and_then(|e| ON_BREACH.read(&e.value, faults));
    on_breach?;
    Some(Guardrail {
        entities_max: entities_max?,
        blueprints_max: blueprints_max?,
        window: window?,
    })
}

/// Reads `hold`.
pub(super) fn hold(entry: &Entry, faults: &mut Faults) -> Option<HoldFor> {
    let map = Map::of(&entry.value, "hold", &entry.key_span, faults)?;
    map.only(&HOLD_KEYS, faults);
    let span = map
        .must("for", faults)
        .and_then(|e| fields::time(&e.value, "for", HOLD, faults));
    let then = map
        .must("then", faults)
        .and_then(|e| THEN.read(&e.value, faults))
        .and_then(HoldThen::from_word);
    let reassert_max = match map.get("reassert_max") {
        Some(e) => fields::number(&e.value, "reassert_max", REASSERT_MAX, faults).map(Some),
        None => Some(None),
    };
    Some(HoldFor {
        span: span?,
        then: then?,
        reassert_max: reassert_max?,
    })
}
