//! Several services on one PostgreSQL: they share the work, and every law that one of them keeps
//! holds for all.

mod line;
mod outages;
mod pooler;
pub mod rolling;
mod servers;

use std::time::Duration;

use estop::clock::Clock;
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::run::{Lane, RunState};
use estop::sim::{Fault, On, Tenant, What};
use estop::store::{Brake, Claim, Movement};
use http::StatusCode;

use crate::cluster::{Cluster, Database};
use crate::copilot::{gated_setting, is_refused_at};
use crate::world::{Setting, World, invoice_bot};
use line::Line;

/// Longer than a lease.
const LEASE_OVER: Duration = Duration::from_secs(40);

/// As many as the playbook's guardrail lets pass.
fn few() -> Vec<ObjectId> {
    agents().into_iter().take(4).collect()
}

fn agents() -> Vec<ObjectId> {
    let agents = Tenant::contoso().agents.into_keys();
    agents.map(ObjectId::from_uuid).collect()
}

/// A world whose services reach their database by a line that the test cuts.
async fn by_a_line(setting: Setting) -> Option<(World, Line)> {
    let line = Line::to(Cluster::get()?.port).await;
    let database = Database::fresh()?.by_way_of(line.port);
    Some((World::stored(setting, Some(database)).await, line))
}

fn capped(caps: &str) -> Setting {
    Setting {
        yaml: format!("mode: enforce\nprotected: []\ncaps: {caps}\n"),
        ..Setting::default()
    }
}

#[tokio::test]
async fn e02_two_services_share_the_work_and_do_each_thing_once() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let (_second, door) = world.another().await;

    for (n, agent) in few().into_iter().enumerate() {
        let door = if n % 2 == 0 { &world.door } else { &door };
        let status = world.detect_through(door, agent).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }
    world.settle().await;

    let runs = world.runs().await;
    assert_eq!(runs.len(), few().len());
    for run in &runs {
        assert_eq!(run.state, RunState::Contained, "{run:?}");
        assert_eq!(world.switched(run.entity.id), [false], "{run:?}");
    }
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e18_the_caps_hold_over_all_services() {
    let Some(world) = World::shared(capped("{ tenant: 2, source: 100, reserve: 0 }")).await else {
        return;
    };
    let (_second, second) = world.another().await;
    let (_third, third) = world.another().await;

    let doors = [&world.door, &second, &third];
    for (n, agent) in agents().into_iter().enumerate() {
        world.detect_through(doors[n % doors.len()], agent).await;
    }
    world.settle().await;

    let runs = world.runs().await;
    let contained = runs.iter().filter(|run| run.state == RunState::Contained);
    assert_eq!(contained.count(), 2, "{runs:?}");
    let waiting = runs.iter().filter(|run| run.state == RunState::Waiting);
    assert_eq!(waiting.count(), runs.len() - 2, "{runs:?}");
    world.chain_holds().await;
}

#[tokio::test]
async fn e17_e18_the_reserve_is_kept_over_all_services() {
    let Some(world) = World::shared(capped("{ tenant: 3, source: 100, reserve: 1 }")).await else {
        return;
    };
    let (_second, second) = world.another().await;
    let doors = [&world.door, &second];
    let agents = agents();

    for (n, agent) in agents[..6].iter().enumerate() {
        let decoy = world.message_of("earlyLifeMaliciousActivity", agent);
        world.send_through(doors[n % 2], &decoy).await;
    }
    world.settle().await;
    for (n, agent) in agents[6..9].iter().enumerate() {
        world.detect_through(doors[n % 2], agent).await;
    }
    world.settle().await;

    let closed = |ids: &[ObjectId]| {
        ids.iter()
            .filter(|id| world.switched(**id) == [false])
            .count()
    };
    assert_eq!(closed(&agents[..6]), 3, "the cap");
    assert_eq!(closed(&agents[6..9]), 1, "the reserve is theirs");
    world.chain_holds().await;
}

#[tokio::test]
async fn the_run_of_a_service_that_was_killed_is_taken_over_when_its_lease_is_over() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let on = On::request("PATCH", &invoice_bot().to_string()).always();
    world.entra.push_fault(Fault::new(on, What::HoldRequest));
    world.detect_agent(invoice_bot()).await;
    world.until_held(1).await;
    world.entra.clear_faults();

    // The one that holds it dies, and nobody frees its lease.
    let world = world.restart().await;
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.only_run().await.state, RunState::Running);
    world.pass(LEASE_OVER).await;
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
    assert_eq!(world.switched(invoice_bot()), [false]);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e03_a_service_whose_clock_is_wrong_steals_no_lease_and_keeps_none() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let on = On::request("PATCH", "").always();
    world.entra.push_fault(Fault::new(on, What::HoldRequest));
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.until_held(1).await;
    let store = &world.service.store;

    let far = world.clock.now().plus(Duration::from_secs(3600));
    let claim = |now| Claim {
        holder: "wrong".to_owned(),
        lane: Lane::Bulk,
        now,
        until: far,
    };
    let stolen = store.claim_run(run, claim(far)).await.unwrap();

    assert!(stolen.is_none(), "a clock that is ahead stole it");
}

#[tokio::test]
async fn the_brake_stops_the_other_service_at_once() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let (second, door) = world.another().await;
    let who = estop::command::at_the_machine("dana");
    let tripped = estop::command::Position::Tripped;
    world
        .service
        .desk()
        .unwrap()
        .brake(&who, tripped, "stop it all")
        .await
        .unwrap();

    world.detect_through(&door, invoice_bot()).await;
    world.pass(Duration::from_secs(5)).await;

    assert_eq!(second.store.standing().await.unwrap().brake, Brake::On);
    assert!(world.writes().is_empty(), "{:?}", world.writes());
}

#[tokio::test]
async fn what_one_service_contains_the_others_hear_of_at_once() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let (second, _door) = world.another().await;
    // It listens once it has said that it may have missed something.
    assert_eq!(second.store.moved().await, Ok(Movement::Everything));

    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    let heard = Clock::system()
        .within(Duration::from_secs(10), second.store.moved())
        .await;
    let Ok(Ok(Movement::Of(ids))) = heard else {
        panic!("{heard:?}");
    };
    assert!(ids.contains(&invoice_bot()));
}

#[tokio::test]
async fn whom_nobody_tells_looks_by_itself() {
    let Some((world, line)) = by_a_line(gated_setting()).await else {
        return;
    };
    line.deafen();
    world.database().cut();
    let (_second, door) = world.another().await;
    world.pass(Duration::from_secs(5)).await;
    assert!(!is_refused_at(&world, &door).await, "it holds nobody yet");

    world.detect_agent(invoice_bot()).await;
    world.pass(Duration::from_secs(90)).await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
    assert!(is_refused_at(&world, &door).await, "it never looked");
    assert!(is_refused_at(&world, &world.door).await);
}
