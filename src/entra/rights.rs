//! Rights so wide that a token which carries one of them is not taken (threats: least privilege).

use crate::domain::action::Action;
use crate::domain::permission::{Profile, only_reads};

/// Rights nobody grants us but by a profile that needs them. Whoever holds one of these can take
/// over the tenant or give itself everything else.
const DENIED: [&str; 5] = [
    "Application.ReadWrite.All",
    "Directory.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "User.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
];
/// Families of which reading is harmless and everything else is not.
const DENIED_FAMILIES: [&str; 2] = ["RoleManagement.", "AppRoleAssignment."];

/// Those of our roles that a deployment with this profile must not hold: denied ones that none of
/// its actions needs. Empty is as it should be.
pub fn denied(profile: Profile, roles: &[String]) -> Vec<String> {
    let is_denied = |role: &&String| {
        let wide = DENIED.contains(&role.as_str());
        let of_family = DENIED_FAMILIES
            .iter()
            .any(|family| role.starts_with(family));
        let writes = of_family && !role.contains(".Read.");
        (wide || writes) && !is_needed(profile, role)
    };
    roles.iter().filter(is_denied).cloned().collect()
}

/// Those of our roles that let us change something. One whose name says nothing is among them.
pub fn writing(roles: &[String]) -> Vec<String> {
    let writes = |role: &&String| !only_reads(role);
    roles.iter().filter(writes).cloned().collect()
}

fn is_needed(profile: Profile, role: &str) -> bool {
    let mut actions = Action::ALL
        .into_iter()
        .filter(|action| profile.includes(action.profile()));
    actions.any(|action| action.permissions().contains(&role))
}

#[cfg(test)]
mod tests {
    use super::{Profile, denied, writing};
    use crate::domain::action::Action;

    fn of(profile: Profile, role: &str) -> bool {
        denied(
            profile,
            &["AgentIdentity.Read.All".to_owned(), role.to_owned()],
        ) == [role]
    }

    #[test]
    fn e12_a_right_that_could_take_the_tenant_is_denied_outside_its_profile() {
        for role in [
            "Application.ReadWrite.All",
            "Directory.ReadWrite.All",
            "Directory.AccessAsUser.All",
            "User.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "RoleManagement.ReadWrite.Directory",
            "RoleManagement.ReadWrite.Exchange",
        ] {
            assert!(of(Profile::Agents, role), "{role}");
        }
        assert!(!of(Profile::Classic, "Application.ReadWrite.All"));
        assert!(of(Profile::Eradicate, "Application.ReadWrite.All"));
        assert!(of(Profile::Classic, "AppRoleAssignment.ReadWrite.All"));
        assert!(!of(Profile::Eradicate, "AppRoleAssignment.ReadWrite.All"));
        assert!(!of(
            Profile::Eradicate,
            "RoleManagement.ReadWrite.Directory"
        ));
        assert!(of(Profile::Eradicate, "RoleManagement.ReadWrite.Exchange"));
    }

    #[test]
    fn whatever_is_not_known_to_read_counts_as_writing() {
        let own = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let read = [
            "Directory.Read.All",
            "User.ReadBasic.All",
            "RoleManagement.Read.Directory",
        ];
        let write = [
            "AgentIdentity.EnableDisable.All",
            "User.RevokeSessions.All",
            "IdentityRiskyAgent.ReadWrite.All",
            "New-Right",
        ];

        assert_eq!(writing(&own(&read)), own(&[]));
        assert_eq!(writing(&own(&write)), own(&write));
    }

    #[test]
    fn what_the_profiles_are_made_of_is_taken() {
        for role in [
            "AgentIdentity.EnableDisable.All",
            "AgentIdUser.ReadWrite.All",
            "Directory.Read.All",
            "RoleManagement.Read.Directory",
            "User.ReadBasic.All",
            "IdentityRiskyAgent.ReadWrite.All",
        ] {
            assert!(!of(Profile::Agents, role), "{role}");
        }
    }

    #[test]
    fn a_profile_may_hold_all_that_its_own_actions_need() {
        for profile in Profile::ALL {
            let own = |action: &Action| profile.includes(action.profile());
            let needed = Action::ALL
                .into_iter()
                .filter(own)
                .flat_map(Action::permissions);
            let needed: Vec<String> = needed.map(|right| (*right).to_owned()).collect();

            assert!(denied(profile, &needed).is_empty(), "{profile}");
        }
    }
}
