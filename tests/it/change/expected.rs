//! An announced change lowers noisy detections about one blueprint's agents to a question, so long.

use std::time::Duration;

use estop::sim::Tenant;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{acting, code, with};
use crate::power::{Desk, Reply};

const TI: &str = "threatIntelligenceAccount";
const SPIKE: &str = "signInSpike";

/// A world that knows who hangs from whom.
async fn desk() -> Desk {
    let yaml = "inventory: { every: 5m }\n";
    let desk = Desk::with(with(yaml, acting("enforce", "Stop it."))).await;
    crate::inventory::until_listed(&desk.world).await;
    desk
}

fn finance() -> Uuid {
    let mut blueprints = Tenant::contoso().blueprints.into_values();
    let finance = blueprints.find(|it| it.display_name == "Finance-Agents");
    finance.unwrap().ids.principal
}

async fn announce(desk: &Desk, with: Value) -> Reply {
    let mut body = json!({ "blueprint": finance(), "for": "2h", "because": "CHG0042" });
    for (name, value) in with.as_object().unwrap() {
        body[name] = value.clone();
    }
    desk.says(&desk.token, "/v1/expectations", body).await
}

async fn verdict(desk: &Desk, detection_type: &str) -> String {
    let decided = desk.decided(detection_type).await;
    decided["verdict"]["verdict"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_announced_change_lowers_noisy_detections_to_a_question_until_it_ends() {
    let desk = desk().await;

    let announced = announce(&desk, json!({})).await;
    let spike = desk.decided(SPIKE).await;
    let quiet = verdict(&desk, TI).await;
    desk.world.leap(Duration::from_secs(2 * 3600)).await;
    let after = verdict(&desk, SPIKE).await;

    assert_eq!(announced.status, StatusCode::ACCEPTED, "{}", announced.text);
    assert_eq!(spike["verdict"]["verdict"], "ask_first", "{spike}");
    assert_eq!(spike["verdict"]["because"], "change_expected");
    let id = announced.body["id"].clone();
    assert_eq!(spike["considered"][0]["held_back"]["expectation"], id);
    assert_eq!((quiet.as_str(), after.as_str()), ("respond", "respond"));
    assert_eq!(desk.told_of("announced a change").await, 1);
    assert_eq!(desk.recorded("change.expected").await, 1);
}

#[tokio::test]
async fn it_is_about_one_blueprint_and_named_types_and_ends_on_a_word() {
    let desk = desk().await;
    announce(&desk, json!({ "blueprint": Uuid::from_u128(7) })).await;
    let others = verdict(&desk, SPIKE).await;
    let named = announce(&desk, json!({ "detections": ["failedAccessAttempt"] })).await;
    let unnamed = verdict(&desk, SPIKE).await;
    let whole = announce(&desk, json!({})).await;
    let lowered = verdict(&desk, SPIKE).await;

    let id = whole.body["id"].as_str().unwrap();
    let path = format!("/v1/expectations/{id}/end");
    let body = json!({ "reason": "done" });
    let ended = desk.says(&desk.token, &path, body.clone()).await;
    let again = desk.says(&desk.token, &path, body).await;

    assert_eq!(
        (others.as_str(), unnamed.as_str()),
        ("respond", "respond"),
        "{}",
        named.text
    );
    assert_eq!(lowered, "ask_first");
    assert_eq!(ended.status, StatusCode::ACCEPTED, "{}", ended.text);
    assert_eq!(code(&again), "not-now", "{}", again.text);
    assert_eq!(verdict(&desk, SPIKE).await, "respond");
    let open = desk.get("/v1/expectations").await.body;
    assert_eq!(open["expectations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_says_that_someone_else_holds_the_agent_is_never_lowered() {
    let desk = desk().await;

    for detection in [
        TI,
        "suspiciousCredentialUsage",
        "adminConfirmedAgentCompromised",
    ] {
        let refused = announce(&desk, json!({ "detections": [detection] })).await;
        assert_eq!(code(&refused), "not-noisy", "{}", refused.text);
    }
    for span in ["0s", "25h"] {
        let refused = announce(&desk, json!({ "for": span })).await;
        assert_eq!(code(&refused), "span-out-of-range", "{}", refused.text);
    }
    let unsaid = announce(&desk, json!({ "because": " " })).await;
    assert_eq!(code(&unsaid), "reason-required", "{}", unsaid.text);
}

#[tokio::test]
async fn it_is_announced_listed_and_ended_by_typing() {
    let desk = desk().await;
    let blueprint = finance().to_string();

    let words = [
        "expect",
        "--blueprint",
        &blueprint,
        "--for",
        "2h",
        "--because",
        "CHG0042",
    ];
    let announced = desk.types(&words).await;
    let listed = desk.types(&["expect", "--list"]).await;
    let id = announced
        .output
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let ended = desk
        .types(&["expect", "--end", &id, "--because", "done"])
        .await;
    let empty = desk.types(&["expect", "--list"]).await;

    assert_eq!(announced.exit.code(), 0, "{announced:?}");
    assert!(id.starts_with("exp_"), "{announced:?}");
    assert!(
        listed.output.contains("CHG0042") && listed.output.contains(SPIKE),
        "{listed:?}"
    );
    assert_eq!(ended.exit.code(), 0, "{ended:?}");
    assert!(empty.talk.contains("no change is announced"), "{empty:?}");
}
