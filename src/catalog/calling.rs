//! What calls a playbook beside one detection: several together, the clock, a person.

use std::collections::BTreeMap;

use super::code::Code;
use super::fault::Faults;
use super::fields::{self, Map, Words};
use super::yaml::{Entry, short};
use crate::domain::name::is_name;
use crate::domain::param::ParamKind;
use crate::domain::schedule::Schedule;
use crate::domain::trigger::{Call, Counted, Finding, ScheduleText, Together};

/// Most detections that one outbreak may ask for.
pub(super) const LEAST_MAX: u32 = 100;
/// Shortest and longest window of an outbreak.
pub(super) const WINDOW: (&str, &str) = ("1m", "1d");
/// Shortest and longest time before its end in which a credential counts as expiring.
pub(super) const EXPIRING: (&str, &str) = ("1d", "365d");
/// Most parameters of one playbook.
pub(super) const PARAMS_MAX: usize = 16;

pub(super) const TOGETHER: Words<'static> = Words {
    noun: "key in `together`",
    known: &["agents", "detections", "within"],
    later: &[],
};
pub(super) const FIND: Words<'static> = Words {
    noun: "finding",
    known: &[
        Finding::Orphaned.word(),
        Finding::Ownerless.word(),
        Finding::ExpiringCredential.word(),
        Finding::DangerousGrant.word(),
    ],
    later: &[],
};
pub(super) const PARAM_KINDS: Words<'static> = Words {
    noun: "kind of parameter",
    known: &[
        ParamKind::Text.word(),
        ParamKind::Number.word(),
        ParamKind::Truth.word(),
    ],
    later: &[],
};

/// The call of a trigger that names no detection; `None` where detections call it.
pub(super) fn without_detection(map: &Map<'_>, faults: &mut Faults) -> Option<Option<Call>> {
    match (map.get("schedule"), map.get("manual")) {
        (None, None) => None,
        (Some(entry), _) => {
            alone(map, ("schedule", &["schedule", "find", "within"]), faults);
            Some(schedule(map, entry, faults))
        }
        (None, Some(entry)) => {
            alone(map, ("manual", &["manual"]), faults);
            Some(manual(entry, faults))
        }
    }
}

/// What it takes beside one detection.
pub(super) fn with_detection(map: &Map<'_>, faults: &mut Faults) -> Option<Call> {
    for key in ["find", "within"] {
        if let Some(entry) = map.get(key) {
            faults
                .error(&entry.key_span, format!("`{key}` belongs to `schedule`"))
                .coded(Code::MisfitTrigger)
                .help("write `schedule: \"0 6 * * 1\"` beside it, and no `detection`");
        }
    }
    match map.get("together") {
        None => Some(Call::Each),
        Some(entry) => together(entry, faults).map(Call::Together),
    }
}

/// Only these keys stand beside this one.
fn alone(map: &Map<'_>, (key, beside): (&str, &[&str]), faults: &mut Faults) {
    for entry in map.entries() {
        let known = super::trigger::KEYS.known.contains(&entry.key.as_str());
        if known && !beside.contains(&entry.key.as_str()) {
            let what = format!("`{}` does not go with `{key}`", entry.key);
            faults
                .error(&entry.key_span, what)
                .coded(Code::MisfitTrigger)
                .help("one playbook is called in one way: write two");
        }
    }
}

fn together(entry: &Entry, faults: &mut Faults) -> Option<Together> {
    let map = Map::of(&entry.value, "together", &entry.key_span, faults)?;
    map.only(&TOGETHER, faults);
    let within = map
        .must("within", faults)
        .and_then(|e| fields::time(&e.value, "within", WINDOW, faults));
    let (of, counted) = match (map.get("agents"), map.get("detections")) {
        (Some(entry), None) => (Counted::Agents, entry),
        (None, Some(entry)) => (Counted::Detections, entry),
        (None, None) | (Some(_), Some(_)) => {
            faults
                .error(&entry.key_span, "`together` counts one thing")
                .coded(Code::Missing)
                .help("write `agents: 3` (different ones) or `detections: 3`");
            return None;
        }
    };
    let least = fields::number(&counted.value, &counted.key, LEAST_MAX, faults)?;
    if least < 2 {
        faults
            .error(&counted.value.span, "one alone is not together")
            .help("write 2 or more, or leave `together` out");
        return None;
    }
    Some(Together {
        of,
        least,
        within: within?,
    })
}

fn schedule(map: &Map<'_>, entry: &Entry, faults: &mut Faults) -> Option<Call> {
    let text = fields::text(&entry.value, "schedule", faults)?;
    let read = Schedule::parse(text);
    if let Err(why) = &read {
        faults.error(&entry.value.span, why.to_string());
    }
    let find = map
        .must("find", faults)
        .and_then(|e| Finding::from_word(FIND.read(&e.value, faults)?));
    let within = match map.get("within") {
        None => Some(None),
        Some(e) => fields::time(&e.value, "within", EXPIRING, faults).map(Some),
    };
    match (find, map.get("within")) {
        (Some(Finding::ExpiringCredential), None) => {
            faults
                .error(&entry.key_span, "`within` is missing")
                .coded(Code::Missing)
                .help("say how long before its end: `within: 30d`");
            return None;
        }
        (Some(Finding::Orphaned | Finding::Ownerless | Finding::DangerousGrant), Some(within)) => {
            faults
                .error(&within.key_span, "only credentials expire")
                .coded(Code::MisfitTrigger)
                .help("leave `within` out");
            return None;
        }
        (_, _) => {}
    }
    Some(Call::Schedule {
        at: ScheduleText::of(&read.ok()?),
        find: find?,
        within: within?,
    })
}

fn manual(entry: &Entry, faults: &mut Faults) -> Option<Call> {
    let map = Map::of(&entry.value, "manual", &entry.key_span, faults)?;
    let mut params = BTreeMap::new();
    for entry in map.entries() {
        if !is_name(&entry.key, &['_']) {
            let what = format!("`{}` is not the name of a parameter", short(&entry.key));
            faults
                .error(&entry.key_span, what)
                .help("one is 1 to 64 lower-case letters, digits and `_`");
            continue;
        }
        let kind = PARAM_KINDS.read(&entry.value, faults);
        if let Some(kind) = kind.and_then(ParamKind::from_word) {
            params.insert(entry.key.clone(), kind);
        }
    }
    if map.entries().len() > PARAMS_MAX {
        let what = format!("`manual` has more than {PARAMS_MAX} parameters");
        faults.error(&entry.key_span, what);
        return None;
    }
    Some(Call::Manual { params })
}
