//! A run in the hands of a worker, with everything it needs to carry it on.

use super::strikes::Started;
use super::terms::Terms;
use crate::domain::action::RiskVerdict;
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::moment::Moment;
use crate::domain::run::{Run, RunLease};
use crate::domain::step::{PriorWord, Step};

/// A run to work on, with everything a worker needs.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The right to work on it.
    pub lease: RunLease,
    /// The run.
    pub run: Run,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What binds it.
    pub terms: Terms,
    /// Attempts begun and not put down in good order, this one included.
    pub attempts: u32,
    /// What Entra ID Protection is told, when it is being undone.
    pub risk: Option<RiskVerdict>,
    /// What a person says a switch was, where nobody could read it, once they have.
    pub prior: Option<PriorWord>,
    /// When a person last gave a word on it, or silence decided for them.
    pub ordered_at: Option<Moment>,
    /// Did a person keep what it contained provisionally?
    pub kept: bool,
    /// Was it begun in the transaction that claimed it?
    pub begun: bool,
    /// Steps that were started where the run was begun, before anything was read.
    pub unread: Vec<Unread>,
    /// The step that was started where the run was begun, because whom it strikes had been read by
    /// then, and what was stored of it.
    pub read: Option<(u16, Started)>,
    /// What someone opened since it was closed, and is to be closed again whatever it was before.
    pub reopened: Vec<Entity>,
}

/// A step whose start is stored, and of whose entity nothing was read yet.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Which step.
    pub position: u16,
    /// Whom the guards are asked about once more.
    pub ids: Vec<ObjectId>,
    /// What was stored.
    pub started: Started,
}

impl Claimed {
    /// How many people agreed to the plan it carries out; none where nobody was asked.
    pub fn agreed(&self) -> u32 {
        let approved = self.terms.approved.as_ref();
        let same = approved.filter(|it| it.is_for(&self.run.plan_digest));
        same.map_or(0, |it| u32::try_from(it.by.len()).unwrap_or(u32::MAX))
    }

    /// What was stored of this step where the run was begun, if it was started there.
    pub fn unread(&self, position: u16) -> Option<&Unread> {
        self.unread.iter().find(|it| it.position == position)
    }

    /// What was stored of this step where the run was begun, if whom it strikes had been read.
    pub fn read(&self, position: u16) -> Option<&Started> {
        let (of, started) = self.read.as_ref()?;
        (*of == position).then_some(started)
    }
}
