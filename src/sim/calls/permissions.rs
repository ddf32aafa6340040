//! What a caller must hold for each operation, as Microsoft Graph's reference names it.

use super::operation::{Cast, Operation};
use super::{defender, policies, users};

/// What allows reading an alert.
const ALERTS: &[&[&str]] = &[
    &["SecurityAlert.Read.All"],
    &["SecurityAlert.ReadWrite.All"],
];

/// What allows reading directory roles.
const ROLES: &[&[&str]] = &[
    &["RoleManagement.Read.Directory"],
    &["RoleManagement.ReadWrite.Directory"],
    &["Directory.Read.All"],
    &["Directory.ReadWrite.All"],
];

impl Operation<'_> {
    /// Application permissions: any line is enough, and a line counts when all of it is held.
    pub(in crate::sim) fn permissions(&self) -> &'static [&'static [&'static str]] {
        match self {
            Self::ReadCast(Cast::Agent, _) | Self::ListCast(Cast::Agent) => &[
                &["AgentIdentity.Read.All"],
                &["AgentIdentity.ReadWrite.All"],
            ],
            Self::ReadCast(Cast::BlueprintPrincipal, _)
            | Self::ListCast(Cast::BlueprintPrincipal) => &[
                &["AgentIdentityBlueprintPrincipal.Read.All"],
                &["AgentIdentityBlueprintPrincipal.ReadWrite.All"],
            ],
            Self::SwitchCast(Cast::Agent, _) => &[
                &["AgentIdentity.EnableDisable.All"],
                &["AgentIdentity.ReadWrite.All"],
            ],
            Self::SwitchCast(Cast::BlueprintPrincipal, _) => &[
                &["AgentIdentityBlueprintPrincipal.EnableDisable.All"],
                &["AgentIdentityBlueprintPrincipal.ReadWrite.All"],
            ],
            Self::Sponsors(..) => &[&["Application.Read.All"]],
            Self::ListBlueprintApplications => &[
                &["AgentIdentityBlueprint.Read.All"],
                &["AgentIdentityBlueprint.ReadWrite.All"],
            ],
            Self::ListInstances => &[
                &["AgentInstance.Read.All"],
                &["AgentInstance.ReadWrite.All"],
            ],
            // `Application.ReadWrite.OwnedBy` reaches what an app owns itself: estop owns nothing.
            Self::Owners(_) | Self::ListPrincipals | Self::ReadPrincipal(_) => &[
                &["Application.Read.All"],
                &["Application.ReadWrite.All"],
                &["Directory.Read.All"],
                &["Directory.ReadWrite.All"],
            ],
            Self::ReadUser(_) | Self::ListUsers(_) => &[
                &["User.ReadBasic.All"],
                &["User.Read.All"],
                &["AgentIdUser.ReadWrite.All"],
            ],
            Self::Manager(_) => users::MAY_READ_MANAGERS,
            Self::SwitchUser(_) => &[
                &["AgentIdUser.ReadWrite.All"],
                &["User.EnableDisableAccount.All", "User.Read.All"],
            ],
            Self::RevokeSessions(_) => &[
                &["User.RevokeSessions.All"],
                &["AgentIdUser.ReadWrite.All"],
                &["User.ReadWrite.All"],
                &["Directory.ReadWrite.All"],
            ],
            Self::ReadRisk(_) | Self::ListRisk => &[
                &["IdentityRiskyAgent.Read.All"],
                &["IdentityRiskyAgent.ReadWrite.All"],
            ],
            Self::ListDetections(_) => &[&["IdentityRiskEvent.Read.All"]],
            Self::Judge(_) => &[&["IdentityRiskyAgent.ReadWrite.All"]],
            Self::GetByIds => &[&["Directory.Read.All"], &["Directory.ReadWrite.All"]],
            Self::Belonging(it) => it.permissions(),
            Self::ReadIncident(_) => defender::MAY_READ,
            Self::CommentIncident(_) | Self::ChangeIncident(_) => defender::MAY_WRITE,
            Self::ListPolicies => &[&["Policy.Read.All"]],
            Self::ReadSecurityDefaults => policies::MAY_READ_DEFAULTS,
            Self::ListSignIns | Self::ListChanges => &[&["AuditLog.Read.All"]],
            Self::ReadAlert(_) => ALERTS,
            Self::ListRoleDefinitions => ROLES,
            Self::ListLicences => &[
                &["LicenseAssignment.Read.All"],
                &["Organization.Read.All"],
                &["Directory.Read.All"],
            ],
        }
    }
}
