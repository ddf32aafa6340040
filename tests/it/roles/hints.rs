//! What a part stores that carries nothing out, a worker elsewhere begins at once. Time stands still
//! here: whoever only looked now and then would never see it.

use std::time::Duration;

use estop::clock::Clock;
use estop::domain::order::Scope;
use estop::domain::role::ServiceRole;
use http::{Method, StatusCode};
use serde_json::json;

use super::console::said;
use crate::power::token;
use crate::world::{Setting, World, invoice_bot};

/// How often it is looked whether it is so by now, and how often at most.
const LOOK: (Duration, usize) = (Duration::from_millis(50), 200);

/// A world whose worker hears what others say.
async fn hearing() -> Option<World> {
    let world = World::shared(Setting::default()).await?;
    world.pass(Duration::from_secs(2)).await;
    let listens = "select count(*) from pg_stat_activity where application_name = 'estop all' \
                   and datname = current_database() and query like '%estop_due%'";
    let heard = soon(&world, async || world.database().tell(listens) == "1\n").await;
    assert!(heard, "it does not listen");
    Some(world)
}

/// Does it become so while the clock of the world stands still?
async fn soon(world: &World, so: impl AsyncFn() -> bool) -> bool {
    for _ in 0..LOOK.1 {
        world.breathe().await;
        if so().await {
            return true;
        }
        Clock::system().sleep(LOOK.0).await;
    }
    false
}

#[tokio::test]
async fn a_delivery_that_another_part_took_is_read_at_once() {
    let Some(world) = hearing().await else {
        return;
    };
    let ingest = world.part(ServiceRole::Ingest, |out| out).await;
    let door = ingest.ingress("https://estop.example".parse().unwrap());

    let taken = world.detect_through(&door.unwrap(), invoice_bot()).await;

    assert_eq!(taken, StatusCode::ACCEPTED);
    let switched = async || world.switched(invoice_bot()) == [false];
    assert!(soon(&world, switched).await, "{:?}", world.runs().await);
}

#[tokio::test]
async fn what_a_console_was_told_is_begun_at_once() {
    let Some(world) = hearing().await else {
        return;
    };
    let console = world.part(ServiceRole::Console, |out| out).await;
    world.pass(Duration::from_secs(1)).await;
    let token = token(&world, "soc", Scope::Respond).await;
    let door = console.control();
    let agent = json!({ "entity": { "kind": "agent", "id": invoice_bot() } });
    let (_, plan) = said(&door, &token, (Method::POST, "/v1/plans"), agent).await;

    let order = json!({ "plan_digest": plan["plan_digest"], "reason": "it misbehaves" });
    let (taken, run) = said(&door, &token, (Method::POST, "/v1/runs"), order).await;

    assert!(taken.is_success(), "{run}");
    let switched = async || world.switched(invoice_bot()) == [false];
    assert!(soon(&world, switched).await, "{:?}", world.runs().await);
}
