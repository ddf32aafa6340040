//! Do we know who we are, so that we never stop ourselves (threat E12)?

use std::collections::BTreeSet;

use super::report::{Line, State};
use crate::domain::entity::ObjectId;
use crate::entra::Identity;
use crate::graph::Error;

const CHECK: &str = "ourselves";

pub(super) fn judge(
    identity: Option<&Identity>,
    configured: &[ObjectId],
    there: &Result<BTreeSet<ObjectId>, Error>,
) -> Line {
    let Some(identity) = identity else {
        if configured.is_empty() {
            let said = "our token does not say who we are, and no `self:` does";
            let fix = "Write our own object ids under `self:`; until then nothing is contained";
            return Line::of(CHECK, State::Fail, said, fix);
        }
        let said = format!("known from `self:` only ({} id(s))", configured.len());
        let fix = "See that our principal and application are both under `self:`";
        return Line::of(CHECK, State::Warn, said, fix);
    };
    let own = identity.object_id;
    match there {
        Ok(there) if there.contains(&own) => {
            Line::ok(CHECK, format!("principal {own}, found in the tenant"))
        }
        Ok(_) => {
            let said = format!("our principal {own} was not found in the tenant");
            let fix = "Is tenant.id right? A principal made a moment ago appears within minutes";
            Line::of(CHECK, State::Warn, said, fix)
        }
        Err(_) => Line::ok(CHECK, format!("principal {own}, by our own token")),
    }
}
