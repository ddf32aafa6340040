//! What the people of a case answer.

use super::{ADVANCE, PEOPLE, People, Say};
use crate::catalog::asking::QUORUM_MAX;
use crate::catalog::fault::Faults;
use crate::catalog::fields::{self, Map, Words};
use crate::catalog::yaml::{Entry, Node, Shape};

/// Reads `people: approve`, or the same with how many and when.
pub(super) fn read(entry: Option<&Entry>, faults: &mut Faults) -> Option<Option<People>> {
    let Some(entry) = entry else {
        return Some(None);
    };
    if !matches!(entry.value.shape, Shape::Map(_)) {
        let say = say(&entry.value, faults)?;
        return Some(Some(People {
            say,
            after: None,
            count: None,
        }));
    }
    let map = Map::of(&entry.value, "people", &entry.key_span, faults)?;
    map.only(&PEOPLE, faults);
    let said = map
        .must("say", faults)
        .and_then(|entry| say(&entry.value, faults));
    let after = match map.get("after") {
        Some(entry) => fields::time(&entry.value, "after", ADVANCE, faults).map(Some),
        None => Some(None),
    };
    let count = match map.get("count") {
        Some(entry) => fields::number(&entry.value, "count", QUORUM_MAX, faults).map(Some),
        None => Some(None),
    };
    Some(Some(People {
        say: said?,
        after: after?,
        count: count?,
    }))
}

fn say(node: &Node, faults: &mut Faults) -> Option<Say> {
    let words = Words {
        noun: "answer of people",
        known: &Say::ALL.map(Say::word),
        later: &[],
    };
    let word = words.read(node, faults)?;
    Say::ALL.into_iter().find(|one| one.word() == word)
}
