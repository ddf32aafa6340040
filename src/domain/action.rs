//! The closed list of things estop can do to a tenant.

use std::fmt;

pub use super::verdict::RiskVerdict;

use serde::{Deserialize, Serialize};

use super::entity::EntityKind;
use super::permission::Profile;

/// One thing we can do to one entity. Each has a page of its own in `act`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Set `accountEnabled` of an agent identity to false.
    DisableAgent,
    /// Set `accountEnabled` of a plain service principal, such as a classic agent, to false.
    DisableServicePrincipal,
    /// Set `accountEnabled` of a blueprint principal to false: one write stops all its agents.
    DisableBlueprint,
    /// Set `accountEnabled` of an agent's user account to false.
    DisableAgentUser,
    /// Let Foundry start no new session of the agent.
    StopInFoundry,
    /// Refuse every tool call of the agent's bots in Copilot Studio.
    BlockTools,
    /// Make the refresh tokens of an agent's user account, or of a person, invalid.
    RevokeSessions,
    /// Tell Entra ID Protection that the entity is compromised.
    ConfirmCompromised,
    /// Set the configured custom security attribute.
    TagEntity,
    /// Put the agent's instances into the Agent Registry's Quarantined collection.
    QuarantineInRegistry,
    /// Remove every secret, certificate and federated credential of a blueprint.
    RemoveCredential,
    /// Remove the delegated permission grants the entity holds.
    RemoveGrant,
    /// Remove the application permissions and other app roles the entity holds.
    RemoveAppRole,
    /// Remove the directory roles the entity holds.
    RemoveRole,
    /// Remove the access packages assigned to the entity.
    RemoveAccessPackage,
    /// Take a deleted blueprint principal back, so that its agents can be managed again.
    RestoreBlueprint,
    /// Read back what was closed: the implicit last step.
    Verify,
}

impl Action {
    /// Every action a playbook may name, in the order they are carried out when all apply.
    pub const ALL: [Self; 17] = [
        Self::DisableAgent,
        Self::DisableServicePrincipal,
        Self::DisableBlueprint,
        Self::DisableAgentUser,
        Self::StopInFoundry,
        Self::BlockTools,
        Self::RevokeSessions,
        Self::ConfirmCompromised,
        Self::TagEntity,
        Self::QuarantineInRegistry,
        Self::RemoveCredential,
        Self::RemoveGrant,
        Self::RemoveAppRole,
        Self::RemoveRole,
        Self::RemoveAccessPackage,
        Self::RestoreBlueprint,
        Self::Verify,
    ];

