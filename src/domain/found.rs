//! What an action found before it took something away or set it: enough to put it back.
//!
//! Written in Graph's own names, so that what is put back is what was read. Never a secret: of a
//! credential only its id and what it was called.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::entity::ObjectId;
use super::tools::BotId;

/// Longest id that is no GUID.
const ID_MAX: usize = 128;

/// An id of Graph's that is no GUID, such as a grant's: letters, digits, `-` and `_` only, so that
/// it cannot bend a path (threat W21).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OpaqueId(String);

impl OpaqueId {
    /// Takes a plain id; `None` for anything else.
    pub fn new(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let fits = !text.is_empty() && text.len() <= ID_MAX && text.chars().all(plain);
        fits.then(|| Self(text.to_owned()))
    }

    /// As it was read.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OpaqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for OpaqueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).ok_or_else(|| serde::de::Error::custom("not a plain id"))
    }
}

/// What one step found. Empty lists mean that there was nothing to take away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Found {
    /// Delegated permission grants.
    Grants {
        /// All the entity holds.
        held: Vec<Grant>,
    },
    /// App role assignments.
    AppRoles {
        /// All the entity holds.
        held: Vec<AppRole>,
    },
    /// Directory role assignments.
    Roles {
        /// All the entity holds.
        held: Vec<DirectoryRole>,
    },
    /// Access package assignments.
    Packages {
        /// All that were delivered to the entity.
        held: Vec<Package>,
    },
    /// The credentials of a blueprint's application.
    Credentials {
        /// All it had.
        credentials: Credentials,
    },
    /// The custom security attribute.
    Attribute {
        /// What it said; `None` when it was not set.
        value: Option<String>,
    },
    /// The agent's instances in the registry that were not in the Quarantined collection.
    Instances {
        /// Their ids.
        instances: Vec<OpaqueId>,
    },
    /// The agent as Foundry knows it.
    Runtimes {
        /// Each place it runs in.
        runtimes: Vec<Runtime>,
    },
    /// The agent's bots in Copilot Studio.
    Bots {
        /// Their ids.
        bots: Vec<BotId>,
    },
    /// A deleted blueprint principal, or one that is not deleted.
    Deleted {
        /// Its object id, where it was deleted.
        principal: Option<ObjectId>,
    },
}

impl Found {
    /// Was there nothing to take away, to set or to bring back?
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Grants { held } => held.is_empty(),
            Self::AppRoles { held } => held.is_empty(),
            Self::Roles { held } => held.is_empty(),
            Self::Packages { held } => held.is_empty(),
            Self::Credentials { credentials } => credentials.count() == 0,
            Self::Attribute { .. } => false,
            Self::Instances { instances } => instances.is_empty(),
            Self::Runtimes { runtimes } => runtimes.is_empty(),
            Self::Bots { bots } => bots.is_empty(),
            Self::Deleted { principal } => principal.is_none(),
        }
    }
}

/// What a user, or everyone, allowed a client to do in their name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The grant's own id.
    pub id: OpaqueId,
    /// Object id of the service principal that holds it.
    pub client_id: ObjectId,
    /// `AllPrincipals` or `Principal`.
    pub consent_type: String,
    /// The user it is for; `None` for everyone.
    pub principal_id: Option<ObjectId>,
    /// Object id of the resource's service principal.
    pub resource_id: ObjectId,
    /// The permissions, separated by spaces.
    pub scope: String,
}

/// An app role held by a service principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRole {
    /// The assignment's own id.
    pub id: OpaqueId,
    /// Which role. All zeroes, Microsoft's default access, is kept as text.
    pub app_role_id: String,
    /// Who holds it.
    pub principal_id: ObjectId,
    /// Of which resource.
    pub resource_id: ObjectId,
}

/// A directory role held by an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryRole {
    /// The assignment's own id.
    pub id: OpaqueId,
    /// Which role.
    pub role_definition_id: OpaqueId,
    /// Who holds it.
    pub principal_id: ObjectId,
    /// Over what: `/` for the whole directory.
    pub directory_scope_id: String,
}

/// An access package that was delivered to an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Package {
    /// The assignment's own id.
    pub id: OpaqueId,
    /// Which package.
    pub access_package_id: ObjectId,
    /// Under which policy it was given.
    pub assignment_policy_id: ObjectId,
    /// Object id of the entity.
    pub target_id: ObjectId,
}

/// Everything a blueprint's application could prove itself by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Object id of the application.
    pub application: ObjectId,
    /// Secrets.
    pub secrets: Vec<KeyTrace>,
    /// Certificates.
    pub certificates: Vec<KeyTrace>,
    /// Trusts in tokens of others.
    pub federated: Vec<Trust>,
}

impl Credentials {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.secrets.len() + self.certificates.len() + self.federated.len()
    }

    /// The id of each, with its kind: what tells a new one from an old one.
    pub fn ids(&self) -> Vec<String> {
        let secrets = self
            .secrets
            .iter()
            .map(|it| format!("secret {}", it.key_id));
        let keys = self.certificates.iter();
        let keys = keys.map(|it| format!("certificate {}", it.key_id));
        let trusts = self.federated.iter();
        let trusts = trusts.map(|it| format!("federated {}", it.id));
        secrets.chain(keys).chain(trusts).collect()
    }
}

/// What may be known of a secret or certificate: never itself, nor a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyTrace {
    /// Its id.
    pub key_id: ObjectId,
    /// What it was called.
    pub display_name: Option<String>,
    /// When it would have ended.
    pub end_date_time: Option<String>,
}

/// A federated credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Its id.
    pub id: OpaqueId,
    /// What it was called.
    pub name: Option<String>,
    /// Whose tokens it trusted.
    pub issuer: Option<String>,
    /// Which of them.
    pub subject: Option<String>,
}

/// An agent's place in Foundry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// The project's endpoint, such as `https://NAME.services.ai.azure.com/api/projects/PROJECT`.
    pub project: url::Url,
    /// The agent's name in it.
    pub name: OpaqueId,
}

#[cfg(test)]
mod tests {
    use super::OpaqueId;

    #[test]
    fn w21_an_id_that_could_bend_a_path_is_none() {
        let long = "x".repeat(129);
        for bent in [
            "",
            "a/b",
            "..",
            "a?b",
            "a%2fb",
            "a b",
            "a#b",
            "ä",
            long.as_str(),
        ] {
            assert!(OpaqueId::new(bent).is_none(), "{bent}");
        }

        assert!(OpaqueId::new("l5eW7x0ga0-WDOntXzHateQDNpSH5_1").is_some());
    }
}
