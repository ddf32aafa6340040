//! What a case expects.

use std::collections::BTreeMap;

use super::read::action;
use super::{Decided, EXPECT, Expected, TIMES_MAX};
use crate::catalog::fault::Faults;
use crate::catalog::fields::{self, Map, Words};
use crate::catalog::yaml::Entry;
use crate::domain::decision::Truth;
use crate::domain::run::RunState;
use crate::domain::step::Outcome;

/// Most names one case expects to be disabled.
pub(in crate::catalog) const NAMES_MAX: usize = 100;
/// What a clause comes to, in a test file.
pub(in crate::catalog) const TRUTHS: [&str; 3] = ["true", "false", "unknown"];

/// Reads `expect`.
pub(super) fn read(entry: &Entry, faults: &mut Faults) -> Option<Expected> {
    let map = Map::of(&entry.value, "expect", &entry.key_span, faults)?;
    map.only(&EXPECT, faults);
    let decision = map.must("decision", faults).and_then(|entry| {
        let words = Words {
            noun: "decision",
            known: &Decided::ALL.map(Decided::word),
            later: &[],
        };
        let word = words.read(&entry.value, faults)?;
        Decided::ALL.into_iter().find(|one| one.word() == word)
    });
    let state = match map.get("state") {
        None => Some(None),
        Some(entry) => state(entry, faults).map(Some),
    };
    let steps = each(map.get("steps"), "steps", faults, |one, faults| {
        Some((action(&one.key, one, faults)?, outcome(one, faults)?))
    });
    let attempts = each(map.get("attempts"), "attempts", faults, |one, faults| {
        let tried = fields::number(&one.value, "attempts", TIMES_MAX, faults);
        Some((action(&one.key, one, faults)?, tried?))
    });
    let clauses = each(map.get("clauses"), "clauses", faults, |one, faults| {
        Some((one.key.clone(), truth(one, faults)?))
    });
    let disabled = match map.get("disabled") {
        None => Some(None),
        Some(entry) => names(entry, faults).map(Some),
    };
    Some(Expected {
        decision: decision?,
        state: state?,
        steps: steps?,
        attempts: attempts?,
        clauses: clauses?,
        disabled: disabled?,
    })
}

fn each<K: Ord, V>(
    entry: Option<&Entry>,
    name: &'static str,
    faults: &mut Faults,
    mut read: impl FnMut(&Entry, &mut Faults) -> Option<(K, V)>,
) -> Option<BTreeMap<K, V>> {
    let Some(entry) = entry else {
        return Some(BTreeMap::new());
    };
    let map = Map::of(&entry.value, name, &entry.key_span, faults)?;
    let read: Vec<_> = map.entries().iter().map(|one| read(one, faults)).collect();
    read.into_iter().collect()
}

fn state(entry: &Entry, faults: &mut Faults) -> Option<RunState> {
    let words = Words {
        noun: "state of a run",
        known: &RunState::ALL.map(RunState::word),
        later: &[],
    };
    RunState::from_word(words.read(&entry.value, faults)?)
}

fn outcome(entry: &Entry, faults: &mut Faults) -> Option<Outcome> {
    let words = Words {
        noun: "outcome",
        known: &Outcome::ALL.map(Outcome::word),
        later: &[],
    };
    Outcome::from_word(words.read(&entry.value, faults)?)
}

fn truth(entry: &Entry, faults: &mut Faults) -> Option<Truth> {
    let words = Words {
        noun: "value of a clause",
        known: &TRUTHS,
        later: &[],
    };
    Some(match words.read(&entry.value, faults)? {
        "true" => Truth::True,
        "false" => Truth::False,
        _ => Truth::Unknown,
    })
}

fn names(entry: &Entry, faults: &mut Faults) -> Option<Vec<String>> {
    let items = fields::list(&entry.value, "disabled", NAMES_MAX, faults)?;
    let read = items
        .iter()
        .map(|item| fields::text(item, "disabled", faults).map(str::to_owned));
    read.collect()
}
