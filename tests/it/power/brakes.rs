//! Mode and brake bind people as they bind playbooks; runs that wait are released or stopped.

use std::time::Duration;

use estop::domain::person::Role;
use estop::sim::{Fault, On, What};
use estop::store::Brake;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Desk, Reply, asking};
use crate::world::{Setting, invoice_bot};

async fn contain(desk: &Desk) -> Reply {
    let plan = desk.plan("agent", invoice_bot()).await.body;
    let word = json!({ "plan_digest": plan["plan_digest"], "reason": "leaked" });
    desk.post("/v1/runs", word).await
}

async fn put(desk: &Desk, path: &str, body: Value) -> Reply {
    desk.send(asking(Method::PUT, path, &desk.token, Some(body)))
        .await
}

fn setting(yaml: &str) -> Setting {
    Setting {
        yaml: yaml.to_owned(),
        ..Setting::default()
    }
}

#[tokio::test]
async fn a_tripped_brake_refuses_people_too_until_it_is_reset() {
    let desk = Desk::new().await;
    let move_brake = async |to: &str| {
        let body = json!({ "brake": to, "reason": "drill" });
        desk.post("/v1/brake", body).await.status
    };

    assert_eq!(move_brake("tripped").await, StatusCode::ACCEPTED);
    let plan = desk.plan("agent", invoice_bot()).await.body;
    let refused = contain(&desk).await;
    let standing = desk.get("/v1/mode").await.body;
    assert_eq!(move_brake("reset").await, StatusCode::ACCEPTED);
    let allowed = contain(&desk).await;

    assert_eq!(plan["stopped_by"][0]["code"], "brake-tripped");
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.body["code"], "brake-tripped");
    assert_eq!(standing["brake"], "tripped");
    assert_eq!(standing["brake_moved_by"], "token:soc");
    assert_eq!(allowed.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn observe_mode_binds_people_and_a_person_may_change_it() {
    let desk = Desk::with(setting("mode: observe\nprotected: []\n")).await;

    let refused = contain(&desk).await;
    let body = json!({ "mode": "enforce", "reason": "a quiet week" });
    let set = put(&desk, "/v1/mode", body).await;
    let standing = desk.get("/v1/mode").await.body;
    let allowed = contain(&desk).await;

    assert_eq!(refused.body["code"], "mode-observe");
    assert_eq!(set.status, StatusCode::ACCEPTED, "{}", set.text);
    assert_eq!(standing["mode"], "enforce");
    assert_eq!(allowed.status, StatusCode::ACCEPTED, "{}", allowed.text);
}

#[tokio::test]
async fn a_run_above_a_cap_is_released_by_a_lead_and_nobody_else() {
    let yaml = "mode: enforce\nprotected: []\ncaps: { tenant: 0, source: 0, reserve: 0 }\n";
    let desk = Desk::with(setting(yaml)).await;
    let kind = "threatIntelligenceAccount";
    desk.world.detect(kind, "agent", invoice_bot()).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await;
    assert_eq!(run.state.word(), "waiting");

    let path = format!("/v1/runs/{}/resume", run.id);
    let word = json!({ "reason": "it is real" });
    let responder = desk.person(2, Role::Responder, "soc-leads").await;
    let lead = desk.lead(1).await;
    let by_token = desk.says(&desk.token, &path, word.clone()).await;
    let by_responder = desk.says(&responder, &path, word.clone()).await;
    desk.world.settle().await;
    let between = desk.world.state(run.id).await;
    let reply = desk.says(&lead, &path, word).await;
    desk.world.settle().await;

    assert_eq!(by_token.body["code"], "not-a-person", "{}", by_token.text);
    assert_eq!(
        by_responder.body["code"], "role-missing",
        "{}",
        by_responder.text
    );
    assert_eq!(between.word(), "waiting");
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
    assert_eq!(desk.world.state(run.id).await.word(), "contained");
}

#[tokio::test]
async fn a_run_on_a_protected_entity_is_not_released_by_one_person_but_may_be_stopped() {
    let yaml = format!("mode: enforce\nprotected: [{}]\n", invoice_bot());
    let desk = Desk::with(setting(&yaml)).await;
    let kind = "threatIntelligenceAccount";
    desk.world.detect(kind, "agent", invoice_bot()).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await;
    let lead = desk.lead(1).await;
    let path = |what: &str| format!("/v1/runs/{}/{what}", run.id);
    let word = json!({ "reason": "it is real" });

    let resumed = desk.says(&lead, &path("resume"), word.clone()).await;
    let stopped = desk.says(&desk.token, &path("stop"), word).await;

    assert_eq!(
        resumed.body["code"], "approval-required",
        "{}",
        resumed.text
    );
    assert_eq!(stopped.status, StatusCode::ACCEPTED, "{}", stopped.text);
    assert_eq!(desk.world.state(run.id).await.word(), "stopped");
}

#[tokio::test]
async fn e20_a_file_beside_the_database_stops_every_write_until_a_person_resets_the_brake() {
    let desk = Desk::new().await;
    let file = desk.world.beside_the_store("pause");
    std::fs::write(&file, "incident 4182\n").unwrap();
    desk.world.pass(Duration::from_secs(5)).await;
    let before = desk.world.writes();

    desk.world.detect_agent(invoice_bot()).await;
    desk.world.pass(Duration::from_secs(10)).await;
    let standing = desk.get("/v1/mode").await.body;
    let early = desk
        .post(
            "/v1/brake",
            json!({ "brake": "reset", "reason": "too early" }),
        )
        .await;
    desk.world.pass(Duration::from_secs(5)).await;
    let still = desk.get("/v1/mode").await.body;
    let stopped = desk.world.writes();
    std::fs::remove_file(&file).unwrap();
    desk.world.pass(Duration::from_secs(5)).await;
    let after = desk.get("/v1/mode").await.body;
    let reset = json!({ "brake": "reset", "reason": "mended" });
    desk.post("/v1/brake", reset).await;
    desk.world.settle().await;

    assert_eq!(standing["brake"], "tripped");
    assert_eq!(standing["brake_moved_by"], "local:pause-file");
    assert_eq!(early.status, StatusCode::ACCEPTED);
    assert_eq!(
        (&still["brake"], &after["brake"]),
        (&json!("tripped"), &json!("tripped"))
    );
    assert_eq!(stopped, before);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    let said = desk.records().await;
    let said = said
        .iter()
        .any(|one| one.detail["reason"] == "incident 4182");
    assert!(said, "its reason is on record");
}

#[tokio::test]
async fn e20_a_service_that_starts_beside_the_file_finishes_nothing() {
    let desk = Desk::new().await;
    let patch = On::request("PATCH", "agentIdentity$");
    desk.world
        .entra
        .push_fault(Fault::new(patch, What::HoldRequest));
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.until_held(1).await;
    let file = desk.world.beside_the_store("pause");
    std::fs::write(&file, "").unwrap();
    desk.world.entra.clear_faults();

    let world = desk.world;
    drop((desk.api, desk.token));
    let world = world.restart().await;
    let before = world.writes();
    world.pass(Duration::from_secs(60)).await;

    assert_eq!(
        world.service.store.standing().await.unwrap().brake,
        Brake::On
    );
    assert_eq!(world.writes(), before);
    assert_eq!(world.only_run().await.state.word(), "running");
}

#[tokio::test]
async fn pause_asks_the_server_and_leaves_a_file_where_it_does_not_answer() {
    let desk = Desk::new().await;
    let config = desk.path("estop.yaml");
    let file = desk.world.beside_the_store("pause");

    let asked = desk.types(&["pause", "--reason", "a drill"]).await;
    let there = file.exists();
    let words = [
        "pause", "--reason", "a drill", "--file", "--config", &config,
    ];
    let by_file = desk.types(&words).await;

    assert_eq!(asked.exit.code(), 0, "{asked:?}");
    assert!(asked.output.starts_with("PAUSED") && !there, "{asked:?}");
    assert_eq!(by_file.exit.code(), 0, "{by_file:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "a drill\n");
}
