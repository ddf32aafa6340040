//! Is each protected id really something in the tenant? A typo protects nobody.

use std::collections::BTreeSet;

use super::report::{Line, State};
use crate::domain::entity::ObjectId;
use crate::graph::Error;

const CHECK: &str = "protected";

/// `apps` are those of the ids that a blueprint has as its app id.
pub(super) fn judge(
    protected: &[ObjectId],
    there: &Result<BTreeSet<ObjectId>, Error>,
    apps: &BTreeSet<ObjectId>,
) -> Line {
    if protected.is_empty() {
        let said = "nobody is protected: every agent may be contained";
        let fix = "Write the emergency access automation and what your business stands on under \
                   `protected:`";
        return Line::of(CHECK, State::Warn, said, fix);
    }
    let there = match there {
        Ok(there) => there,
        Err(Error::Refused { .. }) => {
            let said = format!("{} id(s), which we may not look up", protected.len());
            let fix = "Grant Directory.Read.All to see them checked; they protect all the same";
            return Line::of(CHECK, State::Unknown, said, fix);
        }
        Err(error) => {
            let fix = "Run this again in a moment";
            return Line::of(CHECK, State::Unknown, error.to_string(), fix);
        }
    };
    let missing: Vec<String> = protected
        .iter()
        .filter(|id| !there.contains(id) && !apps.contains(id))
        .map(ToString::to_string)
        .collect();
    if missing.is_empty() {
        return Line::ok(
            CHECK,
            format!("all {} found in the tenant", protected.len()),
        );
    }
    let said = format!("not found in the tenant: {}", missing.join(", "));
    let fix = "Correct the ids under `protected:`, or take out what was deleted";
    Line::of(CHECK, State::Fail, said, fix)
}
