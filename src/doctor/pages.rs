//! Would a page arrive, and is there a way to everyone a playbook tells?

use std::collections::BTreeSet;

use super::report::{Line, State};
use crate::domain::playbook::Audience;
use crate::domain::telling::Whom;

const CHECK: &str = "pages";
const AUDIENCE: &str = "notify";

/// Where people are told here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Places that take pages.
    pub pages: Vec<Whom>,
    /// Is there a place for each of those a playbook may name?
    pub audience: BTreeSet<Audience>,
}

/// `tested` are the places from which a test page was acknowledged.
pub(super) fn judge(
    places: &Places,
    tested: Option<&Result<Vec<Whom>, crate::store::Error>>,
) -> Line {
    if places.pages.is_empty() {
        let said = "nobody is paged: what needs a person stands in the log alone";
        let fix = "Name a place under `page` in estop.yaml, then run: estop page test";
        return Line::of(CHECK, State::Warn, said, fix);
    }
    let tested = match tested {
        Some(Ok(tested)) => tested,
        Some(Err(error)) => {
            let said = error.to_string();
            return Line::of(CHECK, State::Unknown, said, "Look at the store");
        }
        None => {
            let said = "the store of a service was not opened here";
            let fix = "Run this where the service's store is";
            return Line::of(CHECK, State::Skipped, said, fix);
        }
    };
    let untested: Vec<String> = places
        .pages
        .iter()
        .filter(|place| !tested.contains(place))
        .map(Whom::to_string)
        .collect();
    if untested.is_empty() {
        return Line::ok(CHECK, "a test page was acknowledged from every place");
    }
    let said = format!(
        "no test page was acknowledged yet from {}",
        untested.join(", ")
    );
    let fix = "Run: estop page test, and acknowledge it: estop notices ack NOTICE";
    Line::of(CHECK, State::Warn, said, fix)
}

/// `named` are those that loaded playbooks tell.
pub(super) fn judge_audience(places: &Places, named: &BTreeSet<Audience>) -> Line {
    let lost: Vec<&str> = named
        .difference(&places.audience)
        .map(|audience| match audience {
            Audience::Sponsors => "sponsors (no place under `page` takes sponsors)",
            Audience::Incident => {
                "incident (nothing is configured under `incidents`; its status carries the text)"
            }
        })
        .collect();
    if lost.is_empty() {
        return Line::ok(AUDIENCE, "there is a way to everyone the playbooks tell");
    }
    let said = format!("playbooks tell whom nothing leads to: {}", lost.join(", "));
    let fix = "Configure the way, or take them out of `notify`";
    Line::of(AUDIENCE, State::Warn, said, fix)
}
