//! What the clock looks for in the inventory, for hygiene playbooks.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::entity::EntityKind;

/// One thing that is wrong with an entity although nobody attacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// What it hangs from is gone: an agent's blueprint, a user account's agent.
    Orphaned,
    /// Nobody owns and nobody sponsors it.
    Ownerless,
    /// A credential of the blueprint ends soon.
    ExpiringCredential,
    /// It holds a permission that reaches the whole tenant.
    DangerousGrant,
}

impl Finding {
    /// Everything that can be looked for.
    pub const ALL: [Self; 4] = [
        Self::Orphaned,
        Self::Ownerless,
        Self::ExpiringCredential,
        Self::DangerousGrant,
    ];

    /// The word for it in YAML and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Orphaned => "orphaned",
            Self::Ownerless => "ownerless",
            Self::ExpiringCredential => "expiring_credential",
            Self::DangerousGrant => "dangerous_grant",
        }
    }

    /// The finding a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// Can it be said of this kind of entity?
    pub const fn fits(self, kind: EntityKind) -> bool {
        use EntityKind as K;
        match self {
            Self::Orphaned => matches!(kind, K::Agent | K::AgentUser),
            Self::Ownerless => matches!(kind, K::Agent),
            Self::ExpiringCredential => matches!(kind, K::Blueprint),
            Self::DangerousGrant => matches!(kind, K::Agent | K::Blueprint | K::ServicePrincipal),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
