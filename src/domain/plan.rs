//! The exact steps and entities a run will carry out, with a digest that words can be bound to.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::action::{Action, Undoing};
use super::entity::{Entity, EntityKind};
use super::playbook::{Also, Playbook, StepSpec};

/// One action on one entity. For `also: [agent_users]` the entity is the agent, and the act itself
/// finds the users: their ids are stored with what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// What to do.
    pub action: Action,
    /// To whom.
    pub entity: Entity,
    /// Does the run still count as contained when it fails?
    pub optional: bool,
}

/// What a run will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Whom it is about.
    pub entity: Entity,
    /// SHA-256 of the playbook's bytes in hex, or empty for a person's own order.
    pub playbook_digest: String,
    /// What to do, the switch first.
    pub steps: Vec<PlanStep>,
}

impl Plan {
    /// What this playbook does to this entity. `verify` is added where anything is contained.
    pub fn of(playbook: &Playbook, entity: Entity) -> Self {
        Self::from_specs(&playbook.digest, entity, &playbook.steps)
    }

    /// What a person's order to contain does, with no playbook written for it.
    pub fn by_hand(entity: Entity, also: &[Also]) -> Self {
        let users_too = also.contains(&Also::AgentUsers);
        let must = |action| StepSpec {
            action,
            optional: false,
        };
        let may = |action| StepSpec {
            action,
            optional: true,
        };
        let specs = match entity.kind {
            EntityKind::Agent if users_too => vec![
                must(Action::DisableAgent),
                must(Action::DisableAgentUser),
                may(Action::ConfirmCompromised),
            ],
            EntityKind::Agent => {
                vec![must(Action::DisableAgent), may(Action::ConfirmCompromised)]
            }
            EntityKind::Blueprint => {
                vec![
                    must(Action::DisableBlueprint),
                    may(Action::ConfirmCompromised),
                ]
            }
            EntityKind::AgentUser => vec![
                must(Action::DisableAgentUser),
                may(Action::RevokeSessions),
                may(Action::ConfirmCompromised),
            ],
            EntityKind::ServicePrincipal => vec![must(Action::DisableServicePrincipal)],
            EntityKind::User => Vec::new(),
        };
        Self::from_specs("", entity, &specs)
    }

    /// What a drill does to the canary: the switch and its proof. Never a word about risk, which
    /// has no exact way back.
    pub fn drill(canary: Entity) -> Self {
        let switch = StepSpec {
            action: Action::DisableAgent,
            optional: false,
        };
        Self::from_specs("", canary, &[switch])
    }

    /// The switch alone and its proof: what can be put back exactly.
    pub fn bare(entity: Entity, also: &[Also]) -> Self {
        let exact = |step: &&PlanStep| step.action.can_be_undone() == Undoing::Exact;
        let whole = Self::by_hand(entity, also);
        let specs: Vec<_> = whole
            .steps
            .iter()
            .filter(exact)
            .map(|step| StepSpec {
                action: step.action,
                optional: step.optional,
            })
            .collect();
        Self::from_specs("", entity, &specs)
    }

    fn from_specs(playbook_digest: &str, entity: Entity, specs: &[StepSpec]) -> Self {
        let mut specs = specs.to_vec();
        specs.sort_by_key(|spec| spec.action);
        if specs.iter().any(|spec| spec.action.contains()) {
            specs.push(StepSpec {
                action: Action::Verify,
                optional: false,
            });
        }
        let steps = specs
            .into_iter()
            .map(|StepSpec { action, optional }| PlanStep {
                action,
                entity,
                optional,
            })
            .collect();
        Self {
            entity,
            playbook_digest: playbook_digest.to_owned(),
            steps,
        }
    }

    /// What words bind to: SHA-256, in hex, over the playbook's digest and the sorted pairs of
    /// action and entity.
    pub fn digest(&self) -> String {
        let mut lines: Vec<String> = self
            .steps
            .iter()
            .map(|step| format!("{} {}", step.action, step.entity))
            .collect();
        lines.sort();
        let text = format!(
            "estop-plan-1\n{}\n{}\n",
            self.playbook_digest,
            lines.join("\n")
        );
        hex::encode(Sha256::digest(text))
    }

    /// Does anything in it take away the power to get new tokens?
    pub fn contains(&self) -> bool {
        self.steps.iter().any(|step| step.action.contains())
    }

    /// Is there a step in it that people must agree to every time?
    pub fn always_asks(&self) -> bool {
        self.steps.iter().any(|step| step.action.always_asks())
    }

    /// How much confirmation it needs when a person orders it (design §8): 2 for a blueprint and
    /// for what always needs approval, 1 where something cannot be undone, else 0.
    pub fn tier(&self) -> u8 {
        if self.entity.kind == EntityKind::Blueprint || self.always_asks() {
            return 2;
        }
        let one_way = |step: &PlanStep| step.action.can_be_undone() == Undoing::Never;
        u8::from(self.steps.iter().any(one_way))
    }
}
