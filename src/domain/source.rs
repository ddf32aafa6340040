//! What is agreed with a sender: how it is read, and what it may ask for.

use std::collections::BTreeMap;

use super::detection::DetectionType;
use super::entity::EntityKind;
use super::playbook::{Mode, PlaybookName};
use super::reading::{Mapping, ReaderKind};

/// What a source may ask for at most. A stolen signing key reaches no further.
#[derive(Clone, Debug)]
pub struct May {
    /// The kinds of entity it may name.
    pub entities: Vec<EntityKind>,
    /// The strongest mode a run on its word may have.
    pub mode: Mode,
    /// The playbooks it may call; `None` means all.
    pub playbooks: Option<Vec<PlaybookName>>,
}

impl Default for May {
    fn default() -> Self {
        Self {
            entities: vec![EntityKind::Agent, EntityKind::AgentUser],
            mode: Mode::Enforce,
            playbooks: None,
        }
    }
}

impl May {
    /// What we may ask for in our own name: everything, as far as the playbook goes.
    pub fn ours() -> Self {
        Self {
            entities: EntityKind::ALL.to_vec(),
            mode: Mode::Enforce,
            playbooks: None,
        }
    }

    /// May it call this playbook?
    pub fn call(&self, playbook: &PlaybookName) -> bool {
        self.playbooks
            .as_ref()
            .is_none_or(|named| named.contains(playbook))
    }
}

/// What is agreed with one source.
#[derive(Clone, Debug)]
pub struct SourceTerms {
    /// How its bodies are read.
    pub reader: ReaderKind,
    /// Analytic rule id, in lower case, to detection type.
    pub types: BTreeMap<String, DetectionType>,
    /// How its template is read, where its reader wants that and it is not the usual way.
    pub mapping: Option<Mapping>,
    /// What it may ask for.
    pub may: May,
}

impl SourceTerms {
    /// What holds for what we say in our own name.
    pub fn ours() -> Self {
        Self {
            reader: ReaderKind::Estop,
            types: BTreeMap::new(),
            mapping: None,
            may: May::ours(),
        }
    }
}
