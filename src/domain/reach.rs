//! Whom a playbook reaches that no detection names, and how; and who calls one in our own name.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::approval::Requester;
use super::detection::{DetectionType, Severity, SourceName};
use super::entity::{Entity, EntityKind};
use super::param::Param;
use super::playbook::PlaybookName;

/// What the names of our own sources begin with; no sender may be called so.
pub const OWN_SOURCES: &str = "estop-";

/// From whom an entity is reached that a detection does not name. Known from the inventory alone,
/// never from what a sender says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The blueprint of the agent that is named, or of the agent behind the user account named.
    Agent,
    /// The agent behind the user account that is named.
    AgentUser,
    /// What the person who is named owns.
    Owner,
    /// What the person who is named sponsors.
    Sponsor,
    /// What the person who is named has made, as the agent registry says.
    Maker,
    /// What the person who is named has let act for them.
    Consent,
}

impl Reach {
    /// Every way.
    pub const ALL: [Self; 6] = [
        Self::Agent,
        Self::AgentUser,
        Self::Owner,
        Self::Sponsor,
        Self::Maker,
        Self::Consent,
    ];

    /// The word for it in YAML, JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::AgentUser => "agent_user",
            Self::Owner => "owner",
            Self::Sponsor => "sponsor",
            Self::Maker => "maker",
            Self::Consent => "consent",
        }
    }

    /// The way a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// Does it lead to entities of this kind?
    pub const fn leads_to(self, kind: EntityKind) -> bool {
        use EntityKind as K;
        match self {
            Self::Agent => matches!(kind, K::Blueprint),
            Self::AgentUser | Self::Maker | Self::Consent => matches!(kind, K::Agent),
            Self::Owner | Self::Sponsor => matches!(kind, K::Agent | K::Blueprint),
        }
    }

    /// Is what it leads to only ever proposed? A blueprint stops more than was named, and what a
    /// person is bound to did nothing yet.
    pub const fn only_proposes(self) -> bool {
        match self {
            Self::Agent | Self::Owner | Self::Sponsor | Self::Maker | Self::Consent => true,
            Self::AgentUser => false,
        }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One way an entity was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// How.
    pub by: Reach,
    /// From whom, as the detection names them.
    pub from: Entity,
}

/// Who calls a playbook in our own name, because no sender did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// Several detections of one blueprint together.
    Outbreak,
    /// The clock.
    Schedule,
    /// A person.
    Person,
}

impl Caller {
    /// Every caller.
    pub const ALL: [Self; 3] = [Self::Outbreak, Self::Schedule, Self::Person];

    /// The name of its deliveries' source.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Outbreak => "estop-outbreak",
            Self::Schedule => "estop-schedule",
            Self::Person => "estop-person",
        }
    }

    /// The caller behind a source; `None` for a sender's.
    pub fn of(source: &SourceName) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|caller| caller.source() == source.as_str())
    }

    /// The type of what it says.
    pub const fn detection_type(self) -> &'static str {
        match self {
            Self::Outbreak => "estop.outbreak",
            Self::Schedule => "estop.schedule",
            Self::Person => "estop.person",
        }
    }
}

/// What a delivery in our own name says: which playbook is called, about whom, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// Who calls.
    pub caller: Caller,
    /// What is called.
    #[serde(flatten)]
    pub called: Called,
    /// How bad what was counted is; of a schedule `low`.
    pub severity: Severity,
    /// About whom; never empty.
    pub entities: Vec<Entity>,
    /// What it rests on, for people.
    pub because: Vec<String>,
}

/// What a call asks for, and what the detection it becomes keeps of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The only playbook that is called.
    pub playbook: PlaybookName,
    /// What a person said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Param>,
    /// Who asked, where a person did; they do not decide about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Requester>,
    /// Must people agree whatever the playbook says?
    #[serde(default)]
    pub ask_first: bool,
}

impl Called {
    /// By no person, and with nothing said.
    pub fn by_itself(playbook: PlaybookName) -> Self {
        Self {
            playbook,
            params: BTreeMap::new(),
            requester: None,
            ask_first: false,
        }
    }
}

impl Calling {
    /// Its type, as a detection's.
    pub fn detection_type(&self) -> Option<DetectionType> {
        DetectionType::new(self.caller.detection_type())
    }
}
