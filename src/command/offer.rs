//! What an approval asks for, as it stands now: the plan, what changed, and what is smaller.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::find::{Looked, Target};
use super::plan::{Found, people};
use super::{Answer, Desk, Error};
use crate::domain::action::{Action, Undoing};
use crate::domain::approval::{About, Approval, Switched, World};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::guard::Judgement;
use crate::domain::id::ApprovalId;
use crate::domain::plan::{Plan, PlanStep};
use crate::domain::playbook::{Also, PlaybookName};
use crate::domain::run::Run;
use crate::graph::Priority;

/// Agents of a blueprint that were detected within this time are offered instead of it.
const RECENT: Duration = Duration::from_secs(24 * 3600);

/// One plan that a yes can bind to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What a yes names. It covers the plan, the playbook in force and what was read.
    pub plan_digest: String,
    /// What it is, in words.
    pub what: String,
    /// What will be done.
    pub steps: Vec<PlanStep>,
}

/// An approval as a person is shown it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovalShown {
    /// The approval.
    #[serde(flatten)]
    pub approval: Approval,
    /// Whom the run is about.
    pub entity: Entity,
    /// Which playbook it carries out.
    pub playbook: PlaybookName,
    /// How many people must approve, as things stand.
    pub needed: u32,
    /// What happens when nobody answers.
    pub then: String,
    /// The whole plan, where it can still be approved and the tenant could be read.
    pub plan: Option<Offer>,
    /// Smaller plans, where there are any.
    pub smaller: Vec<Offer>,
    /// What has changed since it was first looked at.
    pub changes: Vec<String>,
    /// Why there is no plan to approve right now.
    pub unreadable: Option<String>,
}

/// Everything a yes could bind to now.
pub(super) struct Offers {
    pub(super) world: Option<World>,
    pub(super) whole: Offer,
    pub(super) smaller: Vec<(Offer, Plan)>,
    pub(super) needed: u32,
    pub(super) never: Option<String>,
}

impl Desk {
    /// Shows an approval with the plan as it would be approved now.
    pub async fn approval(&self, id: ApprovalId) -> Answer<ApprovalShown> {
        let approval = self.stored_approval(id).await?;
        let (run, steps) = self.run_and_steps(approval.run).await?;
        let mut shown = ApprovalShown {
            entity: run.entity,
            playbook: run.playbook.clone(),
            needed: approval.terms.quorum,
            then: approval.then().to_owned(),
            plan: None,
            smaller: Vec::new(),
            changes: Vec::new(),
            unreadable: None,
            approval,
        };
        if shown.approval.is_over(self.tools.clock.now()) {
            return Ok(shown);
        }
        let steps: Vec<PlanStep> = steps.into_iter().map(|step| step.plan).collect();
        match self.offers(&shown.approval, (&run, &steps)).await {
            Ok(offers) => self.add(&mut shown, offers).await?,
            Err(error) => shown.unreadable = Some(error.to_string()),
        }
        Ok(shown)
    }

    pub(super) async fn stored_approval(&self, id: ApprovalId) -> Answer<Approval> {
        let stored = self.tools.store.approval(id).await?;
        stored.ok_or_else(|| Error::missing(id))
    }

    async fn add(&self, shown: &mut ApprovalShown, offers: Offers) -> Answer<()> {
        if let Some(now) = &offers.world {
            let before = self.seen_before(&shown.approval, now).await?;
            shown.changes = now.changes_since(&before);
        }
        shown.needed = offers.needed;
        shown.unreadable = offers.never;
        shown.plan = Some(offers.whole);
        shown.smaller = offers.smaller.into_iter().map(|(offer, _)| offer).collect();
        Ok(())
    }

    /// What changes are told against: the first look, with the playbook the run began with.
    async fn seen_before(&self, approval: &Approval, now: &World) -> Answer<World> {
        if let Some(before) = &approval.world {
            return Ok(before.clone());
        }
        let store = &self.tools.store;
        let own = store.playbook_of(approval.run).await?;
        let first = World {
            playbook: Some(own).filter(|digest| !digest.is_empty()),
            switches: now.switches.clone(),
        };
        store.first_look(approval.id, first.clone()).await?;
        Ok(first)
    }

