//! What is stored of a run that is begun where it is made, and of a step that starts with it.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::at_once::{AtOnce, Glimpse, Made};
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
    Asked, Claim, Company, Entry, Making, NewRun, Saw, Store, Strike, Terms, Triaged, writer_tests,
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
