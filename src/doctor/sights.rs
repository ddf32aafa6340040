//! Does our token carry what the parts that only look ask for? Without it they stay silent about
//! what they cannot see, and nobody would know why.

use std::collections::{BTreeMap, BTreeSet};

use super::permissions::holds;
use super::report::{Line, State};
use crate::domain::sight::{OPTIONAL, Sight};

const CHECK: &str = "optional_rights";

/// `on` are the sights that this deployment has.
pub(super) fn judge(roles: Option<&[String]>, on: &BTreeSet<Sight>) -> Line {
    let Some(roles) = roles else {
        let said = "our token cannot be read, so what stays unseen is not known";
        let fix = "Look at the application's permissions in Entra";
        return Line::of(CHECK, State::Unknown, said, fix);
    };
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in OPTIONAL.iter().filter(|one| !holds(roles, one.name)) {
        let blind = one.uses.iter().filter(|(sight, _)| on.contains(sight));
        let blind: Vec<String> = blind
            .map(|(sight, sees)| format!("{sight}: {sees}"))
            .collect();
        if !blind.is_empty() {
            missing.insert(one.name, blind);
        }
    }
    if missing.is_empty() {
        let words: Vec<&str> = on.iter().map(|sight| sight.word()).collect();
        return Line::ok(
            CHECK,
            format!("all that is looked at: {}", words.join(", ")),
        );
    }
    let said: Vec<String> = missing
        .iter()
        .map(|(name, blind)| format!("{name} ({})", blind.join("; ")))
        .collect();
    let said = format!("not seen, for want of {}", said.join(", "));
    let fix = "Grant them: estop init entra --optional; or switch off in estop.yaml what you do \
               not want. Containing needs none of them";
    Line::of(CHECK, State::Warn, said, fix)
}
