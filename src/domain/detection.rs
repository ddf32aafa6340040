//! A sensor's claim that something bad happened to an entity.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::entity::{Entity, EntityKind, ObjectId, TenantId};
use super::id::DetectionId;
use super::moment::Moment;
use super::name::is_name;
use super::reach::{Called, Reached};

/// Most entities one detection may name; more is quarantined (design §2, law 8).
pub const ENTITIES_MAX: usize = 100;

/// The configured name of a sender, as it stands in its path `/v1/ingest/{source}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceName(String);

impl SourceName {
    /// Takes a name of 1 to 64 lower-case letters, digits, `-` and `_`.
    pub fn new(name: &str) -> Option<Self> {
        is_name(name, &['-', '_']).then(|| Self(name.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How bad a sensor says it is. Ordered, so that `high+` can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Told for the record.
    Informational,
    /// Look when there is time.
    Low,
    /// Look today.
    Medium,
    /// Look now.
    High,
    /// Act now.
    Critical,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 5] = [
        Self::Informational,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The word for it in YAML, JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The severity a word names, in any case; senders write `High` and `HIGH`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.word().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What kind of detection it is, in the sensor's words: `threatIntelligenceAccount`. An open set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DetectionType(String);

impl DetectionType {
    /// Takes 1 to 128 letters, digits, `.`, `-` and `_`.
    pub fn new(name: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let fits = !name.is_empty() && name.len() <= 128 && name.chars().all(plain);
        fits.then(|| Self(name.to_owned()))
    }

    /// The name as the sensor wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Entra's echo of a `confirmCompromised` call, ours or a person's.
    pub const ADMIN_CONFIRMED: &'static str = "adminConfirmedAgentCompromised";

    /// Our own synthetic detection: it proves the path, and nothing ever follows from it.
    pub const HEARTBEAT: &'static str = "estopHeartbeat";

    /// An agent whose risk was raised, where no detection that we were told of says why. Our word.
    pub const RISKY_AGENT: &'static str = "riskyAgent";
}

impl fmt::Display for DetectionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An entity as a detection names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Which object.
    pub entity: Entity,
    /// The tenant the sender says it lives in, where the sender says so.
    pub tenant: Option<TenantId>,
    /// Where in the delivery it stood, such as `alerts[0].customDetails.AgentId`.
    pub found_at: String,
    /// The blueprint the sender says it was made from: an app id or object id, a hint only.
    pub blueprint: Option<ObjectId>,
    /// What the inventory knew of it when the detection was read; `None` where it knew nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Background>,
}

/// What was known of an entity beside what the sender says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Background {
    /// What it really is. Kinds never change, so the sender is wrong where they differ.
    pub kind: EntityKind,
    /// Its tags, for clauses.
    pub tags: BTreeMap<String, String>,
    /// Every id it and what it hangs from are known by, for the guards.
    pub kin: Vec<ObjectId>,
    /// How it was reached, where the detection does not name it itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<Reached>,
    /// Why it is never proposed, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproposable: Option<String>,
}

/// Where to write the outcome back to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRef {
    /// The incident's resource path, such as `/subscriptions/…/Incidents/…`.
    pub id: String,
    /// Its number as people say it, if any.
    pub number: Option<String>,
    /// A link a person can follow, if any.
    pub url: Option<String>,
}

/// A detection, understood: what a delivery said, in our words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detection {
    /// Ours; shares its letters with the delivery.
    pub id: DetectionId,
    /// Finds the same detection arriving another way: the sensor's detection id, else alert id,
    /// type and entities.
    pub key: String,
    /// Who sent it.
    pub source: SourceName,
    /// What happened, in the sensor's words.
    pub detection_type: DetectionType,
    /// How bad.
    pub severity: Severity,
    /// How sure, 0 to 100, where the sensor says so.
    pub confidence: Option<u8>,
    /// When the entity did it, where the sensor says so.
    pub activity_at: Option<Moment>,
    /// When the sensor noticed, where it says so.
    pub detected_at: Option<Moment>,
    /// When we took it.
    pub received_at: Moment,
    /// Whom it is about; never empty.
    pub entities: Vec<Sighting>,
    /// Where people follow it.
    pub incident: Option<IncidentRef>,
    /// What a person should know about how it was read, such as "the risk is the user's".
    pub remarks: Vec<String>,
    /// The playbook that is called in our own name, where no sender speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called: Option<Box<Called>>,
}

impl Sighting {
    /// How it was reached; empty where the detection names it itself.
    pub fn reached(&self) -> &[Reached] {
        match &self.background {
            Some(background) => &background.reached,
            None => &[],
        }
    }
}
