//! The written plan for one kind of detection, already read and checked.
//!
//! `catalog` reads it from YAML and compiles its clauses; this is what everyone else needs to know.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::approval::ApprovalTerms;
pub use super::audience::Audience;
use super::entity::EntityKind;
use super::moment::Span;
use super::name::is_name;
pub use super::trigger::{Call, Reach, SeverityBand, Trigger};

pub use super::hold::{HoldFor, HoldThen};

/// The name of a playbook, as written in its file: 1 to 64 lower-case letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlaybookName(String);

impl PlaybookName {
    /// The name of a run a person ordered without a playbook.
    pub const BY_HAND: &'static str = "by-hand";

    /// The name of a drill's run.
    pub const DRILL: &'static str = "drill";

    /// The name of a run that people are asked for because something we hold was opened.
    pub const DRIFT: &'static str = "drift";

    /// The name of a run of a freeze.
    pub const FREEZE: &'static str = "freeze";

    /// Takes a plain name; `None` for anything else.
    pub fn new(name: &str) -> Option<Self> {
        is_name(name, &['-']).then(|| Self(name.to_owned()))
    }

    /// The name given to what a person orders without a playbook.
    pub fn by_hand() -> Self {
        Self(Self::BY_HAND.to_owned())
    }

    /// The name given to a drill.
    pub fn drill() -> Self {
        Self(Self::DRILL.to_owned())
    }

    /// The name given to what is proposed because something we hold was opened.
    pub fn drift() -> Self {
        Self(Self::DRIFT.to_owned())
    }

    /// The name given to the runs of a freeze.
    pub fn freeze() -> Self {
        Self(Self::FREEZE.to_owned())
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlaybookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a playbook may go by itself, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything runs, `act` alone stands still.
    Observe,
    /// A person is asked first.
    Ask,
    /// Contain now, a person keeps it or it ends.
    Provisional,
    /// Contain now.
    Enforce,
}

impl Mode {
    /// Every mode, weakest first.
    pub const ALL: [Self; 4] = [Self::Observe, Self::Ask, Self::Provisional, Self::Enforce];

    /// The word for it in YAML, JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Ask => "ask",
            Self::Provisional => "provisional",
            Self::Enforce => "enforce",
        }
    }

    /// The mode a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How far the whole service may go; it caps every playbook and every person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceMode {
    /// Deliveries are stored; nothing is decided.
    Off,
    /// Everything runs, `act` alone stands still.
    Observe,
    /// Playbooks and people act as they say.
    Enforce,
}

impl ServiceMode {
    /// Every service mode.
    pub const ALL: [Self; 3] = [Self::Off, Self::Observe, Self::Enforce];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        }
    }

    /// The service mode a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// The mode a playbook really runs in while the service is in this one.
    #[must_use]
    pub fn caps(self, mode: Mode) -> Mode {
        match self {
            Self::Off | Self::Observe => Mode::Observe,
            Self::Enforce => mode,
        }
    }
}

/// A named condition, in CEL, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClauseText {
    /// What the author calls it.
    pub name: String,
    /// The expression.
    pub text: String,
}

/// What else to stop beside the entity, because its own switch does not reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Also {
    /// The user accounts of the agent.
    AgentUsers,
}

/// A limit no run of this playbook may cross; above it, runs wait for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guardrail {
    /// Most entities contained within the window.
    pub entities_max: u32,
    /// Most of them that may be blueprints, contained without a person; `None` means not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blueprints_max: Option<u32>,
    /// The window.
    pub window: Span,
}

/// One line of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSpec {
    /// What to do.
    pub action: Action,
    /// Does the run still count as contained when it fails?
    pub optional: bool,
}

/// A playbook, read and checked. Clauses are compiled beside it, in `catalog`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playbook {
    /// Its name; one file holds one playbook of the same name.
    pub name: PlaybookName,
    /// SHA-256 of the file's bytes, in hex.
    pub digest: String,
    /// What it does, for people.
    pub summary: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What calls it.
    pub trigger: Trigger,
    /// All must hold.
    pub when: Vec<ClauseText>,
    /// None may hold.
    pub unless: Vec<ClauseText>,
    /// The mode it runs in where a clause cannot be known; never stronger than `mode`.
    pub on_unknown: Mode,
    /// The kind of entity it acts on.
    pub entity: EntityKind,
    /// From whom it is reached where a detection does not name it.
    #[serde(default)]
    pub via: Vec<Reach>,
    /// What else is stopped with it.
    pub also: Vec<Also>,
    /// How far it may go.
    pub mode: Mode,
    /// What a quiet week earns it.
    pub recommended: Option<Mode>,
    /// Its own limit.
    pub guardrail: Option<Guardrail>,
    /// Whom it asks, where it asks.
    pub approval: Option<ApprovalTerms>,
    /// What it does, in order.
    pub steps: Vec<StepSpec>,
    /// How long what it contained is held.
    pub hold: Option<HoldFor>,
    /// Whom it tells beside the people on call.
    #[serde(default)]
    pub notify: Vec<Audience>,
}

impl Playbook {
    /// Whom a run in this mode tells. Nobody who answers for an agent hears of what was only
    /// observed, unless watching is all that the playbook is meant for.
    pub fn tells(&self, mode: Mode) -> Vec<Audience> {
        let watches = self.recommended == Some(Mode::Observe);
        let mut told = self.notify.clone();
        told.retain(|it| *it != Audience::Sponsors || mode != Mode::Observe || watches);
        told
    }
}
