//! Every agent but the protected: shown as a list in the order of turns, proposed by one person and
//! begun by another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::contain::{guarded, stale};
use super::error::{Error, Sort};
use super::plan::Stop;
use super::{Answer, Desk, may_respond, reasoned};
use crate::domain::entity::{Entity, EntityKind, ObjectId};
use crate::domain::freeze::{Freeze, FreezeTarget, in_order};
use crate::domain::guard::Judgement;
use crate::domain::id::{FreezeId, MotionId};
use crate::domain::inventory::{Known, Part};
use crate::domain::motion::MotionKind;
use crate::domain::order::{Operator, OrderKind};
use crate::store::{Asked, STOCK_MAX, Saw, StockFilter, Taking};

/// Detections count as risk for so long.
const RISK_WITHIN: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most agents one freeze names.
const AGENTS_MAX: usize = 50_000;
/// How many of them are shown.
const SHOWN_MAX: usize = 20;

/// A freeze as it would be carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeShown {
    /// What a word to propose it names.
    pub plan_digest: String,
    /// How many agents would be contained.
    pub agents: usize,
    /// What must be typed to propose it.
    pub confirm: String,
    /// The first of them, in the order of their turns: risk, then critical, then activity.
    pub first: Vec<FreezeTarget>,
    /// Who is left alone, and why.
    pub spared: Vec<Spared>,
    /// What a person should know first.
    pub remarks: Vec<String>,
    /// What would refuse it now.
    pub stopped_by: Vec<Stop>,
}

/// One agent that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spared {
    /// Whom.
    #[serde(flatten)]
    pub entity: Entity,
    /// Why.
    pub because: String,
}

/// A person's word to freeze.
#[derive(Clone, Debug)]
pub struct ToFreeze {
    /// The list that was shown.
    pub plan_digest: String,
    /// `KILL n AGENTS`, typed.
    pub confirm: String,
    /// Why, in the person's words.
    pub reason: String,
    /// The same key asks for the same thing only once.
    pub idempotency_key: String,
}

/// A list with its plan.
struct Planned {
    shown: FreezeShown,
    targets: Vec<FreezeTarget>,
}

impl Desk {
    /// Shows whom a freeze would contain, from the inventory.
    pub async fn plan_freeze(&self) -> Answer<FreezeShown> {
        Ok(self.planned_freeze().await?.shown)
    }

    /// Proposes a freeze: a second person must agree before anything is done.
    pub async fn propose_freeze(&self, operator: &Operator, word: ToFreeze) -> Answer<MotionId> {
        may_respond(operator)?;
        let reason = reasoned(&word.reason)?;
        let planned = self.planned_freeze().await?;
        let kind = OrderKind::Propose {
            motion: MotionKind::Freeze {
                plan_digest: word.plan_digest.clone(),
                agents: u32::try_from(planned.targets.len()).unwrap_or(u32::MAX),
            },
        };
        if let Some(taking) = self
            .repeated(operator, &kind, &word.idempotency_key)
            .await?
        {
            return Ok(MotionId::from_uuid(taking.order.uuid()));
        }
        if let Some(stop) = planned.shown.stopped_by.first() {
            return Err(guarded(stop));
        }
        if planned.shown.plan_digest != word.plan_digest {
            return Err(stale(Vec::new()));
        }
        if word.confirm.trim() != planned.shown.confirm {
            return Err(Error::amend(
                "confirm-mismatch",
                "a freeze stops every agent of the tenant, so it is confirmed by typing it"
                    .to_owned(),
                &format!("Type exactly: {}", planned.shown.confirm),
            ));
        }
        let saw = Saw {
            targets: planned.targets,
            ..Saw::default()
        };
        let said = (kind, reason, Some(word.idempotency_key));
        let taking = self.proposed(operator, said, saw).await?;
        Ok(MotionId::from_uuid(taking.order.uuid()))
    }

    /// One freeze, with how far it has come.
    pub async fn freeze(&self, id: FreezeId) -> Answer<Freeze> {
        let found = self.tools.store.freeze(id).await?;
        found.ok_or_else(|| Error::missing(id))
    }

    /// Gives no further agent its turn. What was contained stays so. One person is enough: it
    /// writes nothing.
    pub async fn stop_freeze(
        &self,
        operator: &Operator,
        (freeze, reason, key): (FreezeId, &str, String),
    ) -> Answer<Taking> {
        may_respond(operator)?;
        let reason = reasoned(reason)?;
        let kind = OrderKind::StopFreeze { freeze };
        if let Some(taking) = self.repeated(operator, &kind, &key).await? {
            return Ok(taking);
        }
        let asked = Asked {
            order: self.order(operator, kind, reason),
            makes: None,
            idempotency_key: Some(key),
            saw: Saw::default(),
        };
        Ok(self.tools.store.take_order(asked).await?)
    }

