//! Put back what a run changed: shown first, with what stays and why.

use serde::{Deserialize, Serialize};

use super::contain::guarded;
use super::error::{Error, Sort};
use super::plan::Stop;
use super::wording::words;
use super::{Answer, Desk, may_at_tier, may_respond, reasoned};
use crate::domain::action::{Action, RiskVerdict, Undoing};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::id::RunId;
use crate::domain::order::{Operator, OrderKind};
use crate::domain::run::{Run, RunEvent, RunState};
use crate::domain::step::{Before, PriorWord, Step, StepState, Switch, UndoOutcome};
use crate::store::{Asked, Saw, Taking};

/// One switch that an undo will put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// Whose.
    #[serde(flatten)]
    pub entity: Entity,
    /// What it was before the run, and will be again if it is still as we left it.
    pub enabled: bool,
}

/// What an undo would do. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoShown {
    /// Which run.
    pub run: RunId,
    /// Where it stands.
    pub state: RunState,
    /// What is put back.
    pub restores: Vec<Back>,
    /// What else is put back, such as grants that were removed.
    #[serde(default)]
    pub again: Vec<String>,
    /// What stays as it is, and why.
    pub stays: Vec<String>,
    /// What has no way back.
    pub no_way_back: Vec<String>,
    /// Must a person choose what Entra ID Protection is told?
    pub needs_risk: bool,
    /// Switches nobody could read before they were written: a person must say what they were.
    #[serde(default)]
    pub needs_prior: Vec<Entity>,
    /// How much confirmation it needs.
    pub tier: u8,
    /// What would refuse it now.
    pub stopped_by: Vec<Stop>,
}

/// A person's word to put back.
#[derive(Clone, Debug)]
pub struct ToUndo {
    /// Which run.
    pub run: RunId,
    /// What Entra ID Protection is told, where the run confirmed a compromise.
    pub risk: Option<RiskVerdict>,
    /// What a switch was, where nobody could read it before it was written.
    pub was: Option<PriorWord>,
    /// Why, in the person's words.
    pub reason: String,
    /// The same key asks for the same thing only once.
    pub idempotency_key: Option<String>,
}

impl Desk {
    /// Shows what putting back this run would do.
    pub async fn plan_undo(&self, id: RunId) -> Answer<UndoShown> {
        let (run, steps) = self.run_and_steps(id).await?;
        let held = self.tools.store.other_holds(id).await?;
        let mut shown = UndoShown {
            run: id,
            state: run.state,
            restores: Vec::new(),
            again: Vec::new(),
            stays: Vec::new(),
            no_way_back: Vec::new(),
            needs_risk: steps.iter().any(confirmed),
            needs_prior: Vec::new(),
            tier: tier(&run, &steps),
            stopped_by: self.standing_stop().await?.into_iter().collect(),
        };
        for step in steps.iter().rev() {
            let step = self.with_first(step).await?;
            shown.add(&step, &held);
        }
        Ok(shown)
    }

    /// Takes a word to put back what a run changed.
    pub async fn undo(&self, operator: &Operator, word: ToUndo) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(&word.reason)?;
        let (run, risk) = (word.run, word.risk);
        let kind = match word.was {
            None => OrderKind::Undo { run, risk },
            Some(was) => OrderKind::UndoSaying { run, risk, was },
        };
        if let Some(key) = &word.idempotency_key
            && let Some(taking) = self.repeated(operator, &kind, key).await?
        {
            return Ok(taking);
        }
        let shown = self.plan_undo(word.run).await?;
        may_at_tier(operator, shown.tier)?;
        if let Some(stop) = shown.stopped_by.first() {
            return Err(guarded(stop));
        }
        shown.state.after(RunEvent::UndoAsked).map_err(|illegal| {
            Error::new(
                Sort::NotNow,
                "not-now",
                illegal.to_string(),
                "Look at where it stands: estop runs show RUN",
            )
        })?;
        if shown.needs_risk && word.risk.is_none() {
            return Err(verdict_missing());
        }
        if !shown.needs_prior.is_empty() && word.was.is_none() {
            return Err(prior_missing(&shown.needs_prior));
        }
        let asked = Asked {
            order: self.order(operator, kind, reason),
            makes: None,
            idempotency_key: word.idempotency_key,
            saw: Saw::default(),
        };
        Ok(self.woken(self.tools.store.take_order(asked).await?))
    }

    /// The step with what the first of our runs knows, where this one could not prove it.
    async fn with_first(&self, step: &Step) -> Answer<Step> {
        let mut step = step.clone();
        if let Some(Before::Unproven { id }) = step.before
            && let Some(account_enabled) = self.tools.store.first_before(step.plan.entity).await?
        {
            let switches = vec![Switch {
                id,
                account_enabled,
            }];
            step.before = Some(Before::Switches { switches });
        }
        Ok(step)
    }

    pub(super) async fn run_and_steps(&self, id: RunId) -> Answer<(Run, Vec<Step>)> {
        let store = &self.tools.store;
        let run = store.run(id).await?.ok_or_else(|| Error::missing(id))?;
        Ok((run, store.steps(id).await?))
    }
}

