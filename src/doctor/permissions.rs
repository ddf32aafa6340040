//! Does our token carry what the loaded playbooks, and people by hand, will ask for?

use std::collections::BTreeMap;

use super::report::{Line, State};
use super::{Need, Wants};
use crate::domain::action::Action;

const CHECK: &str = "permissions";

/// Wider permissions that hold a narrower one (Microsoft Graph permissions file, 2026-08-07).
const WIDER: [(&str, &[&str]); 7] = [
    ("AgentIdentity.Read.All", &["AgentIdentity.ReadWrite.All"]),
    (
        "AgentIdentity.EnableDisable.All",
        &["AgentIdentity.ReadWrite.All"],
    ),
    (
        "AgentIdentityBlueprintPrincipal.Read.All",
        &["AgentIdentityBlueprintPrincipal.ReadWrite.All"],
    ),
    (
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
        &["AgentIdentityBlueprintPrincipal.ReadWrite.All"],
    ),
    (
        "User.ReadBasic.All",
        &[
            "User.Read.All",
            "AgentIdUser.ReadWrite.All",
            "Directory.Read.All",
        ],
    ),
    ("User.RevokeSessions.All", &["AgentIdUser.ReadWrite.All"]),
    (
        "IdentityRiskyAgent.Read.All",
        &["IdentityRiskyAgent.ReadWrite.All"],
    ),
];

pub(super) fn judge(roles: Option<&[String]>, wants: &Wants) -> Line {
    let Some(roles) = roles else {
        let said = "our token cannot be read, so its permissions are not known";
        let fix = "A drill proves them: estop drill";
        return Line::of(CHECK, State::Unknown, said, fix);
    };
    let mut missing: BTreeMap<&str, (Need, Vec<Action>)> = BTreeMap::new();
    for (action, need) in &wants.actions {
        for permission in action.permissions() {
            if !holds(roles, permission) {
                let entry = missing.entry(permission).or_insert((*need, Vec::new()));
                entry.0 = entry.0.max(*need);
                entry.1.push(*action);
            }
        }
    }
    if missing.is_empty() {
        let said = format!("all that {} action(s) need", wants.actions.len());
        return Line::ok(CHECK, said);
    }
    let gravest = missing.values().map(|(need, _)| *need).max();
    let state = match gravest {
        Some(Need::Required) => State::Fail,
        Some(Need::Wanted) | None => State::Warn,
    };
    let said: Vec<String> = missing
        .iter()
        .map(|(permission, (_, actions))| {
            let actions: Vec<&str> = actions.iter().map(|action| action.word()).collect();
            format!("{permission} ({})", actions.join(", "))
        })
        .collect();
    let fix = "Grant them to our application, with admin consent, and wait for the next token: a \
               managed identity's may take a day";
    Line::of(CHECK, state, format!("missing {}", said.join("; ")), fix)
}

/// Is this permission held, itself or by a wider one?
pub(super) fn holds(roles: &[String], permission: &str) -> bool {
    let has = |name: &str| roles.iter().any(|role| role == name);
    let wider = WIDER.iter().find(|(narrow, _)| *narrow == permission);
    has(permission) || wider.is_some_and(|(_, wider)| wider.iter().any(|name| has(name)))
}
