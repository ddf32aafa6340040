//! Begun where it is made: claim and beginning stand in the transaction that makes the run, and the
//! worker is handed what it would have had to look for. Whom it strikes may have been read by then, too:
//! then its step starts here as well, and a commit less is on its way.

use std::fmt;
use std::sync::Arc;

use serde_json::json;

use super::begin::hold_back;
use super::claimed::{Claimed, StartedStep};
use super::claims::Claim;
use super::company::weigh;
use super::error::Error;
use super::new_run::{Cause, NewRun, insert_begun, insert_run};
use super::room::{self, Needs};
use super::settings::standing_in;
use super::strikes::{self, Started, Strike};
use super::writer::Tx;
use crate::domain::caps::Caps;
use crate::domain::detection::SourceName;
use crate::domain::id::{NoticeId, RunId};
use crate::domain::inventory::Certain;
use crate::domain::moment::Moment;
use crate::domain::plan::PlanStep;
use crate::domain::playbook::Mode;
use crate::domain::record::Record;
use crate::domain::run::{Run, RunEvent, RunLease, RunState};
use crate::domain::step::{Before, Step, StepEvent, StepState};
use crate::domain::unproved::unproved;

/// For whom a run is begun as soon as it is made.
#[derive(Clone, Debug)]
pub struct AtOnce {
    /// Whose lease it is.
    pub claim: Claim,
    /// The service's caps.
    pub caps: Caps,
    /// Steps, by their position, that start there and then, because whom they are about is certain.
    pub certain: Vec<(u16, Certain)>,
    /// Where nobody is certain: what a look at whom it strikes first has read by now.
    pub glimpse: Option<Glimpse>,
}

/// Tells what a look has read by now, once: nobody waits for it here.
#[derive(Clone)]
pub struct Glimpse(Arc<dyn Fn() -> Option<Strike> + Send + Sync>);

impl Glimpse {
    /// `read` answers the step that strikes whom was read, with what was there before it.
    pub fn new(read: impl Fn() -> Option<Strike> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl fmt::Debug for Glimpse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Glimpse")
    }
}

impl AtOnce {
    /// Nobody is certain, and nobody looks.
    pub const fn new(claim: Claim, caps: Caps) -> Self {
        let certain = Vec::new();
        Self {
            claim,
            caps,
            certain,
            glimpse: None,
        }
    }
}

/// What became of a run that was made.
#[derive(Clone, Debug)]
pub enum Made {
    /// It is due, or waits for people.
    Left(RunId),
    /// It is begun, and whoever holds this carries it out.
    Begun(Box<Claimed>),
    /// It is above a cap and waits for a person's release.
    Held {
        /// Which.
        run: RunId,
        /// Why.
        because: String,
    },
}

