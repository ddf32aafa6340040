//! A person puts back what was.

use estop::sim::Switch;
use http::{Method, StatusCode};
use serde_json::json;

use super::{Desk, Reply, asking, keyed};
use crate::world::invoice_bot;

async fn undo(desk: &Desk, run: &str, body: serde_json::Value) -> Reply {
    let path = format!("/v1/runs/{run}/undo");
    let request = asking(Method::POST, &path, &desk.token, Some(body));
    desk.send(keyed(request, "undo-1")).await
}

#[tokio::test]
async fn an_undo_is_shown_first_and_changes_nothing_by_that() {
    let desk = Desk::new().await;
    let run = desk.contained("agent", invoice_bot()).await;
    let effects = desk.world.entra.effects().len();

    let shown = undo(&desk, &run, json!({ "dry_run": true })).await;

    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert_eq!(shown.body["needs_risk"], true);
    assert_eq!(shown.body["restores"].as_array().unwrap().len(), 2);
    assert_eq!(desk.world.entra.effects().len(), effects);
}

#[tokio::test]
async fn an_undo_puts_back_what_was_and_tells_entra_the_verdict() {
    let desk = Desk::new().await;
    let run = desk.contained("agent", invoice_bot()).await;

    let without = undo(&desk, &run, json!({ "reason": "false alarm" })).await;
    let taken = undo(
        &desk,
        &run,
        json!({ "reason": "false alarm", "risk": "safe" }),
    )
    .await;
    desk.world.settle().await;

    assert_eq!(without.body["code"], "risk-verdict-required");
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.text);
    let shown = desk.get(&format!("/v1/runs/{run}")).await.body;
    assert_eq!(shown["state"], "undone", "{shown}");
    let agent = desk.world.entra.agent(invoice_bot().uuid()).unwrap();
    assert!(agent.account_enabled);
}

#[tokio::test]
async fn what_was_disabled_before_stays_so_and_is_said_to() {
    let desk = Desk::new().await;
    desk.world
        .entra
        .foreign_write(|tenant| tenant.switch(invoice_bot().uuid(), Switch::Disabled));
    let run = desk.contained("agent", invoice_bot()).await;

    let shown = undo(&desk, &run, json!({ "dry_run": true })).await;

    assert!(shown.body["stays"].to_string().contains("disabled before"));
    assert_eq!(shown.body["restores"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_another_run_holds_stays_closed_and_is_said_to() {
    let desk = Desk::new().await;
    let first = desk.contained("agent", invoice_bot()).await;
    let second = desk.contained("agent", invoice_bot()).await;

    let shown = undo(&desk, &first, json!({ "dry_run": true })).await;

    assert!(
        shown.body["stays"].to_string().contains(&second),
        "{}",
        shown.text
    );
    assert_eq!(shown.body["restores"], json!([]));
}

#[tokio::test]
async fn a_second_undo_is_refused_by_the_law_of_change() {
    let desk = Desk::new().await;
    let run = desk.contained("agent", invoice_bot()).await;
    let word = json!({ "reason": "false alarm", "risk": "leave" });
    let path = format!("/v1/runs/{run}/undo");
    undo(&desk, &run, word.clone()).await;
    desk.world.settle().await;

    let again = asking(Method::POST, &path, &desk.token, Some(word));
    let again = desk.send(keyed(again, "undo-2")).await;

    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(again.body["code"], "not-now");
}

#[tokio::test]
async fn an_undo_without_an_idempotency_key_is_refused() {
    let desk = Desk::new().await;
    let run = desk.contained("agent", invoice_bot()).await;

    let path = format!("/v1/runs/{run}/undo");
    let reply = desk
        .post(&path, json!({ "reason": "x", "risk": "safe" }))
        .await;

    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.body["code"], "idempotency-key-missing");
}
