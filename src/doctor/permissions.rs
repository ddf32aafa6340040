//! Does our token carry what the loaded playbooks, and people by hand, will ask for?

use std::collections::BTreeMap;

use super::report::{Line, State};
use super::{Need, Wants};
use crate::domain::action::Action;
use crate::domain::needed::READ;
use crate::domain::permission::Profile;
use crate::entra::denied;

const CHECK: &str = "permissions";

/// Wider permissions that hold a narrower one (Microsoft Graph permissions file, 2026-08-07).
const WIDER: [(&str, &[&str]); 15] = [
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
    (
        "AgentIdentityBlueprint.Read.All",
        &["AgentIdentityBlueprint.ReadWrite.All"],
    ),
    ("Application.Read.All", &["Application.ReadWrite.All"]),
    (
        "CustomSecAttributeAssignment.Read.All",
        &["CustomSecAttributeAssignment.ReadWrite.All"],
    ),
    ("Directory.Read.All", &["Directory.ReadWrite.All"]),
    (
        "IdentityRiskEvent.Read.All",
        &["IdentityRiskEvent.ReadWrite.All"],
    ),
    (
        "RoleManagement.Read.Directory",
        &["RoleManagement.ReadWrite.Directory", "Directory.Read.All"],
    ),
    ("SecurityAlert.Read.All", &["SecurityAlert.ReadWrite.All"]),
    (
        "User.Read.All",
        &["User.ReadWrite.All", "Directory.Read.All"],
    ),
];

/// A permission and who needs it, the most urgent need first.
type Missing<'a> = BTreeMap<&'a str, (Need, Vec<Action>)>;

pub(super) fn judge(roles: Option<&[String]>, profile: Profile, wants: &Wants) -> Line {
    let Some(roles) = roles else {
        let said = "our token cannot be read, so its permissions are not known";
        let fix = "A drill proves them: estop drill";
        return Line::of(CHECK, State::Unknown, said, fix);
    };
    let (mut missing, mut beyond) = (Missing::new(), Missing::new());
    for (action, need) in &wants.actions {
        for permission in action.permissions() {
            if holds(roles, permission) {
                continue;
            }
            let admitted = profile.includes(action.profile())
                && denied(profile, &[(*permission).to_owned()]).is_empty();
            let list = if admitted { &mut missing } else { &mut beyond };
            let entry = list.entry(permission).or_insert((*need, Vec::new()));
            entry.0 = entry.0.max(*need);
            entry.1.push(*action);
        }
    }
    let mut done = wants.on_principals.iter();
    if done.any(|action| profile.includes(action.profile())) && !holds(roles, READ) {
        let entry = missing.entry(READ).or_insert((Need::Wanted, Vec::new()));
        entry.1.push(Action::Verify);
    }
    if let Some(gravest) = missing.values().map(|(need, _)| *need).max() {
        let state = match gravest {
            Need::Required => State::Fail,
            Need::Wanted => State::Warn,
        };
        let fix = "Grant them to our application, with admin consent, and wait for the next \
                   token: a managed identity's may take a day";
        return Line::of(CHECK, state, format!("missing {}", spoken(&missing)), fix);
    }
    if !beyond.is_empty() {
        let said = format!(
            "outside the profile `{}`: {}",
            profile.word(),
            spoken(&beyond)
        );
        let fix = "Take the playbooks that need them out, or choose tenant.profile on purpose";
        return Line::of(CHECK, State::Warn, said, fix);
    }
    Line::ok(
        CHECK,
        format!("all that {} action(s) need", wants.actions.len()),
    )
}

fn spoken(list: &Missing<'_>) -> String {
    let said: Vec<String> = list
        .iter()
        .map(|(permission, (_, actions))| {
            let actions: Vec<&str> = actions.iter().map(|action| action.word()).collect();
            format!("{permission} ({})", actions.join(", "))
        })
        .collect();
    said.join("; ")
}

/// Is this permission held, itself or by a wider one?
pub(super) fn holds(roles: &[String], permission: &str) -> bool {
    let has = |name: &str| roles.iter().any(|role| role == name);
    let wider = WIDER.iter().find(|(narrow, _)| *narrow == permission);
    has(permission) || wider.is_some_and(|(_, wider)| wider.iter().any(|name| has(name)))
}