    async fn planned_freeze(&self) -> Answer<Planned> {
        let agents = self.all_of(EntityKind::Agent).await?;
        let mut remarks = self.how_whole().await?;
        if agents.len() >= AGENTS_MAX {
            remarks.push(format!("only the first {AGENTS_MAX} agents are named"));
        }
        let (targets, spared) = self.weighed(&agents).await?;
        if targets.is_empty() {
            return Err(Error::new(
                Sort::NotFound,
                "nobody-to-freeze",
                "the inventory knows no agent that is enabled and not protected".to_owned(),
                "Wait until the inventory has been listed: estop agents list",
            ));
        }
        remarks.push(
            "agents made since the inventory was last listed are not named; freeze again for them"
                .to_owned(),
        );
        remarks.push("Microsoft features that need agents may fail".to_owned());
        let shown = FreezeShown {
            plan_digest: digest(&targets),
            agents: targets.len(),
            confirm: format!("KILL {} AGENTS", targets.len()),
            first: targets.iter().take(SHOWN_MAX).copied().collect(),
            spared,
            remarks,
            stopped_by: self.standing_stop().await?.into_iter().collect(),
        };
        Ok(Planned { shown, targets })
    }

    /// Everyone's place in the order, and who is left alone. The guards are asked by every id, the
    /// blueprint's too.
    async fn weighed(&self, agents: &[Known]) -> Answer<(Vec<FreezeTarget>, Vec<Spared>)> {
        let since = self.tools.clock.now().minus(RISK_WITHIN);
        let facts = self.tools.store.freeze_facts(since).await?;
        let detected: BTreeMap<_, _> = facts.detected.into_iter().collect();
        let instances: BTreeMap<_, _> = facts.instances.into_iter().collect();
        let with_users: BTreeSet<_> = facts.with_users.into_iter().collect();
        let blueprints: BTreeMap<ObjectId, ObjectId> = self
            .all_of(EntityKind::Blueprint)
            .await?
            .into_iter()
            .filter_map(|it| Some((it.app_id?, it.entity.id)))
            .collect();
        let guards = self.tools.guards.load();
        let (mut targets, mut spared) = (Vec::new(), Vec::new());
        for known in agents {
            let above = known.parent.and_then(|app| blueprints.get(&app).copied());
            let ids = known.ids().chain(known.parent).chain(above);
            let because = match guards.judge(ids) {
                Judgement::Never { what } => Some(format!("it is never touched: {what}")),
                Judgement::Protected => Some("it is protected".to_owned()),
                Judgement::Free if known.disabled_by_microsoft => {
                    Some("Microsoft has disabled it".to_owned())
                }
                // What is off already is off.
                Judgement::Free if !known.enabled => continue,
                Judgement::Free => None,
            };
            match because {
                Some(because) => spared.push(Spared {
                    entity: known.entity,
                    because,
                }),
                None => targets.push(FreezeTarget {
                    agent: known.entity.id,
                    detected_at: detected.get(&known.entity.id).copied(),
                    critical: is_critical(known),
                    instances: instances.get(&known.entity.id).copied().unwrap_or(0),
                    users: with_users.contains(&known.entity.id),
                }),
            }
        }
        in_order(&mut targets);
        Ok((targets, spared))
    }

    async fn all_of(&self, kind: EntityKind) -> Answer<Vec<Known>> {
        let (mut all, mut after) = (Vec::new(), None);
        while all.len() < AGENTS_MAX {
            let filter = StockFilter {
                kind,
                blueprint: None,
                after,
                limit: STOCK_MAX,
            };
            let some = self.tools.store.stock(filter).await?;
            let Some(last) = some.last() else { break };
            after = Some(last.entity.id);
            all.extend(some);
        }
        Ok(all)
    }

    /// How much of the tenant the inventory has seen.
    async fn how_whole(&self) -> Answer<Vec<String>> {
        let listed = self.tools.store.listed().await?;
        let now = self.tools.clock.now();
        let agents = listed.iter().find(|it| it.part == Part::Agents);
        Ok(match agents {
            None => vec!["the agents were never listed".to_owned()],
            Some(it) if it.is_current(now) && it.extent.is_complete() => Vec::new(),
            Some(it) => vec![format!(
                "the list of agents is not fresh: {}",
                it.extent.words()
            )],
        })
    }
}

/// Tags are people's words on what must not stand still for long, or must be stopped first.
fn is_critical(known: &Known) -> bool {
    known.tags.iter().any(|(name, value)| {
        let (name, value) = (name.to_lowercase(), value.to_lowercase());
        let about = name.contains("critical") || name == "tier";
        about && !matches!(value.as_str(), "false" | "no" | "low" | "none" | "0")
    })
}

fn digest(targets: &[FreezeTarget]) -> String {
    let mut agents: Vec<_> = targets.iter().map(|it| it.agent).collect();
    agents.sort();
    let mut hash = Sha256::new();
    hash.update(b"estop-freeze-1");
    for agent in agents {
        hash.update(format!("\n{agent}"));
    }
    hex::encode(hash.finalize())
}
