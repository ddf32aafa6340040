//! Above a cap nothing is dropped: it waits, one person is told, and a word or a day ends it.

use std::time::Duration;

use estop::domain::order::OrderKind;
use estop::domain::run::{Run, RunState};
use estop::sim::Tenant;
use uuid::Uuid;

use crate::world::{Setting, World, invoice_bot};

fn agents() -> Vec<Uuid> {
    Tenant::contoso().agents.into_keys().collect()
}

async fn world(caps: &str) -> World {
    World::with(Setting {
        yaml: format!("mode: enforce\nprotected: []\ncaps: {caps}\n"),
        ..Setting::default()
    })
    .await
}

fn in_state(runs: &[Run], state: RunState) -> usize {
    runs.iter().filter(|run| run.state == state).count()
}

fn disabled(world: &World) -> usize {
    let agents = world.entra.tenant().agents;
    agents
        .values()
        .filter(|agent| !agent.account_enabled)
        .count()
}

/// Not of the kinds that may use the reserve, and without a guardrail in reach.
const ORDINARY: &str = "earlyLifeMaliciousActivity";

#[tokio::test]
async fn e17_e18_exactly_the_cap_is_contained_the_rest_waits_and_one_person_is_told() {
    let world = world("{ tenant: 3, source: 100 }").await;

    for agent in agents() {
        world.detect(ORDINARY, "agent", agent).await;
    }
    world.settle().await;

    let runs = world.runs().await;
    assert_eq!(in_state(&runs, RunState::Contained), 3);
    assert_eq!(in_state(&runs, RunState::Waiting), runs.len() - 3);
    assert_eq!(disabled(&world), 3);
    let told = world.told().await;
    let waits = told
        .iter()
        .filter(|text| text.contains("waits for a person"));
    assert_eq!(waits.count(), 1, "{told:?}");
    world.nothing_left_over().await;
}

/// How often any agent was looked at by itself.
fn looks(world: &World) -> usize {
    let journal = world.entra.journal();
    let switch = "/microsoft.graph.agentIdentity?$select=id,accountEnabled";
    let looked = journal.iter().filter(|one| one.method == "GET");
    looked.filter(|one| one.path.contains(switch)).count()
}

#[tokio::test]
async fn an_agent_is_looked_at_before_its_run_is_stored_although_that_may_be_in_vain() {
    let world = world("{ tenant: 0, source: 0, reserve: 0 }").await;

    // The store may be faster than a look that has only just begun.
    for agent in agents().into_iter().cycle().take(100) {
        world.detect(ORDINARY, "agent", agent).await;
        world.pass(Duration::from_secs(2)).await;
        if looks(&world) > 0 {
            break;
        }
    }

    assert_eq!(looks(&world), 1);
    assert!(world.writes().is_empty());
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e17_a_flood_above_the_cap_is_looked_at_once_a_second_at_most() {
    let world = world("{ tenant: 0, source: 0, reserve: 0 }").await;

    for agent in agents() {
        world.detect(ORDINARY, "agent", agent).await;
        world.breathe().await;
    }

    let (runs, looks) = (world.runs().await.len(), looks(&world));
    assert!(runs > 5 && looks <= 1, "{looks} looks for {runs} runs");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e17_decoys_cannot_shut_out_what_is_rarely_wrong() {
    let world = world("{ tenant: 2, source: 2, reserve: 1 }").await;
    let agents = agents();
    for agent in &agents[..6] {
        world.detect(ORDINARY, "agent", agent).await;
    }
    world.settle().await;

    for agent in &agents[6..9] {
        world.detect_agent(agent).await;
    }
    world.settle().await;

    assert_eq!(disabled(&world), 3, "the cap and the reserve");
    // Which of three that came together is first is not promised; that one of them is, is.
    let rare = agents[6..9]
        .iter()
        .filter(|id| !world.entra.agent(**id).unwrap().account_enabled);
    assert_eq!(rare.count(), 1, "the reserve is theirs");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e17_a_guardrail_binds_its_own_playbook_only() {
    let world = world("{ tenant: 100, source: 100 }").await;
    let agents = agents();

    for agent in &agents[..8] {
        world.detect(ORDINARY, "agent", agent).await;
    }
    world.settle().await;
    let first = disabled(&world);
    world.detect_agent(agents[9]).await;
    world.settle().await;

    assert_eq!(first, 5, "what its guardrail says");
    assert_eq!(disabled(&world), 6);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn an_agent_that_is_contained_already_costs_nothing_more() {
    let world = world("{ tenant: 2, source: 2, reserve: 0 }").await;
    let agents = agents();

    for agent in [agents[0], agents[0], agents[0], agents[1]] {
        world.detect(ORDINARY, "agent", agent).await;
        world.settle().await;
    }

    let runs = world.runs().await;
    assert_eq!(in_state(&runs, RunState::Contained), 4, "{runs:?}");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn the_window_moves_on() {
    let world = world("{ tenant: 1, source: 1, window: 10m }").await;
    let agents = agents();
    world.detect(ORDINARY, "agent", agents[0]).await;
    world.settle().await;

    world.pass(Duration::from_secs(601)).await;
    world.detect(ORDINARY, "agent", agents[1]).await;
    world.settle().await;

    assert_eq!(disabled(&world), 2);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e17_a_released_run_is_carried_out_at_once() {
    let world = world("{ tenant: 0, source: 0, reserve: 0 }").await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let waiting = world.only_run().await;
    let asked = world.clock.now();

    world
        .order(OrderKind::Resume { run: waiting.id })
        .await
        .unwrap();
    world.settle().await;

    assert_eq!(waiting.state, RunState::Waiting);
    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Contained, "{:?}", run.because);
    let took = run.struck_at.unwrap().since(asked);
    assert!(took < Duration::from_secs(2), "{took:?}");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e17_what_nobody_releases_within_a_day_expires_and_is_told() {
    let world = world("{ tenant: 0, source: 0, reserve: 0 }").await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    let tick = Duration::from_secs(30);
    world
        .pass_in(Duration::from_secs(24 * 3600 - 60), tick)
        .await;
    let late = world.only_run().await;
    world.pass(Duration::from_secs(700)).await;

    assert_eq!(late.state, RunState::Waiting);
    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Expired);
    assert!(run.ended_at.is_some());
    assert!(world.writes().is_empty());
    let told = world.told().await;
    assert!(
        told.iter().any(|text| text.contains("has expired")),
        "{told:?}"
    );
    assert!(
        world
            .order(OrderKind::Resume { run: run.id })
            .await
            .is_err()
    );
    world.nothing_left_over().await;
}
