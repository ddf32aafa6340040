//! What is gathered about an entity beside its strike: part by part, each kept as it was read,
//! with a digest that stands in the record chain.

mod doors;
mod held;
mod logs;
mod proof;

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use doors::doors;
pub use held::{AzureRole, RoleHeld, RoleHolder};
pub use logs::{AgentWord, CallerList, Change, ChangeList, SignIn, SignInList};
pub use proof::{Contained, Effective, Proof, TokenSeen};

use super::entity::EntityKind;
use super::id::RunId;
use super::moment::Moment;

/// One kind of thing that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidencePart {
    /// Delegated permission grants.
    Grants,
    /// App role assignments.
    AppRoles,
    /// Directory roles.
    DirectoryRoles,
    /// Azure roles in the configured subscription.
    AzureRoles,
    /// Metadata of the blueprint's credentials, never a credential.
    Credentials,
    /// Who owns it, and so can enable it again.
    Owners,
    /// Who answers for it.
    Sponsors,
    /// Holders of the directory roles that can enable it again.
    Administrators,
    /// What was changed about it and by it.
    DirectoryChanges,
    /// Its own sign-ins.
    SignIns,
    /// Who asked for tokens for it, and whom it called.
    Callers,
    /// Its sign-ins after containment: refused ones are the proof.
    Refused,
}

impl EvidencePart {
    /// Every part, in the order in which they are read.
    pub const ALL: [Self; 12] = [
        Self::Grants,
        Self::AppRoles,
        Self::DirectoryRoles,
        Self::AzureRoles,
        Self::Credentials,
        Self::Owners,
        Self::Sponsors,
        Self::Administrators,
        Self::DirectoryChanges,
        Self::SignIns,
        Self::Callers,
        Self::Refused,
    ];

    /// The word for it, in JSON and in tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Grants => "grants",
            Self::AppRoles => "app_roles",
            Self::DirectoryRoles => "directory_roles",
            Self::AzureRoles => "azure_roles",
            Self::Credentials => "credentials",
            Self::Owners => "owners",
            Self::Sponsors => "sponsors",
            Self::Administrators => "administrators",
            Self::DirectoryChanges => "directory_changes",
            Self::SignIns => "sign_ins",
            Self::Callers => "callers",
            Self::Refused => "refused",
        }
    }

    /// The part a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }

    /// Is there such a thing for entities of this kind?
    pub const fn is_for(self, kind: EntityKind) -> bool {
        let principal = matches!(
            kind,
            EntityKind::Agent | EntityKind::ServicePrincipal | EntityKind::Blueprint
        );
        match self {
            Self::Grants | Self::AppRoles | Self::Owners | Self::Callers => principal,
            Self::Credentials | Self::Sponsors => {
                matches!(kind, EntityKind::Agent | EntityKind::Blueprint)
            }
            Self::DirectoryRoles
            | Self::AzureRoles
            | Self::Administrators
            | Self::DirectoryChanges
            | Self::SignIns
            | Self::Refused => true,
        }
    }

    /// The least that must be granted to read it.
    pub const fn needs(self) -> &'static str {
        match self {
            Self::Grants => "Directory.Read.All",
            Self::AppRoles | Self::Owners | Self::Sponsors => "Application.Read.All",
            Self::DirectoryRoles | Self::Administrators => "RoleManagement.Read.Directory",
            Self::AzureRoles => "the Azure role Reader on the subscription",
            Self::Credentials => "AgentIdentityBlueprint.Read.All",
            Self::DirectoryChanges | Self::SignIns | Self::Callers | Self::Refused => {
                "AuditLog.Read.All"
            }
        }
    }
}

impl fmt::Display for EvidencePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().replace('_', " "))
    }
}

/// What became of reading a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Read; the body is what was there.
    Read,
    /// It may not be read, or cannot be: `why` says what is missing.
    NotReadable,
    /// It was not to be had in time.
    GivenUp,
}

impl PartState {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::NotReadable => "not_readable",
            Self::GivenUp => "given_up",
        }
    }

    /// The state a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Read, Self::NotReadable, Self::GivenUp]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// One part as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPart {
    /// Which.
    pub part: EvidencePart,
    /// What became of it.
    pub state: PartState,
    /// Why it is not here or not whole, for people.
    pub why: Option<String>,
    /// What was read: the exact JSON text that the digest is of.
    pub body: Option<String>,
    /// When.
    pub at: Moment,
}

impl KeptPart {
    /// SHA-256 of the body in lower-case hex, as it stands in the record chain.
    pub fn digest(&self) -> Option<String> {
        self.body.as_deref().map(digest)
    }
}

/// SHA-256 of a part's text in lower-case hex.
pub fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// How far the gathering for one run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceState {
    /// Parts are still missing.
    Due,
    /// All is gathered but the sign-ins after containment.
    Watching,
    /// Nothing more is asked.
    Complete,
}

impl EvidenceState {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Watching => "watching",
            Self::Complete => "complete",
        }
    }

    /// The state a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Due, Self::Watching, Self::Complete]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// The gathering for one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// For which run.
    pub run: RunId,
    /// How far it has come.
    pub state: EvidenceState,
    /// When the run first struck, and so asked for it.
    pub asked_at: Moment,
    /// When it is looked at next.
    pub due_at: Moment,
    /// How many rounds there were in this state.
    pub rounds: u32,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::EvidencePart;
    use crate::domain::sight::{Sight, wanted_by};

    #[test]
    fn every_graph_permission_a_part_needs_is_told_as_optional_and_none_besides() {
        let needed = EvidencePart::ALL.into_iter().map(EvidencePart::needs);
        let needed: BTreeSet<&str> = needed.filter(|name| !name.contains(' ')).collect();

        let told: BTreeSet<&str> = wanted_by(Sight::Evidence).collect();

        assert_eq!(told, needed);
    }
}
