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
