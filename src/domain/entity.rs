//! What a detection is about and an action is done to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A directory object's GUID. Only the hyphenated form of 36 characters is read, so that no text
/// from outside can bend a path (threat W21).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(Uuid);

/// This text is not a hyphenated GUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a GUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")]
pub struct NotAGuid(String);

impl ObjectId {
    /// The object that carries this GUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The 16 bytes the store keeps.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectId {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let refused = || NotAGuid(text.chars().take(64).collect());
        if text.len() != 36 {
            return Err(refused());
        }
        let uuid = Uuid::try_parse(text).map_err(|_| refused())?;
        if uuid.is_nil() {
            Err(refused())
        } else {
            Ok(Self(uuid))
        }
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// An Entra tenant's GUID.
pub type TenantId = ObjectId;

/// The five kinds of object estop may touch, weakest reach first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// An agent identity: a service principal whose object id equals its app id.
    Agent,
    /// A plain service principal, such as a classic agent.
    ServicePrincipal,
    /// The user account of one agent identity.
    AgentUser,
    /// A person's user account.
    User,
    /// A blueprint **principal**, the switch for all its agents in this tenant.
    Blueprint,
}

impl EntityKind {
    /// Every kind, weakest reach first.
    pub const ALL: [Self; 5] = [
        Self::Agent,
        Self::ServicePrincipal,
        Self::AgentUser,
        Self::User,
        Self::Blueprint,
    ];

    /// The word for it in YAML, JSON, the store and the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::ServicePrincipal => "service_principal",
            Self::AgentUser => "agent_user",
            Self::User => "user",
            Self::Blueprint => "blueprint",
        }
    }

    /// The kind this word names, if any.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One object of our tenant, by kind and object id. Never by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entity {
    /// What it is, which decides the calls that may be made on it.
    pub kind: EntityKind,
    /// Its object id in the tenant.
    pub id: ObjectId,
}

impl Entity {
    /// An agent identity.
    pub const fn agent(id: ObjectId) -> Self {
        Self {
            kind: EntityKind::Agent,
            id,
        }
    }

    /// An agent's user account.
    pub const fn agent_user(id: ObjectId) -> Self {
        Self {
            kind: EntityKind::AgentUser,
            id,
        }
    }

    /// A blueprint principal.
    pub const fn blueprint(id: ObjectId) -> Self {
        Self {
            kind: EntityKind::Blueprint,
            id,
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectId;

    #[test]
    fn w21_only_a_hyphenated_guid_names_an_object() {
        let bent = [
            "",
            "7b1d0c526f0e4d2b9a341f0c9d21e2a0",
            "{7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0}",
            "urn:uuid:7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0",
            "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0/..",
            "../../users/7b1d0c52-6f0e-4d2b-9a34-1",
            "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2%2f",
            "７b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0",
            "00000000-0000-0000-0000-000000000000",
        ];

        for text in bent {
            assert!(text.parse::<ObjectId>().is_err(), "{text}");
        }
    }

    #[test]
    fn w21_a_guid_is_written_in_lower_case() {
        let id: ObjectId = "7B1D0C52-6F0E-4D2B-9A34-1F0C9D21E2A0".parse().unwrap();

        assert_eq!(id.to_string(), "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0");
    }
}
