//! What a deployment may be granted: three profiles, and every Graph permission we ever ask for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a deployment may do. `classic` and `eradicate` each hold all of `agents`, and nothing
/// of each other: what removes grants needs no right over every application, and the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Agent identities, blueprints and agents' user accounts.
    Agents,
    /// Plain service principals too. Microsoft has no right for their switch alone, so this one
    /// holds `Application.ReadWrite.All`, which reaches every application of the tenant.
    Classic,
    /// Removals too, which people must agree to every time.
    Eradicate,
}

impl Profile {
    /// Every profile, least first.
    pub const ALL: [Self; 3] = [Self::Agents, Self::Classic, Self::Eradicate];

    /// The word for it in `estop.yaml`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Classic => "classic",
            Self::Eradicate => "eradicate",
        }
    }

    /// The profile a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.word() == word)
    }

    /// May a deployment with this profile do what needs `other`?
    pub fn includes(self, other: Self) -> bool {
        other == Self::Agents || self == other
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One Graph application permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its value, such as `AgentIdentity.Read.All`.
    pub name: &'static str,
    /// What it lets us do, for people.
    pub lets: &'static str,
    /// Does it reach further than what we do with it, so that whoever grants it should think
    /// twice? Then how far.
    pub reaches: Option<&'static str>,
}

const fn plain(name: &'static str, lets: &'static str) -> Permission {
    Permission {
        name,
        lets,
        reaches: None,
    }
}

const fn wide(name: &'static str, lets: &'static str, reaches: &'static str) -> Permission {
    Permission {
        name,
        lets,
        reaches: Some(reaches),
    }
}

/// Every permission an action may need (Microsoft Graph permissions file, 2026-08-07), by name.
pub const PERMISSIONS: [Permission; 20] = [
    wide(
        "AgentCollection.ReadWrite.All",
        "put an agent's instances into the registry's Quarantined collection",
        "every collection of the Agent Registry",
    ),
    plain(
        "AgentIdUser.ReadWrite.All",
        "disable and enable agents' user accounts, and no person's",
    ),
    plain(
        "AgentIdentity.EnableDisable.All",
        "disable and enable agent identities",
    ),
    plain("AgentIdentity.Read.All", "read agent identities"),
    wide(
        "AgentIdentityBlueprint.AddRemoveCreds.All",
        "remove the credentials of blueprints",
        "it can add credentials too, and so act as any agent",
    ),
    plain(
        "AgentIdentityBlueprint.Read.All",
        "read which credentials a blueprint holds",
    ),
    wide(
        "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
        "take deleted blueprint principals back",
        "it can delete them too, with all their agents",
    ),
    plain(
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
        "disable and enable blueprint principals, and with each all its agents",
    ),
    plain(
        "AgentIdentityBlueprintPrincipal.Read.All",
        "read blueprint principals",
    ),
    plain(
        "AgentInstance.Read.All",
        "find an agent's instances in the Agent Registry",
    ),
    wide(
        "AppRoleAssignment.ReadWrite.All",
        "remove app roles and put them back",
        "it can grant any application permission to anyone, itself included",
    ),
    plain(
        "Application.Read.All",
        "read service principals and applications",
    ),
    wide(
        "Application.ReadWrite.All",
        "disable and enable plain service principals",
        "every application of the tenant and its credentials: as good as a global administrator",
    ),
    wide(
        "CustomSecAttributeAssignment.ReadWrite.All",
        "set the custom security attribute that marks an entity",
        "every attribute that policies may rely on",
    ),
    wide(
        "DelegatedPermissionGrant.ReadWrite.All",
        "remove delegated permission grants and put them back",
        "it can grant any delegated permission for any user",
    ),
    wide(
        "EntitlementManagement.ReadWrite.All",
        "remove access packages from an entity and put them back",
        "every access package of the tenant",
    ),
    plain(
        "IdentityRiskyAgent.ReadWrite.All",
        "tell ID Protection that an agent is compromised, or is not",
    ),
    wide(
        "RoleManagement.ReadWrite.Directory",
        "remove directory roles and put them back",
        "it can make anyone a global administrator",
    ),
    plain(
        "User.ReadBasic.All",
        "find an agent's user account and read its switch",
    ),
    plain(
        "User.RevokeSessions.All",
        "revoke the sessions of users, people included",
    ),
];

/// Does it let its holder read and nothing else? One whose name says nothing does not.
pub fn only_reads(name: &str) -> bool {
    matches!(name.split('.').nth(1), Some("Read" | "ReadBasic"))
}

/// What is known of the permission with this name.
pub fn permission(name: &str) -> Option<&'static Permission> {
    PERMISSIONS.iter().find(|one| one.name == name)
}

#[cfg(test)]
mod tests {
    use super::{PERMISSIONS, Profile, permission};
    use crate::domain::action::Action;

    #[test]
    fn every_permission_an_action_needs_is_explained_and_none_besides() {
        let needed = || Action::ALL.into_iter().flat_map(Action::permissions);

        for name in needed() {
            assert!(permission(name).is_some(), "{name}");
        }
        for one in &PERMISSIONS {
            assert!(needed().any(|name| *name == one.name), "{}", one.name);
        }
        assert!(PERMISSIONS.is_sorted_by_key(|one| one.name));
    }

    #[test]
    fn no_action_of_the_default_profile_needs_a_right_over_everything() {
        let dangerous = [
            "Application.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "Directory.ReadWrite.All",
            "RoleManagement.ReadWrite.Directory",
            "User.ReadWrite.All",
        ];

        for action in Action::ALL {
            let needs = action
                .permissions()
                .iter()
                .any(|name| dangerous.contains(name));
            assert!(!needs || action.profile() != Profile::Agents, "{action}");
        }
    }

    #[test]
    fn classic_and_eradicate_hold_nothing_of_each_other() {
        assert!(Profile::Classic.includes(Profile::Agents));
        assert!(Profile::Eradicate.includes(Profile::Agents));
        assert!(!Profile::Eradicate.includes(Profile::Classic));
        assert!(!Profile::Classic.includes(Profile::Eradicate));
        assert!(!Profile::Agents.includes(Profile::Classic));
    }
}
