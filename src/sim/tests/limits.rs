//! The published limits.

use std::time::Duration;

use serde_json::json;

use super::{DISABLE, World, agent};
use crate::sim::{Family, INVOICE_BOT, Limit, Limits};

const RISK: &str = "/beta/identityProtection/riskyAgents";

#[tokio::test]
async fn id_protection_takes_one_request_a_second_and_names_no_time_to_retry() {
    let world = World::contoso();

    let first = world.get(RISK).await;
    let second = world.get(RISK).await;
    world.hand.advance(Duration::from_millis(1100));
    let third = world.get(RISK).await;

    assert_eq!((first.status, third.status), (200, 200));
    assert_eq!(second.refusal(), (429, "TooManyRequests"));
    assert_eq!(second.header("retry-after"), None);
}

#[tokio::test]
async fn another_application_can_use_up_the_second() {
    let world = World::contoso();
    let body = json!({"agentIds": [INVOICE_BOT]}).to_string();

    world.entra.spend(Family::IdentityProtection, 1);
    let seen = world
        .call("POST", &format!("{RISK}/confirmCompromised"), &body)
        .await;

    assert_eq!(seen.status, 429);
    assert!(world.entra.effects().is_empty());
}

#[tokio::test]
async fn writes_beyond_the_limit_are_told_when_to_come_back() {
    let world = World::contoso();
    world.entra.set_limits(Limits {
        directory_writes: Some(Limit::of(2, 150)),
        ..Limits::published()
    });
    let path = agent(INVOICE_BOT);

    for _ in 0..2 {
        assert_eq!(world.call("PATCH", &path, DISABLE).await.status, 204);
    }
    world.hand.advance(Duration::from_secs(50));
    let refused = world.call("PATCH", &path, DISABLE).await;
    world.hand.advance(Duration::from_secs(100));
    let later = world.call("PATCH", &path, DISABLE).await;

    assert_eq!(refused.refusal(), (429, "TooManyRequests"));
    assert_eq!(refused.header("retry-after"), Some("100"));
    assert_eq!(
        refused.header("x-ms-throttle-information"),
        Some("WriteLimitExceeded")
    );
    assert_eq!(later.status, 204);
}

#[tokio::test]
async fn without_limits_nobody_is_throttled() {
    let world = World::contoso();
    world.entra.set_limits(Limits::off());

    for _ in 0..20 {
        assert_eq!(world.get(RISK).await.status, 200);
    }
}

#[tokio::test]
async fn each_call_in_a_batch_counts_alone_and_the_answers_come_in_any_order() {
    let world = World::contoso();
    world.entra.set_limits(Limits {
        directory_reads: Some(Limit::of(2, 10)),
        ..Limits::published()
    });
    let read = |id: u32| {
        json!({"id": id.to_string(), "method": "GET",
        "url": agent(INVOICE_BOT).trim_start_matches("/v1.0")})
    };
    let body = json!({"requests": [read(0), read(1), read(2)]}).to_string();

    let seen = world.call("POST", "/v1.0/$batch", &body).await;

    let told = seen.json["responses"].as_array().unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|it| (it["id"].as_str(), it["status"].as_u64()))
        .collect();
    assert_eq!(
        told,
        [
            (Some("2"), Some(429)),
            (Some("1"), Some(200)),
            (Some("0"), Some(200))
        ]
    );
    assert_eq!(seen.json["responses"][0]["headers"]["retry-after"], "10");
}

#[tokio::test]
async fn a_batch_of_too_many_or_of_one_id_twice_is_refused() {
    let world = World::contoso();
    let read = |id: u32| json!({"id": id.to_string(), "method": "GET", "url": "/users"});
    let many: Vec<_> = (0..21).map(read).collect();

    for requests in [many, vec![read(1), read(1)], vec![]] {
        let body = json!({ "requests": requests }).to_string();
        let seen = world.call("POST", "/v1.0/$batch", &body).await;

        assert_eq!(seen.refusal(), (400, "Request_BadRequest"));
    }
}

#[tokio::test]
async fn an_answer_says_what_it_cost_and_how_near_the_limit_is() {
    let world = World::contoso();
    world.entra.set_limits(Limits {
        directory_reads: Some(Limit::of(5, 10)),
        ..Limits::published()
    });

    let first = world.get("/v1.0/users").await;
    let write = world.call("PATCH", &agent(INVOICE_BOT), DISABLE).await;
    let last = world.get("/v1.0/users?$select=id").await;

    assert_eq!(first.header("x-ms-resource-unit"), Some("2"));
    assert_eq!(first.header("x-ms-throttle-limit-percentage"), None);
    assert_eq!(write.header("x-ms-resource-unit"), Some("1"));
    assert_eq!(last.header("x-ms-throttle-limit-percentage"), Some("0.80"));
}
