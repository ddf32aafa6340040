//! Whom we never touch, whom we touch on two people's word only, and the last moment to ask.

use estop::domain::entity::{Entity, ObjectId};
use estop::domain::order::OrderKind;
use estop::domain::run::RunState;
use estop::sim::Tenant;
use uuid::Uuid;

use crate::containment::{finance, user_of};
use crate::world::{Setting, World, invoice_bot};

const CAPS: &str = "caps: { tenant: 100, source: 100 }\n";

fn listing(member: &str, ids: &[Uuid]) -> Setting {
    let protected = if member == "protected" {
        ""
    } else {
        "protected: []\n"
    };
    let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    Setting {
        yaml: format!(
            "mode: enforce\n{CAPS}{protected}{member}: [{}]\n",
            ids.join(", ")
        ),
        ..Setting::default()
    }
}

fn finance_app() -> Uuid {
    Tenant::contoso().agents[&invoice_bot().uuid()].blueprint_app_id
}

/// Every kind of detection that could reach the agent or its user.
async fn detect_all(world: &World) {
    world.detect_agent(invoice_bot()).await;
    let user = user_of(invoice_bot());
    world
        .detect("threatIntelligenceAccount", "agent_user", user)
        .await;
    world.settle().await;
}

#[tokio::test]
async fn e12_a_detection_that_names_ourselves_is_told_and_never_acted_on() {
    let world = World::new().await;
    let client = world.entra.tenant().client;

    for id in [client.principal, client.app] {
        world.detect_agent(id).await;
    }
    world.settle().await;

    assert!(world.runs().await.is_empty());
    assert!(world.writes().is_empty(), "{:?}", world.writes());
    let told = world.told().await;
    assert!(
        told.iter().any(|text| text.contains("never touches")),
        "{told:?}"
    );
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e12_nothing_of_the_blueprint_we_hang_from_is_touched() {
    for id in [finance().uuid(), finance_app()] {
        let world = World::with(listing("self", &[id])).await;

        detect_all(&world).await;
        for entity in [
            Entity::agent(invoice_bot()),
            Entity::agent_user(user_of(invoice_bot())),
            Entity::blueprint(finance()),
        ] {
            world.contain(entity).await;
        }
        world.settle().await;

        assert!(world.writes().is_empty(), "{id}: {:?}", world.writes());
        for run in world.runs().await {
            assert_eq!(run.state, RunState::Failed, "{id}: {run:?}");
        }
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn e16_a_protected_agent_waits_for_two_people_and_is_not_touched_on_one_word() {
    let world = World::with(listing("protected", &[invoice_bot().uuid()])).await;

    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let run = world.only_run().await;
    let resumed = world.order(OrderKind::Resume { run: run.id }).await;
    world.settle().await;

    assert_eq!(run.state, RunState::Waiting);
    assert!(resumed.is_err(), "{resumed:?}");
    assert_eq!(world.state(run.id).await, RunState::Waiting);
    assert!(world.writes().is_empty(), "{:?}", world.writes());
    let told = world.told().await;
    assert!(
        told.iter().any(|text| text.contains("is protected")),
        "{told:?}"
    );
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e16_a_protected_blueprint_protects_its_agents_and_their_users_by_either_id() {
    for id in [finance().uuid(), finance_app()] {
        let world = World::with(listing("protected", &[id])).await;

        detect_all(&world).await;

        assert!(world.writes().is_empty(), "{id}: {:?}", world.writes());
        for run in world.runs().await {
            let untouched = matches!(run.state, RunState::Failed | RunState::Waiting);
            assert!(untouched, "{id}: {run:?}");
        }
        assert_eq!(world.runs().await.len(), 2);
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn e16_protecting_a_user_protects_no_more_than_the_user() {
    let user: ObjectId = user_of(invoice_bot());
    let world = World::with(listing("protected", &[user.uuid()])).await;

    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    assert_eq!(world.switched(invoice_bot()), [false]);
    assert!(world.switched(user).is_empty());
    world.nothing_left_over().await;
}
