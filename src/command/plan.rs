//! A plan as a person is shown it: what stops, what does not, and the way back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::find::{Looked, Target};
use super::wording::{not_stopped, stops, switched, way_back};
use super::{Answer, Desk, PLAN_LIFE};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::guard::{Judgement, PEOPLE_FOR_PROTECTED};
use crate::domain::inventory::Radius;
use crate::domain::moment::Moment;
use crate::domain::plan::{Plan, PlanStep};
use crate::domain::playbook::{Also, ServiceMode};
use crate::graph::Priority;
use crate::store::Brake;

/// A blueprint that stops more agents than this needs two people.
const AGENTS_TIER_2: usize = 100;
/// From this tier on a second person is asked.
const TIER_OF_TWO: u8 = 3;

/// One object as it was read for a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Which object.
    #[serde(flatten)]
    pub entity: Entity,
    /// For people; never to decide by.
    pub name: Option<String>,
    /// Its own `accountEnabled`.
    pub enabled: bool,
}

/// Something that keeps the plan from being carried out as things stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The word for it: `mode-observe`, `protected-target`, …
    pub code: String,
    /// In words.
    pub why: String,
}

/// A plan, shown. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// What a word to carry it out names. It covers the steps and what was read.
    pub plan_digest: String,
    /// Whom it is about.
    pub entity: Found,
    /// How much confirmation it needs, 0 to 3.
    pub tier: u8,
    /// How many people beside the one who asks must approve it, at least.
    #[serde(default)]
    pub people: u32,
    /// What will be done, the switch first.
    pub steps: Vec<PlanStep>,
    /// What belongs to it: an agent's user accounts, a blueprint's agents.
    pub family: Vec<Found>,
    /// What its switch stops, counted from the inventory, with how sure that is; absent where it
    /// was read from the tenant.
    #[serde(default)]
    pub radius: Option<Radius>,
    /// What stops, one sentence each.
    pub stops: Vec<String>,
    /// What does not stop, one sentence each.
    pub not_stopped: Vec<String>,
    /// The way back, one sentence for each action.
    pub undo: Vec<String>,
    /// What a person should know first.
    pub remarks: Vec<String>,
    /// What would refuse it now; empty when it may go ahead.
    pub stopped_by: Vec<Stop>,
    /// Until when it may be carried out.
    pub expires_at: Moment,
}

impl Desk {
    /// Shows what containing this would do, from the tenant as it is now.
    pub async fn plan_contain(&self, target: Target) -> Answer<Shown> {
        let shown = self.planned(&target, Priority::Enrich).await?;
        self.shelf
            .keep(shown.clone(), target, self.tools.clock.now());
        Ok(shown)
    }

    pub(super) async fn planned(&self, target: &Target, priority: Priority) -> Answer<Shown> {
        let mut looked = self.look(target, priority).await?;
        let entity = looked.found.entity;
        let also = also(target, &looked);
        let plan = Plan::by_hand(entity, &also);
        let judgement = self.judged(&looked);
        let expires_at = self.tools.clock.now().plus(PLAN_LIFE);
        let tokens_end = self.tools.clock.now().plus(self.tools.token_lifetime);
        self.add_holders(&mut looked).await?;
        let tier = tier(&plan, &looked, &judgement);
        let people = people(tier, &judgement);
        if people > 0 {
            looked.remarks.push(asks(people, &judgement));
        }
        Ok(Shown {
            plan_digest: digest(&plan, &looked, expires_at),
            tier,
            people,
            stops: stops(&looked, &also),
            not_stopped: not_stopped(&looked, &also, tokens_end),
            undo: way_back(&plan, &looked.found),
            stopped_by: self.stopped_by(&judgement).await?,
            steps: plan.steps,
            entity: looked.found,
            family: looked.family,
            radius: looked.radius,
            remarks: looked.remarks,
            expires_at,
        })
    }

    /// The guards' word on everything that would stop, so that a blueprint cannot take a protected
    /// agent down with it.
    pub(super) fn judged(&self, looked: &Looked) -> Judgement {
        self.tools.guards.load().judge(looked.everything())
    }

    async fn add_holders(&self, looked: &mut Looked) -> Answer<()> {
        let held = self.tools.store.containment(looked.found.entity).await?;
        for run in held.into_iter().flat_map(|held| held.held_by) {
            looked.remarks.push(format!("{run} holds it already"));
        }
        if !looked.found.enabled {
            looked
                .remarks
                .push("it is disabled already; an undo will leave it so".to_owned());
        }
        Ok(())
    }

