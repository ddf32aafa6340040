//! A delivery that comes with what follows from it: both are stored, or nothing is.

use std::sync::mpsc::{Receiver, channel};

use serde_json::json;

use super::at_once::Made;
use super::deliveries::Taken;
use super::error::Error;
use super::new_run::NewRun;
use super::triaged::{Making, Triaged};
use super::writer_tests::{delivery, store};
use super::{Store, Terms};
use crate::domain::delivery::{DeliveryState, NewDelivery};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::id::{DetectionId, RunId};
use crate::domain::moment::Moment;
use crate::domain::plan::Plan;
use crate::domain::playbook::{Mode, PlaybookName};

/// What follows from it: this run.
fn triaged(new: &NewDelivery, run: RunId) -> Triaged {
    let id = DetectionId::from(new.id);
    let entity = Entity::agent(ObjectId::from_uuid(new.id.uuid()));
    let detection = json!({
        "id": id, "key": id.to_string(), "source": "lab", "detection_type": "test",
        "severity": "high", "received_at": new.received_at, "remarks": [],
        "entities": [{ "entity": entity, "found_at": "here" }],
    });
    let run = NewRun {
        id: run,
        playbook: PlaybookName::by_hand(),
        mode: Mode::Enforce,
        plan: Plan::by_hand(entity, &[]),
        terms: Terms::default(),
        asks: None,
    };
    Triaged {
        delivery: new.id,
        at: new.received_at,
        detection: serde_json::from_value(detection).unwrap(),
        decisions: Vec::new(),
        runs: vec![Making { run, at_once: None }],
        notices: Vec::new(),
        counts: Vec::new(),
    }
}

type Heard = Receiver<(Taken, usize)>;

async fn take(store: &Store, new: &NewDelivery, run: RunId) -> (Result<Taken, Error>, Heard) {
    let (tell, heard) = channel();
    let go_on = move |taken, made: Vec<Made>| tell.send((taken, made.len())).unwrap();
    let both = (new.clone(), triaged(new, run));
    (store.take_triaged(both, go_on).await, heard)
}

fn run(store: &Store) -> RunId {
    RunId::from_uuid(store.clock.uuid())
}

#[tokio::test]
async fn it_is_stored_as_read_and_whoever_waits_hears_of_its_run() {
    let (store, begin, _folder) = store().await;
    begin.send(()).unwrap();
    let (new, run) = (delivery(&store, "a", "{}"), run(&store));

    let (taken, heard) = take(&store, &new, run).await;

    let id = new.id;
    assert_eq!(taken, Ok(Taken::New { id }));
    assert_eq!(heard.recv(), Ok((Taken::New { id }, 1)));
    let stored = store.delivery(id).await.unwrap().unwrap();
    assert_eq!(stored.state, DeliveryState::Read);
    let detection = DetectionId::from(id);
    assert!(store.detection(detection).await.unwrap().is_some());
    let made = store.run(run).await.unwrap().unwrap();
    assert_eq!(made.detection, Some(detection));
}

#[tokio::test]
async fn from_a_repeat_nothing_follows_anew() {
    let (store, begin, _folder) = store().await;
    begin.send(()).unwrap();
    let first = delivery(&store, "a", "{}");
    let (_, _heard) = take(&store, &first, run(&store)).await;
    let (again, other) = (delivery(&store, "a", "{}"), delivery(&store, "a", "[]"));
    let (second, third) = (run(&store), run(&store));

    let (repeated, heard) = take(&store, &again, second).await;
    let (apart, heard_apart) = take(&store, &other, third).await;

    let (id, conflict) = (first.id, Taken::Conflict { id: other.id });
    assert_eq!(repeated, Ok(Taken::Repeat { id }));
    assert_eq!(heard.recv(), Ok((Taken::Repeat { id }, 0)));
    assert_eq!(apart, Ok(conflict));
    assert_eq!(heard_apart.recv(), Ok((conflict, 0)));
    for run in [second, third] {
        assert_eq!(store.run(run).await, Ok(None));
    }
}

#[tokio::test]
async fn what_follows_and_cannot_be_stored_leaves_nothing_and_the_delivery_can_be_stored_alone() {
    let (store, begin, _folder) = store().await;
    begin.send(()).unwrap();
    let (first, second) = (delivery(&store, "a", "{}"), delivery(&store, "b", "{}"));
    let run = run(&store);
    let (_, _heard) = take(&store, &first, run).await;

    // A run has one name.
    let (taken, heard) = take(&store, &second, run).await;

    assert!(taken.is_err(), "{taken:?}");
    assert!(heard.recv().is_err(), "nobody goes on");
    assert!(store.delivery(second.id).await.unwrap().is_none());
    let id = second.id;
    assert_eq!(store.take_delivery(second).await, Ok(Taken::New { id }));
}

#[tokio::test]
async fn a_detection_is_there_as_long_as_a_delivery_that_became_or_joined_it() {
    let (store, begin, _folder) = store().await;
    begin.send(()).unwrap();
    let (first, mut later) = (delivery(&store, "a", "{}"), delivery(&store, "b", "[]"));
    later.received_at = Moment::from_millis(50);
    let mut joins = triaged(&later, run(&store));
    joins.runs.clear();
    let detection = DetectionId::from(first.id);
    let (soon, late) = (Moment::from_millis(10), Moment::from_millis(100));
    for new in [first, later] {
        let mut triaged = joins.clone();
        triaged.delivery = new.id;
        triaged.detection.id = DetectionId::from(new.id);
        store.take_triaged((new, triaged), |_, _| ()).await.unwrap();
        assert_eq!(store.let_detections_go(late).await, Ok(0));
    }

    assert_eq!(store.let_deliveries_go(soon).await, Ok(1), "the first");
    assert_eq!(store.let_detections_go(late).await, Ok(0));
    assert!(store.detection(detection).await.unwrap().is_some());
    assert_eq!(store.let_deliveries_go(late).await, Ok(1), "what joined");
    assert_eq!(store.let_detections_go(late).await, Ok(1));
    assert_eq!(store.detection(detection).await, Ok(None));
}