    /// The word for it in YAML, JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DisableAgent => "disable_agent",
            Self::DisableServicePrincipal => "disable_service_principal",
            Self::DisableBlueprint => "disable_blueprint",
            Self::DisableAgentUser => "disable_agent_user",
            Self::StopInFoundry => "stop_in_foundry",
            Self::BlockTools => "block_tools",
            Self::RevokeSessions => "revoke_sessions",
            Self::ConfirmCompromised => "confirm_compromised",
            Self::TagEntity => "tag_entity",
            Self::QuarantineInRegistry => "quarantine_in_registry",
            Self::RemoveCredential => "remove_credential",
            Self::RemoveGrant => "remove_grant",
            Self::RemoveAppRole => "remove_app_role",
            Self::RemoveRole => "remove_role",
            Self::RemoveAccessPackage => "remove_access_package",
            Self::RestoreBlueprint => "restore_blueprint",
            Self::Verify => "verify",
        }
    }

    /// The action a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }

    /// Does it take away the power to get new tokens, so that it counts against the caps and is
    /// read back?
    pub const fn contains(self) -> bool {
        self.closes().is_some()
    }

    /// The kind of entity whose switch it turns off, if it turns off any.
    pub const fn closes(self) -> Option<EntityKind> {
        match self {
            Self::DisableAgent => Some(EntityKind::Agent),
            Self::DisableServicePrincipal => Some(EntityKind::ServicePrincipal),
            Self::DisableBlueprint => Some(EntityKind::Blueprint),
            Self::DisableAgentUser => Some(EntityKind::AgentUser),
            Self::StopInFoundry
            | Self::BlockTools
            | Self::RevokeSessions
            | Self::ConfirmCompromised
            | Self::TagEntity
            | Self::QuarantineInRegistry
            | Self::RemoveCredential
            | Self::RemoveGrant
            | Self::RemoveAppRole
            | Self::RemoveRole
            | Self::RemoveAccessPackage
            | Self::RestoreBlueprint
            | Self::Verify => None,
        }
    }

    /// Must people agree to it every time? So it is with whatever takes away more than a switch
    /// does, and with what gives power back.
    pub const fn always_asks(self) -> bool {
        match self {
            Self::RemoveCredential
            | Self::RemoveGrant
            | Self::RemoveAppRole
            | Self::RemoveRole
            | Self::RemoveAccessPackage
            | Self::RestoreBlueprint => true,
            Self::DisableAgent
            | Self::DisableServicePrincipal
            | Self::DisableBlueprint
            | Self::DisableAgentUser
            | Self::StopInFoundry
            | Self::BlockTools
            | Self::RevokeSessions
            | Self::ConfirmCompromised
            | Self::TagEntity
            | Self::QuarantineInRegistry
            | Self::Verify => false,
        }
    }

    /// The permission profile a deployment must have for it.
    pub const fn profile(self) -> Profile {
        match self {
            Self::DisableServicePrincipal => Profile::Classic,
            Self::RemoveCredential
            | Self::RemoveGrant
            | Self::RemoveAppRole
            | Self::RemoveRole
            | Self::RemoveAccessPackage
            | Self::RestoreBlueprint => Profile::Eradicate,
            Self::DisableAgent
            | Self::DisableBlueprint
            | Self::DisableAgentUser
            | Self::StopInFoundry
            | Self::BlockTools
            | Self::RevokeSessions
            | Self::ConfirmCompromised
            | Self::TagEntity
            | Self::QuarantineInRegistry
            | Self::Verify => Profile::Agents,
        }
    }

    /// Can what it did be put back exactly?
    pub const fn can_be_undone(self) -> Undoing {
        match self {
            Self::DisableAgent
            | Self::DisableServicePrincipal
            | Self::DisableBlueprint
            | Self::DisableAgentUser
            | Self::StopInFoundry
            | Self::BlockTools
            | Self::TagEntity
            | Self::QuarantineInRegistry
            | Self::RemoveGrant
            | Self::RemoveAppRole
            | Self::RemoveRole
            | Self::RemoveAccessPackage => Undoing::Exact,
            Self::ConfirmCompromised => Undoing::ByVerdict,
            Self::RevokeSessions | Self::RemoveCredential | Self::RestoreBlueprint => {
                Undoing::Never
            }
            Self::Verify => Undoing::Nothing,
        }
    }

    /// Is it held back while a containment is provisional? It has no way back that needs no person.
    pub const fn waits_for_keep(self) -> bool {
        match self.can_be_undone() {
            Undoing::ByVerdict | Undoing::Never => true,
            Undoing::Exact | Undoing::Nothing => false,
        }
    }

    /// May it stand in a playbook for entities of this kind? An agent's user account is reached
    /// from its agent by `also: [agent_users]`.
    pub const fn fits(self, kind: EntityKind) -> bool {
        use EntityKind as K;
        match self {
            Self::DisableAgent | Self::QuarantineInRegistry => matches!(kind, K::Agent),
            Self::DisableServicePrincipal => matches!(kind, K::ServicePrincipal),
            Self::DisableBlueprint | Self::RemoveCredential | Self::RestoreBlueprint => {
                matches!(kind, K::Blueprint)
            }
            Self::DisableAgentUser => matches!(kind, K::Agent | K::AgentUser),
            Self::RevokeSessions => matches!(kind, K::Agent | K::AgentUser | K::User),
            // A shared identity of classic Foundry agents is a plain service principal, and so are
            // bots that were made before agent identities.
            Self::StopInFoundry | Self::BlockTools => {
                matches!(kind, K::Agent | K::ServicePrincipal)
            }
            Self::ConfirmCompromised => matches!(kind, K::Agent | K::AgentUser | K::Blueprint),
            Self::TagEntity | Self::RemoveGrant | Self::RemoveAppRole => {
                matches!(kind, K::Agent | K::Blueprint | K::ServicePrincipal)
            }
            Self::RemoveRole | Self::RemoveAccessPackage => {
                matches!(kind, K::Agent | K::AgentUser | K::ServicePrincipal)
            }
            Self::Verify => false,
        }
    }

    /// The Graph application permissions it needs (Microsoft Graph permissions file, 2026-08-07).
    /// [`super::permission::PERMISSIONS`] says of each what it lets us do.
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::DisableAgent => &["AgentIdentity.Read.All", "AgentIdentity.EnableDisable.All"],
            Self::DisableServicePrincipal => &["Application.ReadWrite.All"],
            Self::DisableBlueprint => &[
                "AgentIdentityBlueprintPrincipal.Read.All",
                "AgentIdentityBlueprintPrincipal.EnableDisable.All",
            ],
            Self::DisableAgentUser => &["User.ReadBasic.All", "AgentIdUser.ReadWrite.All"],
            // Foundry asks for an Azure role on the project instead; our own gate needs nothing.
            Self::StopInFoundry | Self::BlockTools => &[],
            Self::RevokeSessions => &["User.ReadBasic.All", "User.RevokeSessions.All"],
            Self::ConfirmCompromised => &["IdentityRiskyAgent.ReadWrite.All"],
            Self::TagEntity => &[
                "Application.Read.All",
                "CustomSecAttributeAssignment.ReadWrite.All",
            ],
            Self::QuarantineInRegistry => {
                &["AgentInstance.Read.All", "AgentCollection.ReadWrite.All"]
            }
            Self::RemoveCredential => &[
                "AgentIdentityBlueprintPrincipal.Read.All",
                "AgentIdentityBlueprint.Read.All",
                "AgentIdentityBlueprint.AddRemoveCreds.All",
            ],
            Self::RemoveGrant => &["DelegatedPermissionGrant.ReadWrite.All"],
            Self::RemoveAppRole => &["Application.Read.All", "AppRoleAssignment.ReadWrite.All"],
            Self::RemoveRole => &["RoleManagement.ReadWrite.Directory"],
            Self::RemoveAccessPackage => &["EntitlementManagement.ReadWrite.All"],
            Self::RestoreBlueprint => &[
                "AgentIdentityBlueprintPrincipal.Read.All",
                "Application.Read.All",
                "AgentIdentityBlueprintPrincipal.DeleteRestore.All",
            ],
            Self::Verify => &[
                "AgentIdentity.Read.All",
                "AgentIdentityBlueprintPrincipal.Read.All",
                "User.ReadBasic.All",
            ],
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What it takes to put an action's effect back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// The prior value is written again.
    Exact,
    /// A person must choose what Entra is told: safe, dismiss or leave.
    ByVerdict,
    /// There is no way back; plan and lint say so.
    Never,
    /// It changes nothing.
    Nothing,
}