    /// The tenant is read afresh for what has not begun; what is held already is only kept.
    pub(super) async fn offers(
        &self,
        approval: &Approval,
        (run, steps): (&Run, &[PlanStep]),
    ) -> Answer<Offers> {
        let whole = |world: &World, what: &str| Offer {
            plan_digest: world.digest(approval.about, &run.plan_digest),
            what: what.to_owned(),
            steps: steps.to_vec(),
        };
        if approval.about != About::Begin {
            return Ok(Offers {
                world: None,
                whole: whole(&World::default(), "keep what was contained"),
                smaller: Vec::new(),
                needed: approval.terms.quorum,
                never: None,
            });
        }
        let target = target(run, steps);
        let looked = self.look_again(&target, Priority::Contain).await?;
        let mut world = world(steps, &looked.found, &looked.family);
        world.playbook = self.playbook_now(run);
        let judgement = self.judged(&looked);
        let smaller = if approval.terms.offer_smaller {
            self.smaller(approval, (run, steps), (&looked, &world))
                .await?
        } else {
            Vec::new()
        };
        Ok(Offers {
            whole: whole(&world, "the whole plan"),
            world: Some(world),
            smaller,
            needed: approval.terms.quorum.max(people(0, &judgement)),
            never: match judgement {
                Judgement::Never { what } => Some(format!("it is never touched: {what}")),
                Judgement::Free | Judgement::Protected => None,
            },
        })
    }

    /// The digest of the playbook in force under the run's name; none for what a person ordered.
    fn playbook_now(&self, run: &Run) -> Option<String> {
        let catalog = self.tools.catalog.load();
        catalog.get(&run.playbook).map(|it| it.digest.clone())
    }

    async fn smaller(
        &self,
        approval: &Approval,
        (run, steps): (&Run, &[PlanStep]),
        (looked, world): (&Looked, &World),
    ) -> Answer<Vec<(Offer, Plan)>> {
        let mut found = vec![(
            "only what is needed, and can be put back exactly",
            bare(steps),
        )];
        if run.entity.kind == EntityKind::Blueprint {
            let agents = self.detected_agents(looked).await?;
            found.push(("only its agents that were detected within a day", agents));
        }
        let playbook = self.tools.store.playbook_of(run.id).await?;
        let offers = found
            .into_iter()
            .filter(|(_, fewer)| fewer.as_slice() != steps && contains(fewer));
        Ok(offers
            .map(|(what, steps)| {
                let plan = Plan {
                    entity: run.entity,
                    playbook_digest: playbook.clone(),
                    steps: steps.clone(),
                };
                let offer = Offer {
                    plan_digest: world.digest(approval.about, &plan.digest()),
                    what: what.to_owned(),
                    steps,
                };
                (offer, plan)
            })
            .collect())
    }

    /// Steps on those agents of a blueprint that detections have named, where that is not all.
    async fn detected_agents(&self, looked: &Looked) -> Answer<Vec<PlanStep>> {
        let since = self.tools.clock.now().minus(RECENT);
        let detected = self.tools.store.detected_since(since).await?;
        let agents: Vec<Entity> = looked
            .family
            .iter()
            .filter(|agent| agent.enabled && detected.contains(&agent.entity))
            .map(|agent| agent.entity)
            .collect();
        if agents.is_empty() || agents.len() == looked.family.len() {
            return Ok(Vec::new());
        }
        let on = |action, entity| PlanStep {
            action,
            entity,
            optional: false,
        };
        let disable = agents.iter().map(|agent| on(Action::DisableAgent, *agent));
        let verify = on(Action::Verify, looked.found.entity);
        Ok(disable.chain([verify]).collect())
    }
}

/// What a plan depends on: the entity's switch, and its kin's where they are stopped with it.
pub(super) fn world(steps: &[PlanStep], found: &Found, family: &[Found]) -> World {
    let with_kin = found.entity.kind != EntityKind::Agent || reaches_users(steps);
    let kin = family.iter().filter(|_| with_kin);
    let mut switches: Vec<Switched> = kin
        .chain([found])
        .map(|found| Switched {
            entity: found.entity,
            enabled: found.enabled,
        })
        .collect();
    switches.sort();
    World {
        playbook: None,
        switches,
    }
}

fn target(run: &Run, steps: &[PlanStep]) -> Target {
    let users = run.entity.kind == EntityKind::Agent && reaches_users(steps);
    Target {
        kind: Some(run.entity.kind),
        id: run.entity.id,
        also: Some(if users {
            vec![Also::AgentUsers]
        } else {
            Vec::new()
        }),
    }
}

fn reaches_users(steps: &[PlanStep]) -> bool {
    let users = [Action::DisableAgentUser, Action::RevokeSessions];
    steps.iter().any(|step| users.contains(&step.action))
}

/// What remains without the optional and without what has no exact way back.
fn bare(steps: &[PlanStep]) -> Vec<PlanStep> {
    let exact = |step: &&PlanStep| {
        step.action == Action::Verify || step.action.can_be_undone() == Undoing::Exact
    };
    let needed = steps.iter().filter(|step| !step.optional);
    needed.filter(exact).copied().collect()
}

fn contains(steps: &[PlanStep]) -> bool {
    steps.iter().any(|step| step.action.contains())
}
