//! Carry out a plan that was shown: look again, compare, check, store the order.

use super::error::{Error, Sort};
use super::offer::world;
use super::plan::{Shown, Stop};
use super::shelf::Kept;
use super::{Answer, Desk, TOKENS_UP_TO, may_ask_at_tier, may_respond, reasoned, token};
use crate::domain::approval::{ApprovalTerms, Requester};
use crate::domain::id::{ApprovalId, OrderId, RunId};
use crate::domain::order::{Operator, Order, OrderKind};
use crate::domain::person::Role;
use crate::domain::plan::Plan;
use crate::domain::playbook::{Mode, PlaybookName};
use crate::graph::Priority;
use crate::store::{Asked, NewApproval, NewRun, Saw, Taking, Terms};

/// A person's word to contain.
#[derive(Clone, Debug)]
pub struct ToContain {
    /// The plan that was shown.
    pub plan_digest: String,
    /// Why, in the person's words.
    pub reason: String,
    /// From tier 2 on: the entity's name or GUID, typed.
    pub confirm: Option<String>,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

impl Desk {
    /// Takes a word to contain, and makes its run.
    pub async fn contain(&self, operator: &Operator, word: ToContain) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(&word.reason)?;
        let kind = OrderKind::Contain {
            plan_digest: word.plan_digest.clone(),
        };
        if let Some(taking) = self
            .repeated(operator, &kind, &word.idempotency_key)
            .await?
        {
            return Ok(taking);
        }
        let now = self.tools.clock.now();
        let kept = self
            .shelf
            .find(&word.plan_digest, now)
            .ok_or_else(|| stale(Vec::new()))?;
        let fresh = self.planned(&kept.target, Priority::Contain).await?;
        permitted(operator, &kept, &fresh, word.confirm.as_deref())?;
        let asked = Asked {
            order: self.order(operator, kind, reason),
            makes: Some(self.new_run(operator, &fresh)),
            idempotency_key: Some(word.idempotency_key),
            saw: Saw::default(),
        };
        Ok(self.woken(self.tools.store.take_order(asked).await?))
    }

    pub(super) fn order(&self, operator: &Operator, kind: OrderKind, reason: String) -> Order {
        Order {
            id: OrderId::from_uuid(self.tools.clock.uuid()),
            at: self.tools.clock.now(),
            operator: operator.clone(),
            kind,
            reason,
        }
    }

    /// What became of the same word before, so that a repeat is answered although the tenant looks
    /// different by now.
    pub(super) async fn repeated(
        &self,
        operator: &Operator,
        kind: &OrderKind,
        key: &str,
    ) -> Answer<Option<Taking>> {
        let Some((order, by, taking)) = self.tools.store.order_by_key(key).await? else {
            return Ok(None);
        };
        if order == *kind && by == operator.name {
            return Ok(Some(taking));
        }
        Err(Error::amend(
            "idempotency-key-reused",
            "this idempotency key was used for another order".to_owned(),
            "Use a new key for each order",
        ))
    }

    fn new_run(&self, operator: &Operator, fresh: &Shown) -> NewRun {
        let people = people_needed(operator, fresh);
        NewRun {
            id: RunId::from_uuid(self.tools.clock.uuid()),
            playbook: PlaybookName::by_hand(),
            mode: Mode::Enforce,
            plan: Plan {
                entity: fresh.entity.entity,
                playbook_digest: String::new(),
                steps: fresh.steps.clone(),
            },
            terms: Terms::default(),
            asks: (people > 0).then(|| self.question(operator, (fresh, people))),
        }
    }

    fn question(&self, operator: &Operator, (fresh, people): (&Shown, u32)) -> NewApproval {
        let requester = operator.person.as_ref().map(|person| Requester {
            name: operator.name.clone(),
            person: person.entra,
        });
        NewApproval {
            id: ApprovalId::from_uuid(self.tools.clock.uuid()),
            because: format!(
                "{} asks to contain {}, which is tier {}",
                operator.name, fresh.entity.entity, fresh.tier
            ),
            terms: ApprovalTerms::any_lead(people),
            requester,
            world: Some(world(&fresh.steps, &fresh.entity, &fresh.family)),
        }
    }
}

/// How many others must approve what this person asks for.
fn people_needed(operator: &Operator, fresh: &Shown) -> u32 {
    let role = operator.person.as_ref().map(|person| person.role);
    match role {
        Some(Role::Viewer | Role::Responder) if fresh.tier > TOKENS_UP_TO => fresh.people.max(1),
        Some(_) | None => fresh.people,
    }
}

/// Everything that may stand between a shown plan and its run, the firmest first.
fn permitted(operator: &Operator, kept: &Kept, fresh: &Shown, confirm: Option<&str>) -> Answer<()> {
    if let Some(stop) = fresh.stopped_by.first() {
        return Err(guarded(stop));
    }
    may_ask_at_tier(operator, fresh.tier)?;
    let changes = fresh.changes_since(&kept.shown);
    if !changes.is_empty() {
        return Err(stale(changes));
    }
    if fresh.tier > TOKENS_UP_TO && !token::is_token(operator) {
        confirmed(fresh, confirm)?;
    }
    Ok(())
}

fn confirmed(fresh: &Shown, confirm: Option<&str>) -> Answer<()> {
    let typed = confirm.map(str::trim).unwrap_or_default();
    let id = fresh.entity.entity.id.to_string();
    let named = fresh.entity.name.as_deref().is_some_and(|it| it == typed);
    if typed == id || (named && !typed.is_empty()) {
        return Ok(());
    }
    Err(Error::amend(
        "confirm-mismatch",
        format!(
            "tier {} is confirmed by typing the entity's name",
            fresh.tier
        ),
        "Type its name or its GUID exactly",
    ))
}

pub(super) fn stale(changes: Vec<String>) -> Error {
    let why = if changes.is_empty() {
        "this plan is not known here, or its time is over".to_owned()
    } else {
        format!(
            "the tenant has changed since it was shown: {}",
            changes.join("; ")
        )
    };
    let mut error = Error::new(
        Sort::Stale,
        "plan-stale",
        why,
        "Ask for the plan again and confirm the new one",
    );
    error.changes = changes;
    error
}

pub(super) fn guarded(stop: &Stop) -> Error {
    let (code, fix) = match stop.code.as_str() {
        "brake-tripped" => (
            "brake-tripped",
            "Reset the brake first: estop brake reset --reason TEXT",
        ),
        "mode-observe" => (
            "mode-observe",
            "Let the service act first: estop mode set enforce --reason TEXT",
        ),
        "never-touched" => ("never-touched", "Nothing can be done about this from here"),
        _ => (
            "protected-target",
            "Order it anew, which asks two people: estop contain GUID",
        ),
    };
    Error::new(Sort::Guarded, code, stop.why.clone(), fix)
}
