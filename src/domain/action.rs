//! The closed list of things estop can do to a tenant.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::entity::EntityKind;

/// One thing we can do to one entity. Each has a page of its own in `act`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Set `accountEnabled` of an agent identity to false.
    DisableAgent,
    /// Set `accountEnabled` of a blueprint principal to false: one write stops all its agents.
    DisableBlueprint,
    /// Set `accountEnabled` of an agent's user account to false.
    DisableAgentUser,
    /// Make the refresh tokens of an agent's user account invalid.
    RevokeSessions,
    /// Tell Entra ID Protection that the entity is compromised.
    ConfirmCompromised,
    /// Read back what was closed: the implicit last step.
    Verify,
}

impl Action {
    /// Every action a playbook may name, in the order they are carried out when all apply.
    pub const ALL: [Self; 6] = [
        Self::DisableAgent,
        Self::DisableBlueprint,
        Self::DisableAgentUser,
        Self::RevokeSessions,
        Self::ConfirmCompromised,
        Self::Verify,
    ];

    /// Actions of the design that this version refuses by name.
    pub const LATER: [&'static str; 11] = [
        "disable_service_principal",
        "stop_in_foundry",
        "block_tools",
        "remove_credential",
        "remove_grant",
        "remove_app_role",
        "remove_role",
        "remove_access_package",
        "tag_entity",
        "quarantine_in_registry",
        "restore_blueprint",
    ];

    /// The word for it in YAML, JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DisableAgent => "disable_agent",
            Self::DisableBlueprint => "disable_blueprint",
            Self::DisableAgentUser => "disable_agent_user",
            Self::RevokeSessions => "revoke_sessions",
            Self::ConfirmCompromised => "confirm_compromised",
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
        match self {
            Self::DisableAgent | Self::DisableBlueprint | Self::DisableAgentUser => true,
            Self::RevokeSessions | Self::ConfirmCompromised | Self::Verify => false,
        }
    }

    /// Can what it did be put back exactly?
    pub const fn can_be_undone(self) -> Undoing {
        match self {
            Self::DisableAgent | Self::DisableBlueprint | Self::DisableAgentUser => Undoing::Exact,
            Self::ConfirmCompromised => Undoing::ByVerdict,
            Self::RevokeSessions => Undoing::Never,
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
        match self {
            Self::DisableAgent => matches!(kind, EntityKind::Agent),
            Self::DisableBlueprint => matches!(kind, EntityKind::Blueprint),
            Self::DisableAgentUser | Self::RevokeSessions => {
                matches!(kind, EntityKind::Agent | EntityKind::AgentUser)
            }
            Self::ConfirmCompromised => {
                matches!(
                    kind,
                    EntityKind::Agent | EntityKind::AgentUser | EntityKind::Blueprint
                )
            }
            Self::Verify => false,
        }
    }

    /// The Graph application permissions it needs (Microsoft Graph permissions file, 2026-08-07).
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::DisableAgent => &["AgentIdentity.Read.All", "AgentIdentity.EnableDisable.All"],
            Self::DisableBlueprint => &[
                "AgentIdentityBlueprintPrincipal.Read.All",
                "AgentIdentityBlueprintPrincipal.EnableDisable.All",
            ],
            Self::DisableAgentUser => &["User.ReadBasic.All", "AgentIdUser.ReadWrite.All"],
            Self::RevokeSessions => &["User.ReadBasic.All", "User.RevokeSessions.All"],
            Self::ConfirmCompromised => &["IdentityRiskyAgent.ReadWrite.All"],
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

/// What a person tells Entra ID Protection when a confirmed entity is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskVerdict {
    /// It was never compromised: `confirmSafe`.
    Safe,
    /// The risk no longer matters: `dismiss`.
    Dismiss,
    /// Say nothing; the entity stays at high risk.
    Leave,
}

impl RiskVerdict {
    /// Every verdict, as the command line offers them.
    pub const ALL: [Self; 3] = [Self::Safe, Self::Dismiss, Self::Leave];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Dismiss => "dismiss",
            Self::Leave => "leave",
        }
    }

    /// The verdict a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }
}