/// Makes a run and begins it. Where writes are stopped it is left to the workers, who try it again
/// for as long as that lasts. `fresh` names the notice that it may lead to.
pub(super) async fn make_begun(
    tx: &mut Tx,
    (new, cause): (&NewRun, &Cause<'_>),
    at_once: &AtOnce,
    (fresh, at): (NoticeId, Moment),
) -> Result<Made, Error> {
    let enforced = new.mode != Mode::Observe;
    if enforced && standing_in(tx).await?.stops_writes() {
        insert_run(tx, new, cause, at).await?;
        return Ok(Made::Left(new.id));
    }
    let strikes = new.plan.steps.iter().any(|step| step.action.contains());
    if enforced && strikes {
        let caps = super::motions::caps_in_force(tx, at_once.caps, at).await?;
        if let Err(reached) = room::take(tx, needs(new, cause), caps, at).await? {
            insert_run(tx, new, cause, at).await?;
            let since = at.minus(caps.window.0);
            let because = reached.to_string();
            hold_back(tx, new.id, &because, (at, since, fresh)).await?;
            let run = new.id;
            return Ok(Made::Held { run, because });
        }
    }
    let state = moved(RunState::Queued.after(RunEvent::Begun))?;
    let mut claimed = claimed(new, cause, (state, at))?;
    claimed.started = unread(tx, &claimed, &at_once.certain).await?;
    insert_begun(tx, (new, cause), (&claimed, &at_once.claim), at).await?;
    let detail = json!({ "was": RunState::Queued, "because": null });
    let record = Record::new(at, &format!("run.{}", state.word()), detail);
    tx.record(&record.about_run(new.id)).await?;
    let run = (new.id, new.terms.hold_for);
    for step in &claimed.steps {
        if let Some(unread) = claimed.started(step.position) {
            let strike = strike(step, unread.started.before.clone());
            strikes::started(tx, run, (&strike, step.plan.action), at).await?;
        }
    }
    let read = read(tx, &claimed, at_once, at).await?;
    claimed.started.extend(read);
    Ok(Made::Begun(Box::new(claimed)))
}

/// Starts the step that strikes whom a look has read by now.
async fn read(
    tx: &mut Tx,
    claimed: &Claimed,
    at_once: &AtOnce,
    at: Moment,
) -> Result<Option<StartedStep>, Error> {
    let glimpsed = at_once.glimpse.as_ref().and_then(|Glimpse(read)| read());
    let Some(strike) = glimpsed else {
        return Ok(None);
    };
    let mut steps = claimed.steps.iter();
    let tried = |step: &&Step| step.position == strike.position && step.begun_at.is_some();
    let Some(step) = steps.find(tried) else {
        return Ok(None);
    };
    let run = &claimed.run;
    let run = (run.id, run.playbook.to_string(), claimed.terms.hold_for);
    let started = strikes::start(tx, run, (step, strike), at).await?;
    Ok(Some(StartedStep {
        position: step.position,
        ids: Vec::new(),
        started,
    }))
}

/// What is stored of each step that starts before anything was read.
async fn unread(
    tx: &mut Tx,
    claimed: &Claimed,
    certain: &[(u16, Certain)],
) -> Result<Vec<StartedStep>, Error> {
    let mut unread = Vec::with_capacity(certain.len());
    for (position, Certain(ids)) in certain {
        let position = *position;
        let mut steps = claimed.steps.iter();
        let Some(step) = steps.find(|step| step.position == position && step.begun_at.is_some())
        else {
            continue;
        };
        let mut strike = strike(
            step,
            Before::Unproven {
                id: step.plan.entity.id,
            },
        );
        let run = (claimed.run.id, claimed.run.playbook.to_string());
        let company = weigh(tx, run, &mut strike).await?;
        let before = strike.before;
        unread.push(StartedStep {
            position,
            ids: ids.clone(),
            started: Started { before, company },
        });
    }
    Ok(unread)
}

fn strike(step: &Step, before: Before) -> Strike {
    Strike {
        position: step.position,
        before,
        closes: vec![step.plan.entity],
    }
}

fn needs(new: &NewRun, cause: &Cause<'_>) -> Needs {
    Needs {
        entity: new.plan.entity,
        source: cause.source.map(SourceName::to_string).unwrap_or_default(),
        playbook: new.playbook.to_string(),
        terms: new.terms.clone(),
    }
}

/// The run as it is stored: claimed for the first time, begun, and every step that is tried now
/// counts an attempt.
fn claimed(
    new: &NewRun,
    cause: &Cause<'_>,
    (state, at): (RunState, Moment),
) -> Result<Claimed, Error> {
    let mut run = Run {
        id: new.id,
        detection: cause.detection,
        order: cause.order,
        source: cause.source.cloned(),
        playbook: new.playbook.clone(),
        entity: new.plan.entity,
        mode: new.mode,
        state,
        because: None,
        plan_digest: new.plan.digest(),
        received_at: cause.received_at,
        begun_at: Some(at),
        struck_at: None,
        contained_at: None,
        ended_at: None,
        coverage: None,
    };
    run.coverage = Some(unproved(&run));
    let steps = (0..).zip(&new.plan.steps);
    let steps = steps.map(|(position, plan)| first_try(new.mode, (position, plan), at));
    Ok(Claimed {
        lease: RunLease {
            run: new.id,
            epoch: 1,
        },
        run,
        steps: steps.collect::<Result<_, _>>()?,
        terms: new.terms.clone(),
        attempts: 1,
        risk: None,
        prior: None,
        ordered_at: None,
        kept: false,
        begun: true,
        started: Vec::new(),
        reopened: Vec::new(),
    })
}

/// A step with its first attempt counted, unless it waits until a person keeps the containment.
fn first_try(mode: Mode, (position, plan): (u16, &PlanStep), at: Moment) -> Result<Step, Error> {
    let waits = mode == Mode::Provisional && plan.action.waits_for_keep();
    let (state, attempts, begun_at) = if waits {
        (StepState::Pending, 0, None)
    } else {
        let state = moved(StepState::Pending.after(StepEvent::Tried))?;
        (state, 1, Some(at))
    };
    Ok(Step {
        position,
        plan: *plan,
        state,
        outcome: None,
        attempts,
        before: None,
        evidence: None,
        begun_at,
        ended_at: None,
        undo: None,
    })
}

fn moved<T>(moved: Result<T, impl std::fmt::Display>) -> Result<T, Error> {
    moved.map_err(|illegal| Error::Refused(illegal.to_string()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use uuid::Uuid;

    use super::{AtOnce, Glimpse, Made};
    use crate::clock::Clock;
    use crate::domain::caps::Caps;
    use crate::domain::containment::EntityState;
    use crate::domain::detection::Detection;
    use crate::domain::entity::{Entity, ObjectId};
    use crate::domain::id::{DeliveryId, RunId};
    use crate::domain::inventory::Certain;
    use crate::domain::moment::Moment;
    use crate::domain::order::{Operator, Order, OrderKind, Scope};
    use crate::domain::plan::Plan;
    use crate::domain::playbook::{Mode, PlaybookName, ServiceMode};
    use crate::domain::run::{Lane, RunState};
    use crate::domain::step::{Before, StepState, Switch};
    use crate::store::{
        Asked, Claim, Company, Entry, Making, NewRun, Saw, Store, Strike, Terms, Triaged,
        writer_tests,
    };

    const NOW: Moment = Moment::from_millis(1_000);

    async fn store() -> (Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let (clock, _) = Clock::by_hand(NOW);
        let path = folder.path().join("estop.db");
        let (store, writing) = Store::open(&path, Entry::Service, clock).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test stands in for the roof")]
        tokio::spawn(writing);
        store
            .configured_mode(ServiceMode::Enforce, NOW)
            .await
            .unwrap();
        (store, folder)
    }

    /// A delivery of this key that is decided, with one run that is begun at once.
    async fn made(store: &Store, what: (&'static str, Mode), caps: Caps) -> Made {
        let entity = Entity::agent(ObjectId::from_uuid(store.clock.uuid()));
        made_about(store, what, (entity, Vec::new(), None), caps).await
    }

    /// The same about this agent, of whose steps these start unread, or one that was read by then.
    async fn made_about(
        store: &Store,
        (key, mode): (&'static str, Mode),
        (entity, certain, glimpse): (Entity, Vec<(u16, Certain)>, Option<Glimpse>),
        caps: Caps,
    ) -> Made {
        let new = writer_tests::delivery(store, key, "{}");
        let delivery = new.id;
        store.take_delivery(new).await.unwrap();
        let run = NewRun {
            id: RunId::from_uuid(store.clock.uuid()),
            playbook: PlaybookName::by_hand(),
            mode,
            plan: Plan::by_hand(entity, &[]),
            terms: Terms::default(),
            asks: None,
        };
        let claim = Claim {
            holder: "worker".to_owned(),
            lane: Lane::Bulk,
            now: NOW,
            until: Moment::from_millis(31_000),
        };
        let at_once = Some(AtOnce {
            claim,
            caps,
            certain,
            glimpse,
        });
        let triaged = Triaged {
            delivery,
            at: NOW,
            detection: detection(delivery, entity),
            decisions: Vec::new(),
            runs: vec![Making { run, at_once }],
            notices: Vec::new(),
            counts: Vec::new(),
        };
        store.triaged(triaged).await.unwrap().remove(0)
    }

    fn detection(delivery: DeliveryId, entity: Entity) -> Detection {
        let id = crate::domain::id::DetectionId::from(delivery);
        serde_json::from_value(json!({
            "id": id, "key": id.to_string(), "source": "lab", "detection_type": "test",
            "severity": "high", "received_at": NOW, "remarks": [],
            "entities": [{ "entity": entity, "found_at": "here" }],
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn a_run_that_is_begun_at_once_is_stored_as_its_worker_has_it() {
        let (store, _folder) = store().await;

        for (key, mode) in [
            ("a", Mode::Enforce),
            ("b", Mode::Provisional),
            ("c", Mode::Observe),
        ] {
            let Made::Begun(claimed) = made(&store, (key, mode), Caps::default()).await else {
                panic!("{mode} was not begun");
            };

            let (run, lease) = (claimed.run.id, claimed.lease);
            assert_eq!(store.run(run).await.unwrap(), Some(claimed.run));
            assert_eq!(store.steps(run).await.unwrap(), claimed.steps);
            let later = Moment::from_millis(2_000);
            assert_eq!(store.may_write(lease, later).await, Ok(()));
            let longer = (later, Duration::from_secs(30));
            assert_eq!(store.keep_leases(vec![lease], longer).await, Ok(Vec::new()));
        }
    }

    /// The run alone is about to close this agent, and its evidence is asked for.
    async fn assert_holds(store: &Store, run: RunId, agent: Entity) {
        let held = store.containment(agent).await.unwrap().unwrap();
        assert_eq!(
            (held.state, held.held_by),
            (EntityState::Closing, vec![run])
        );
        assert!(store.evidence(run).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn where_the_agent_is_certain_its_switch_is_started_with_the_run() {
        let (store, _folder) = store().await;
        let agent = Entity::agent(ObjectId::from_uuid(store.clock.uuid()));
        let certain = vec![(0, Certain(vec![agent.id]))];

        let about = (agent, certain, None);
        let made = made_about(&store, ("a", Mode::Enforce), about, Caps::default()).await;

        let Made::Begun(claimed) = made else {
            panic!("{made:?}");
        };
        let run = claimed.run.id;
        let unproven = Before::Unproven { id: agent.id };
        let unread = claimed.started(0).unwrap();
        assert_eq!(unread.ids, [agent.id]);
        assert_eq!(unread.started.before, unproven);
        assert_eq!(unread.started.company, Company::Alone);
        assert!(claimed.started(1).is_none());
        let steps = store.steps(run).await.unwrap();
        assert_eq!(steps[0].state, StepState::Sent);
        assert_eq!(steps[0].before, Some(unproven));
        assert_eq!(steps[1], claimed.steps[1]);
        assert_holds(&store, run, agent).await;
    }

    /// What was there before this agent's switch is turned: it is on.
    fn on(agent: Entity) -> Before {
        let switches = vec![Switch {
            id: agent.id,
            account_enabled: true,
        }];
        Before::Switches { switches }
    }

    fn read(agent: Entity) -> Glimpse {
        Glimpse::new(move || {
            Some(Strike {
                position: 0,
                before: on(agent),
                closes: vec![agent],
            })
        })
    }

    #[tokio::test]
    async fn where_the_agent_was_read_by_then_its_switch_is_started_with_the_run() {
        let (store, _folder) = store().await;
        let agent = Entity::agent(ObjectId::from_uuid(store.clock.uuid()));

        let about = (agent, Vec::new(), Some(read(agent)));
        let made = made_about(&store, ("a", Mode::Enforce), about, Caps::default()).await;

        let Made::Begun(claimed) = made else {
            panic!("{made:?}");
        };
        let run = claimed.run.id;
        let started = &claimed.started(0).unwrap().started;
        assert_eq!(started.before, on(agent));
        assert_eq!(started.company, Company::Alone);
        assert!(claimed.started(1).is_none());
        let steps = store.steps(run).await.unwrap();
        assert_eq!(steps[0].state, StepState::Sent);
        assert_eq!(steps[0].before, Some(on(agent)));
        assert_eq!(steps[1], claimed.steps[1]);
        assert_holds(&store, run, agent).await;
    }

    /// What it reads is our own doing: what counts is what the first run saw (threat E15).
    #[tokio::test]
    async fn an_agent_that_was_read_and_is_held_already_was_before_as_its_first_run_saw_it() {
        let (store, _folder) = store().await;
        let agent = Entity::agent(ObjectId::from_uuid(store.clock.uuid()));
        let off = Glimpse::new(move || {
            let switches = vec![Switch {
                id: agent.id,
                account_enabled: false,
            }];
            Some(Strike {
                position: 0,
                before: Before::Switches { switches },
                closes: vec![agent],
            })
        });

        let first = (agent, Vec::new(), Some(read(agent)));
        made_about(&store, ("a", Mode::Enforce), first, Caps::default()).await;
        let second = (agent, Vec::new(), Some(off));
        let made = made_about(&store, ("b", Mode::Enforce), second, Caps::default()).await;

        let Made::Begun(claimed) = made else {
            panic!("{made:?}");
        };
        assert_eq!(claimed.started(0).unwrap().started.before, on(agent));
        let held = store.containment(agent).await.unwrap().unwrap();
        assert_eq!(held.held_by.len(), 2);
    }

    #[tokio::test]
    async fn a_certain_agent_whose_run_waits_for_a_person_is_not_held() {
        let (store, _folder) = store().await;
        let agent = Entity::agent(ObjectId::from_uuid(store.clock.uuid()));
        let about = (agent, vec![(0, Certain(vec![agent.id]))], None);
        let caps = Caps {
            tenant: 0,
            reserve: 0,
            ..Caps::default()
        };

        let made = made_about(&store, ("a", Mode::Enforce), about, caps).await;

        assert!(matches!(made, Made::Held { .. }), "{made:?}");
        assert_eq!(store.containment(agent).await, Ok(None));
    }

    #[tokio::test]
    async fn above_a_cap_a_run_waits_although_somebody_has_a_place_for_it() {
        let (store, _folder) = store().await;
        let caps = Caps {
            tenant: 1,
            reserve: 0,
            ..Caps::default()
        };

        let first = made(&store, ("a", Mode::Enforce), caps).await;
        let second = made(&store, ("b", Mode::Enforce), caps).await;

        assert!(matches!(first, Made::Begun(_)), "{first:?}");
        let Made::Held { run, .. } = second else {
            panic!("{second:?}");
        };
        let run = store.run(run).await.unwrap().unwrap();
        assert_eq!(run.state, RunState::Waiting);
        assert_eq!(store.leases_held().await, Ok(1));
    }

    #[tokio::test]
    async fn while_the_brake_is_on_a_run_is_left_to_the_workers() {
        let (store, _folder) = store().await;
        let operator = Operator {
            name: "token:test".to_owned(),
            scope: Scope::Respond,
            person: None,
        };
        let order = Order {
            id: crate::domain::id::OrderId::from_uuid(Uuid::from_u128(7)),
            at: NOW,
            operator,
            kind: OrderKind::TripBrake,
            reason: "a test asks for it".to_owned(),
        };
        let asked = Asked {
            order,
            makes: None,
            idempotency_key: None,
            saw: Saw::default(),
        };
        store.take_order(asked).await.unwrap();

        let made = made(&store, ("a", Mode::Enforce), Caps::default()).await;

        let Made::Left(run) = made else {
            panic!("{made:?}");
        };
        let run = store.run(run).await.unwrap().unwrap();
        assert_eq!(run.state, RunState::Queued);
        assert_eq!(store.leases_held().await, Ok(0));
    }
}
