//! How long a containment is held, what becomes of it then, and what is done where someone opens it
//! before.
//!
//! Knows: holds, questions, what was seen of the tenant.
//! Never: how it is seen, how anything is put back.
//!
//! Laws
//! * The end of a hold is acted on once.
//! * A machine puts nothing back where anyone's newer word stands against it: another detection,
//!   a person who kept it, or someone who closed it after it was seen open.
//! * What someone opens is closed again so often within an hour as the playbook says, and then it
//!   is a person's.
//!
//! Read next: `terms`, `drift`; `tests` tries every order of events on a model.

use serde::{Deserialize, Serialize};

mod drift;
mod terms;
#[cfg(test)]
mod tests;

pub use drift::{Answer, Drift, Drifted, OverBy, REASSERT_WITHIN, Seen, What};
pub use terms::{HoldFor, HoldThen};

use super::containment::EntityState;
use super::entity::Entity;
use super::id::RunId;
use super::moment::Moment;
use super::playbook::PlaybookName;
use super::run::RunState;

/// One run's hold on one entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Whose hold it is; it is released by undoing this run.
    pub run: RunId,
    /// Which playbook it carries out.
    pub playbook: PlaybookName,
    /// Where that run stands.
    pub run_state: RunState,
    /// Since when.
    pub since: Moment,
    /// Until when; `None` means until a person releases it.
    pub until: Option<Moment>,
    /// What becomes of it then.
    pub then: Option<HoldThen>,
    /// When its end was acted on, where it has come.
    pub over_at: Option<Moment>,
    /// How often within an hour what someone opens is closed again.
    pub reassert_max: u32,
}

/// One entity that we hold: by whose word, until when, and whether it is still as we left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose.
    #[serde(flatten)]
    pub entity: Entity,
    /// Where it stands.
    pub state: EntityState,
    /// Since when.
    pub since: Moment,
    /// Every hold on it; it opens when the last is released.
    pub holds: Vec<Hold>,
    /// What was seen to differ from how we left it, newest first.
    pub drift: Vec<Drift>,
}

/// What is known when the time of a run's holds is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What the playbook says.
    pub then: HoldThen,
    /// Where the run stands.
    pub run: RunState,
    /// A newer or other word against the entity: another detection, or a person's order.
    pub another: Option<RunId>,
    /// Did a person say that it stays?
    pub kept: bool,
    /// Was it seen open, and then closed by someone else?
    pub closed_by_someone: bool,
}

/// What follows from the end of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// It stays contained, until a person releases it.
    Stays,
    /// It stays contained, and people are asked.
    Asked {
        /// Why they are asked.
        because: String,
    },
    /// It is put back.
    PutBack,
}

impl Ending {
    /// What follows. What speaks against an automatic end is told to whoever is asked.
    pub fn over(&self) -> Over {
        let asked = |because: String| Over::Asked { because };
        let as_left = matches!(
            self.run,
            RunState::Contained | RunState::Partial | RunState::Unknown
        );
        match self.then {
            HoldThen::Keep => Over::Stays,
            HoldThen::Ask => asked("the time of its hold is over".to_owned()),
            HoldThen::Undo => {
                let against = if let Some(run) = self.another {
                    format!("{run} is open on the same entity")
                } else if !as_left {
                    format!("the run is {}", self.run)
                } else if self.kept {
                    "a person has kept it since".to_owned()
                } else if self.closed_by_someone {
                    "it was opened and then closed by someone else".to_owned()
                } else {
                    return Over::PutBack;
                };
                asked(format!(
                    "the time of its hold is over and it would be put back, but {against}"
                ))
            }
        }
    }
}