impl UndoShown {
    fn add(&mut self, step: &Step, held: &[(Entity, RunId)]) {
        let mut stays = |words: String| self.stays.push(words);
        if let Some(done @ (UndoOutcome::Restored | UndoOutcome::NothingToRestore)) = step.undo {
            stays(format!(
                "{}: {} already",
                words(step.plan.action),
                done.word()
            ));
            return;
        }
        let may_have_struck = matches!(
            step.state,
            StepState::Sent | StepState::Ok | StepState::Unknown
        );
        let Some(before) = step.before.as_ref().filter(|_| may_have_struck) else {
            return;
        };
        if step.plan.action.can_be_undone() == Undoing::Never {
            self.no_way_back.push(words(step.plan.action));
        }
        let switches = match before {
            Before::Switches { switches } => switches,
            Before::Found { found } => {
                let exact = step.plan.action.can_be_undone() == Undoing::Exact;
                if exact && !found.is_nothing() {
                    self.again.push(words(step.plan.action));
                }
                return;
            }
            Before::Nothing => return,
            Before::Unproven { .. } => {
                for entity in step.closes() {
                    match held.iter().find(|(other, _)| *other == entity) {
                        Some((_, holder)) => {
                            self.stays.push(format!("{entity}: {holder} holds it too"));
                        }
                        None => self.needs_prior.push(entity),
                    }
                }
                return;
            }
        };
        for (entity, switch) in step.closes().into_iter().zip(switches) {
            if let Some((_, holder)) = held.iter().find(|(other, _)| *other == entity) {
                self.stays.push(format!("{entity}: {holder} holds it too"));
            } else if switch.account_enabled {
                self.restores.push(Back {
                    entity,
                    enabled: true,
                });
            } else {
                self.stays.push(format!("{entity}: it was disabled before"));
            }
        }
    }
}

/// Did, or may, Entra ID Protection hold our word on it?
fn confirmed(step: &Step) -> bool {
    let said = step.took_effect() || matches!(step.state, StepState::Sent | StepState::Unknown);
    step.plan.action == Action::ConfirmCompromised
        && said
        && step.undo != Some(UndoOutcome::Restored)
}

/// An undo is as weighty as what it undoes.
fn tier(run: &Run, steps: &[Step]) -> u8 {
    let gives_back = |step: &Step| step.plan.action.always_asks() && step.took_effect();
    if steps.iter().any(gives_back) {
        return 2;
    }
    match run.entity.kind {
        EntityKind::Blueprint => 2,
        EntityKind::Agent
        | EntityKind::AgentUser
        | EntityKind::ServicePrincipal
        | EntityKind::User => 0,
    }
}

fn prior_missing(entities: &[Entity]) -> Error {
    let named: Vec<_> = entities.iter().map(ToString::to_string).collect();
    Error::amend(
        "prior-required",
        format!(
            "{}: it was written while it was read, and nobody can tell what it was before",
            named.join(", ")
        ),
        "Say what it was: enabled (it is put back) or disabled (it is left so)",
    )
}

fn verdict_missing() -> Error {
    Error::amend(
        "risk-verdict-required",
        "the run told Entra that the entity is compromised, so a verdict must be chosen".to_owned(),
        "Choose risk safe (a false alarm), dismiss (real but harmless) or leave (keep high risk)",
    )
}
