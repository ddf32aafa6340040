//! What is old goes; what holds, and what a case keeps, stays.

use std::time::Duration;

use estop::domain::id::{DeliveryId, RunId};
use estop::domain::run::RunState;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::power::{DAY, Desk, Reply, asking, keyed};
use crate::world::{Setting, invoice_bot};

/// Two runs on one agent, each put back, and the deliveries they came from.
async fn two_undone(desk: &Desk) -> [(RunId, DeliveryId); 2] {
    let mut found = Vec::new();
    for _ in 0..2 {
        let delivery = desk.world.detect_agent(invoice_bot()).await;
        desk.world.settle().await;
        let run = desk.world.runs().await.pop().unwrap();
        undo(desk, run.id).await;
        found.push((run.id, delivery.replace("det_", "dlv_").parse().unwrap()));
    }
    found.try_into().unwrap()
}

/// Every loop that sleeps by the hour wakes; a token does not live so long.
async fn days_later(desk: &mut Desk, days: u32) {
    desk.world.leap(DAY * days).await;
    desk.world.settle().await;
    desk.renew().await;
}

async fn is_there(desk: &Desk, (run, delivery): (RunId, DeliveryId)) -> (bool, bool) {
    let store = &desk.world.service.store;
    let run = store.run(run).await.unwrap();
    let delivery = store.delivery(delivery).await.unwrap();
    (run.is_some(), delivery.is_some())
}

/// A word about a run, under a key of its own.
async fn say(desk: &Desk, (word, run): (&str, RunId), body: Value) -> Reply {
    let path = format!("/v1/runs/{run}/{word}");
    let request = asking(Method::POST, &path, &desk.token, Some(body));
    let key = desk.world.clock.uuid().to_string();
    desk.send(keyed(request, &key)).await
}

async fn hold(desk: &Desk, word: &str, run: RunId) -> StatusCode {
    let body = json!({ "case": "LEGAL-14", "reason": "subpoena" });
    say(desk, (word, run), body).await.status
}

async fn undo(desk: &Desk, run: RunId) {
    let word = json!({ "reason": "a false alarm", "risk": "leave" });
    let undo = say(desk, ("undo", run), word).await;
    assert_eq!(undo.status, StatusCode::ACCEPTED, "{}", undo.text);
    desk.world.settle().await;
    assert_eq!(desk.world.state(run).await, RunState::Undone);
}

#[tokio::test]
async fn what_is_old_goes_and_what_a_case_keeps_stays() {
    let mut desk = Desk::new().await;
    let [gone, kept] = two_undone(&desk).await;
    assert_eq!(hold(&desk, "keep", kept.0).await, StatusCode::ACCEPTED);

    days_later(&mut desk, 91).await;
    assert_eq!(is_there(&desk, gone).await, (true, false));
    assert_eq!(is_there(&desk, kept).await, (true, true));

    days_later(&mut desk, 310).await;
    assert_eq!(is_there(&desk, gone).await, (false, false));
    assert_eq!(is_there(&desk, kept).await, (true, true));
    let shown = desk.get(&format!("/v1/runs/{}", kept.0)).await.body;
    assert_eq!(shown["kept"][0]["case"], "LEGAL-14");
    assert_eq!(shown["kept"][0]["by"], "token:soc");
    assert!(!shown["steps"].as_array().unwrap().is_empty());

    assert_eq!(hold(&desk, "release", kept.0).await, StatusCode::ACCEPTED);
    desk.world.leap(Duration::from_secs(2 * 3600)).await;
    assert_eq!(is_there(&desk, kept).await, (false, false));
    let said = desk.records().await;
    assert!(said.iter().any(|it| it.what == "retention.applied"));
    desk.world.chain_holds().await;
}

#[tokio::test]
async fn a_run_that_still_holds_something_stays_whatever_its_age() {
    let mut desk = Desk::new().await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await;

    days_later(&mut desk, 500).await;

    assert!(
        desk.world
            .service
            .store
            .run(run.id)
            .await
            .unwrap()
            .is_some()
    );
    assert!(!desk.world.steps(run.id).await.is_empty());
    undo(&desk, run.id).await;
}

#[tokio::test]
async fn what_is_on_its_way_or_unread_stays_whatever_its_age() {
    let desk = Desk::with(Setting {
        yaml: "mode: off\nprotected: []\n".to_owned(),
        ..Setting::default()
    })
    .await;
    let delivery = desk.world.detect_agent(invoice_bot()).await;
    let delivery: DeliveryId = delivery.replace("det_", "dlv_").parse().unwrap();

    desk.world.leap(DAY * 500).await;

    let store = &desk.world.service.store;
    assert!(store.delivery(delivery).await.unwrap().is_some());
}

#[tokio::test]
async fn a_case_keeps_only_what_is_there_and_lets_go_only_what_it_keeps() {
    let desk = Desk::new().await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await.id;
    let nobody: RunId = "run_00000000000000000000000007".parse().unwrap();
    let unfit = json!({ "case": "two words", "reason": "subpoena" });

    assert_eq!(hold(&desk, "keep", nobody).await, StatusCode::NOT_FOUND);
    assert_eq!(hold(&desk, "release", run).await, StatusCode::CONFLICT);
    let unfit = say(&desk, ("keep", run), unfit).await;
    assert_eq!(
        unfit.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        unfit.text
    );
    assert_eq!(hold(&desk, "keep", run).await, StatusCode::ACCEPTED);
    assert_eq!(hold(&desk, "release", run).await, StatusCode::ACCEPTED);
    assert_eq!(desk.get("/v1/kept").await.body["kept"], json!([]));
}
