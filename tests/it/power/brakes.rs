//! Mode and brake bind people as they bind playbooks; runs that wait are released or stopped.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Desk, Reply, asking, keyed};
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
async fn a_run_above_a_cap_is_released_by_a_person() {
    let yaml = "mode: enforce\nprotected: []\ncaps: { tenant: 0, source: 0, reserve: 0 }\n";
    let desk = Desk::with(setting(yaml)).await;
    let kind = "threatIntelligenceAccount";
    desk.world.detect(kind, "agent", invoice_bot()).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await;
    assert_eq!(run.state.word(), "waiting");

    let path = format!("/v1/runs/{}/resume", run.id);
    let word = asking(
        Method::POST,
        &path,
        &desk.token,
        Some(json!({ "reason": "it is real" })),
    );
    let reply = desk.send(keyed(word, "k")).await;
    desk.world.settle().await;

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
    let word = |what: &str| {
        let path = format!("/v1/runs/{}/{what}", run.id);
        let body = json!({ "reason": "it is real" });
        keyed(
            asking(Method::POST, &path, &desk.token, Some(body)),
            &format!("key-{what}"),
        )
    };

    let resumed = desk.send(word("resume")).await;
    let stopped = desk.send(word("stop")).await;

    assert_eq!(
        resumed.body["code"], "approval-required",
        "{}",
        resumed.text
    );
    assert_eq!(stopped.status, StatusCode::ACCEPTED, "{}", stopped.text);
    assert_eq!(desk.world.state(run.id).await.word(), "stopped");
}
