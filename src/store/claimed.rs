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
    /// Steps that were started where the run was begun.
    pub started: Vec<StartedStep>,
    /// What someone opened since it was closed, and is to be closed again whatever it was before.
    pub reopened: Vec<Entity>,
}

/// A step whose start is stored with its run: its entity is certain, or was read by then.
#[derive(Clone, Debug)]
pub struct StartedStep {
    /// Which step.
    pub position: u16,
    /// Whom the guards are asked about once more; nobody where they were asked by whoever read.
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
    pub fn started(&self, position: u16) -> Option<&StartedStep> {
        self.started.iter().find(|it| it.position == position)
    }
}
