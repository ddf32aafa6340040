//! The least that a profile must be granted for a set of playbooks, and for what people order.

use std::collections::BTreeMap;

use super::action::Action;
use super::entity::EntityKind;
use super::permission::{Permission, Profile, only_reads, permission};
use super::playbook::{Playbook, PlaybookName};
use super::role::ServiceRole;

/// What a person may order with no playbook for it, and its proof.
const BY_HAND: [Action; 6] = [
    Action::DisableAgent,
    Action::DisableBlueprint,
    Action::DisableAgentUser,
    Action::RevokeSessions,
    Action::ConfirmCompromised,
    Action::Verify,
];

/// Whose reading a plan does too: it reads an entity as its proof does, and looks whether a blueprint
/// is deleted.
const READ_FOR_PLANS: [Action; 2] = [Action::RestoreBlueprint, Action::Verify];

/// What is read of service principals to guard and prove what is done to them.
pub const READ: &str = "Application.Read.All";
/// What gives [`READ`] too.
const READ_AND_WRITE: &str = "Application.ReadWrite.All";

/// One permission, and who needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Which.
    pub permission: &'static Permission,
    /// The actions that need it, in their order; for a part that only reads, those whose reading it
    /// does.
    pub by: Vec<Action>,
}

/// A step that a profile does not include, so that it would be denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// Whose step.
    pub playbook: PlaybookName,
    /// Which.
    pub action: Action,
}

/// What one profile comes to, for one part of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Which part.
    pub role: ServiceRole,
    /// Which profile.
    pub profile: Profile,
    /// What it must be granted, by name.
    pub permissions: Vec<Need>,
    /// Is an Azure role needed on each Foundry project?
    pub foundry: Option<Action>,
    /// What it does not include.
    pub beyond: Vec<Beyond>,
}

/// Each permission by name, with the actions that need it.
type Found = BTreeMap<&'static str, Vec<Action>>;

/// What a part of a service with this profile must be granted so that these playbooks, and people,
/// can do what they may.
pub fn needed<'p>(
    (profile, role): (Profile, ServiceRole),
    playbooks: impl Iterator<Item = &'p Playbook>,
) -> Needed {
    let mut found = Found::new();
    let mut beyond = Vec::new();
    let mut actions = BY_HAND.to_vec();
    for playbook in playbooks {
        for step in &playbook.steps {
            if profile.includes(step.action.profile()) {
                actions.push(step.action);
                if playbook.entity == EntityKind::ServicePrincipal {
                    found.entry(READ).or_default().push(Action::Verify);
                }
            } else {
                beyond.push(Beyond {
                    playbook: playbook.name.clone(),
                    action: step.action,
                });
            }
        }
    }
    for action in &actions {
        for name in action.permissions() {
            found.entry(name).or_default().push(*action);
        }
    }
    let all = Needed {
        role,
        profile,
        permissions: Vec::new(),
        foundry: actions
            .contains(&Action::StopInFoundry)
            .then_some(Action::StopInFoundry),
        beyond,
    };
    match role {
        ServiceRole::All | ServiceRole::Worker => all.granted(joined(found)),
        ServiceRole::Console => all.of_reader().granted(read_for_plans(found)),
        ServiceRole::Ingest => all.of_reader(),
    }
}

impl Needed {
    /// Whoever carries nothing out needs no place for it and lacks none.
    fn of_reader(self) -> Self {
        Self {
            foundry: None,
            beyond: Vec::new(),
            ..self
        }
    }

    fn granted(self, found: Found) -> Self {
        let needs = found.into_iter().filter_map(|(name, mut by)| {
            by.sort_unstable();
            by.dedup();
            permission(name).map(|permission| Need { permission, by })
        });
        Self {
            permissions: needs.collect(),
            ..self
        }
    }
}

/// Who may write may read.
fn joined(mut found: Found) -> Found {
    if found.contains_key(READ_AND_WRITE)
        && let Some(readers) = found.remove(READ)
    {
        found.entry(READ_AND_WRITE).or_default().extend(readers);
    }
    found
}

/// What of it only reads, and is read for plans.
fn read_for_plans(mut found: Found) -> Found {
    found.retain(|name, by| {
        by.retain(|action| READ_FOR_PLANS.contains(action));
        only_reads(name) && !by.is_empty()
    });
    found
}
