//! Runs and questions to people, as the record tells of them.

use std::collections::{BTreeMap, BTreeSet};

use estop::domain::moment::Moment;
use estop::domain::run::RunState;
use uuid::Uuid;

/// One run, as the record tells it.
#[derive(Clone, Debug)]
pub struct RunTold {
    pub entity: Uuid,
    pub mode: String,
    pub by_person: bool,
    pub released: bool,
    pub approved_by: BTreeSet<String>,
    pub state: RunState,
    pub steps: BTreeMap<u64, StepTold>,
}

#[derive(Clone, Debug, Default)]
pub struct StepTold {
    pub action: String,
    /// Whose switches were read before it struck.
    pub switches: Vec<Uuid>,
    /// Those of every start, also where nothing was done then.
    pub written_down: BTreeSet<Uuid>,
    pub started: Option<Moment>,
    pub outcome: Option<String>,
    pub undone: Option<String>,
}

/// One question to people, as the record tells it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub expires_at: Moment,
    pub requester: Option<String>,
    pub votes: Vec<Vote>,
    pub ended: bool,
}

/// One person's yes.
#[derive(Clone, Debug)]
pub struct Vote {
    pub who: String,
    pub plan: String,
    pub at: Moment,
}

impl RunTold {
    /// Has it struck this entity?
    pub fn strikes(&self, id: Uuid) -> bool {
        let mut steps = self.steps.values();
        steps.any(|step| step.switches.contains(&id))
    }

    /// Was it ever written down that it may strike this entity?
    pub fn named(&self, id: Uuid) -> bool {
        let mut steps = self.steps.values();
        steps.any(|step| step.written_down.contains(&id))
    }

    /// When it struck this entity.
    pub fn struck(&self, id: Uuid) -> Option<Moment> {
        let mut steps = self.steps.values();
        steps.find(|step| step.switches.contains(&id))?.started
    }

    /// Was this entity put back?
    pub fn put_back(&self, id: Uuid) -> bool {
        let mut steps = self.steps.values();
        steps.any(|step| step.switches.contains(&id) && step.undone.as_deref() == Some("restored"))
    }
}
