//! One containment, step by step: look, write down, act, write down, read back.

use std::io;
use std::time::Duration;

use super::journal::Journal;
use crate::act::{self, Approval, Context, Means, read_back};
use crate::clock::Clock;
use crate::domain::action::Action;
use crate::domain::entity::Entity;
use crate::domain::guard::Guards;
use crate::domain::id::RunId;
use crate::domain::offline::{Line, Said};
use crate::domain::outcome::Outcome;
use crate::domain::plan::{Plan, PlanStep};
use crate::domain::playbook::Also;
use crate::domain::step::Before;
use crate::graph::Graph;

/// How often a step is tried.
const TRIES_MAX: u32 = 6;
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Two equal reads so far apart prove that an entity is closed.
const READS_APART: Duration = Duration::from_millis(500);
/// How often an entity is read back.
const READS_MAX: u32 = 40;

/// The tenant, and all that binds us without a store.
pub struct Glass {
    /// The tenant.
    pub graph: Graph,
    /// Whom we do not touch.
    pub guards: Guards,
    /// What the deployment may do.
    pub means: Means,
    /// Time and chance.
    pub clock: Clock,
}

/// What came of it, for people.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// Its name, here and in the store once it is told.
    pub run: RunId,
    /// Whom it was about.
    pub entity: Entity,
    /// Each step, how it ended, and the proof.
    pub steps: Vec<(Action, Outcome, String)>,
    /// Each entity that was to be closed, and whether two equal reads say that it is.
    pub read_back: Vec<(Entity, bool, String)>,
}

impl Report {
    /// Is everything closed that was to be?
    pub fn is_contained(&self) -> bool {
        let well = |outcome: Outcome| matches!(outcome, Outcome::Done | Outcome::AlreadyDone);
        !self.read_back.is_empty()
            && self.steps.iter().all(|(_, outcome, _)| well(*outcome))
            && self.read_back.iter().all(|(_, closed, _)| *closed)
    }
}

impl Glass {
    /// Closes what gives out tokens for this entity, and says nothing about risk.
    ///
    /// # Errors
    /// When the journal cannot be written: then nothing more is done.
    pub async fn contain(
        &self,
        journal: &mut Journal,
        entity: Entity,
        (by, reason): (String, String),
    ) -> io::Result<Report> {
        let run = RunId::from_uuid(self.clock.uuid());
        let mut plan = Plan::by_hand(entity, &[Also::AgentUsers]);
        plan.steps
            .retain(|step| step.action.contains() || step.action == Action::Verify);
        let steps = plan.steps.clone();
        self.note(journal, run, Said::Begun { by, reason, plan })?;
        let mut report = Report {
            run,
            entity,
            steps: Vec::new(),
            read_back: Vec::new(),
        };
        let mut closes = Vec::new();
        for (position, step) in (0..).zip(&steps) {
            if step.action == Action::Verify {
                continue;
            }
            let (outcome, evidence, closing) = self.step(journal, run, (position, step)).await?;
            closes.extend(closing);
            report.steps.push((step.action, outcome, evidence.clone()));
            let said = Said::Ended {
                position,
                outcome,
                evidence,
            };
            self.note(journal, run, said)?;
        }
        for entity in closes {
            let (closed, evidence) = self.prove(entity).await;
            report.read_back.push((entity, closed, evidence.clone()));
            let said = Said::ReadBack {
                entity,
                closed,
                evidence,
            };
            self.note(journal, run, said)?;
        }
        Ok(report)
    }

    fn note(&self, journal: &mut Journal, run: RunId, said: Said) -> io::Result<()> {
        journal.write(&Line {
            run,
            at: self.clock.now(),
            said,
        })
    }

    fn context(&self) -> Context<'_> {
        Context {
            graph: &self.graph,
            guards: &self.guards,
            agreed: 1,
            means: &self.means,
            approval: Approval::Missing,
            correlation: self.clock.uuid(),
        }
    }

    async fn step(
        &self,
        journal: &mut Journal,
        run: RunId,
        (position, step): (u16, &PlanStep),
    ) -> io::Result<(Outcome, String, Vec<Entity>)> {
        let seen = match self
            .patiently(async || act::look(&self.context(), step).await)
            .await
        {
            Ok(seen) => seen,
            Err(error) => {
                let outcome = untouched(&error);
                return Ok((outcome, error.to_string(), Vec::new()));
            }
        };
        let said = Said::Struck {
            position,
            before: seen.before.clone(),
            closes: seen.closes.clone(),
        };
        self.note(journal, run, said)?;
        let (outcome, evidence) = self.perform(step, &seen.before).await;
        Ok((outcome, evidence, seen.closes))
    }

    async fn perform(&self, step: &PlanStep, before: &Before) -> (Outcome, String) {
        let performed = self
            .patiently(async || act::perform(&self.context(), step, before).await)
            .await;
        performed.unwrap_or_else(|error| {
            let outcome = match &error {
                act::Error::Unknown { .. } => Outcome::Unknown,
                act::Error::TryAgain { .. }
                | act::Error::NotFound { .. }
                | act::Error::Refused { .. }
                | act::Error::Forbidden { .. } => untouched(&error),
            };
            (outcome, error.to_string())
        })
    }

    /// Tries again what may be tried again.
    async fn patiently<T>(
        &self,
        work: impl AsyncFn() -> Result<T, act::Error>,
    ) -> Result<T, act::Error> {
        let mut tried = 1;
        loop {
            let pause = match work().await {
                Err(act::Error::TryAgain { after, .. }) if tried < TRIES_MAX => after,
                Err(act::Error::Unknown { .. }) if tried < TRIES_MAX => READS_APART,
                done => return done,
            };
            tried += 1;
            self.clock.sleep(pause.min(PAUSE_MAX)).await;
        }
    }

    /// Two equal reads, a while apart.
    async fn prove(&self, entity: Entity) -> (bool, String) {
        let mut closed_before = false;
        let mut evidence = String::new();
        for _ in 0..READS_MAX {
            let closed = match read_back(&self.context(), entity).await {
                Ok(reading) => {
                    reading.words().clone_into(&mut evidence);
                    reading.is_closed()
                }
                Err(error) => {
                    evidence = error.to_string();
                    false
                }
            };
            if closed && closed_before {
                return (true, evidence);
            }
            closed_before = closed;
            self.clock.sleep(READS_APART).await;
        }
        (false, evidence)
    }
}

/// How a step ends that touched nothing.
fn untouched(error: &act::Error) -> Outcome {
    match error {
        act::Error::TryAgain { .. } | act::Error::Unknown { .. } => Outcome::Failed,
        act::Error::NotFound { .. } => Outcome::NotFound,
        act::Error::Refused { .. } | act::Error::Forbidden { .. } => Outcome::Refused,
    }
}