    async fn stopped_by(&self, judgement: &Judgement) -> Answer<Vec<Stop>> {
        let mut stops: Vec<Stop> = forbidden(judgement).into_iter().collect();
        stops.extend(self.standing_stop().await?);
        Ok(stops)
    }

    /// What the brake or the mode says about every write of a person.
    pub(super) async fn standing_stop(&self) -> Answer<Option<Stop>> {
        let standing = self.tools.store.standing().await?;
        if standing.brake == Brake::On {
            return Ok(Some(stop(
                "brake-tripped",
                "the brake is on: nothing is written to the tenant",
            )));
        }
        Ok(match standing.mode {
            Some(ServiceMode::Enforce) => None,
            Some(ServiceMode::Off) => Some(stop("mode-observe", "the service is off")),
            // Nobody has said how far it may go, so it goes nowhere.
            Some(ServiceMode::Observe) | None => Some(stop(
                "mode-observe",
                "the service is in observe mode: nothing is written to the tenant",
            )),
        })
    }
}

fn also(target: &Target, looked: &Looked) -> Vec<Also> {
    let found = if looked.found.entity.kind == EntityKind::Agent && !looked.family.is_empty() {
        vec![Also::AgentUsers]
    } else {
        Vec::new()
    };
    target.also.clone().unwrap_or(found)
}

fn stop(code: &str, why: &str) -> Stop {
    Stop {
        code: code.to_owned(),
        why: why.to_owned(),
    }
}

/// How many others are asked, whoever asks for it.
pub(super) fn people(tier: u8, judgement: &Judgement) -> u32 {
    match (judgement, tier) {
        (Judgement::Protected, _) => PEOPLE_FOR_PROTECTED,
        (Judgement::Free | Judgement::Never { .. }, TIER_OF_TWO..) => 1,
        (Judgement::Free | Judgement::Never { .. }, _) => 0,
    }
}

fn asks(people: u32, judgement: &Judgement) -> String {
    let why = match judgement {
        Judgement::Protected => "it is protected, or would stop what is",
        Judgement::Free | Judgement::Never { .. } => "it stops very much",
    };
    format!("{why}: {people} other(s) must approve it before anything is done")
}

fn forbidden(judgement: &Judgement) -> Option<Stop> {
    match judgement {
        Judgement::Free | Judgement::Protected => None,
        Judgement::Never { what } => Some(stop(
            "never-touched",
            &format!("it is never touched: {what}"),
        )),
    }
}

fn tier(plan: &Plan, looked: &Looked, judgement: &Judgement) -> u8 {
    let counted = looked.radius.as_ref().map_or(0, |radius| radius.agents);
    let agents = looked.family.len().max(counted);
    let crowd = plan.entity.kind == EntityKind::Blueprint && agents > AGENTS_TIER_2;
    if *judgement != Judgement::Free || crowd {
        return 3;
    }
    plan.tier()
}

/// What words bind to: the plan, what was read, and how long that holds. The time in it keeps two
/// showings apart, so that one digest is one word.
fn digest(plan: &Plan, looked: &Looked, expires_at: Moment) -> String {
    let mut hash = Sha256::new();
    hash.update(b"estop-shown-1\n");
    hash.update(plan.digest());
    for (entity, enabled) in expected(&looked.found, &looked.family) {
        hash.update(format!("\n{entity} {enabled}"));
    }
    hash.update(format!("\n{expires_at}"));
    hex::encode(hash.finalize())
}

/// Each object a plan was made from, and its switch.
fn expected(entity: &Found, family: &[Found]) -> BTreeMap<Entity, bool> {
    let all = family.iter().chain([entity]);
    all.map(|found| (found.entity, found.enabled)).collect()
}

impl Shown {
    /// How `self`, made now, differs from what was shown before.
    pub(super) fn changes_since(&self, before: &Self) -> Vec<String> {
        let was = expected(&before.entity, &before.family);
        let is = expected(&self.entity, &self.family);
        let mut changes = Vec::new();
        for (entity, enabled) in &is {
            match was.get(entity) {
                None => changes.push(format!("{entity} is new")),
                Some(old) if old != enabled => {
                    changes.push(format!("{entity} is {} now", switched((*enabled).into())));
                }
                Some(_) => {}
            }
        }
        let gone = was.keys().filter(|entity| !is.contains_key(entity));
        changes.extend(gone.map(|entity| format!("{entity} is gone")));
        if self.steps != before.steps {
            changes.push("the steps differ".to_owned());
        }
        changes
    }
}
