//! Rights so wide that a token which carries one of them is not taken (threats: least privilege).

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

/// What each profile of `estop.yaml` admits nevertheless, because its actions cannot do without.
const ADMITTED: [(&str, &str); 3] = [
    ("classic", "Application.ReadWrite.All"),
    ("eradicate", "AppRoleAssignment.ReadWrite.All"),
    ("eradicate", "RoleManagement.ReadWrite.Directory"),
];

/// Those of our roles that a deployment with this profile must not hold. Empty is as it should be.
pub fn denied(profile: &str, roles: &[String]) -> Vec<String> {
    let is_denied = |role: &&String| {
        let wide = DENIED.contains(&role.as_str());
        let of_family = DENIED_FAMILIES
            .iter()
            .any(|family| role.starts_with(family));
        let writes = of_family && !role.contains(".Read.");
        let admitted = ADMITTED
            .iter()
            .any(|(name, right)| *name == profile && *right == role.as_str());
        (wide || writes) && !admitted
    };
    roles.iter().filter(is_denied).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::denied;

    fn of(profile: &str, role: &str) -> bool {
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
            assert!(of("agents", role), "{role}");
        }
        assert!(!of("classic", "Application.ReadWrite.All"));
        assert!(of("eradicate", "Application.ReadWrite.All"));
        assert!(of("classic", "AppRoleAssignment.ReadWrite.All"));
        assert!(!of("eradicate", "AppRoleAssignment.ReadWrite.All"));
        assert!(!of("eradicate", "RoleManagement.ReadWrite.Directory"));
        assert!(of("eradicate", "RoleManagement.ReadWrite.Exchange"));
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
            assert!(!of("agents", role), "{role}");
        }
    }
}
