//! Several services on one PostgreSQL: they share the work, and every law that one of them keeps
//! holds for all.

use std::path::Path;
use std::time::Duration;

use estop::clock::Clock;
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::run::{Lane, RunState};
use estop::sim::{Fault, On, Tenant, What};
use estop::store::{Brake, Claim, Entry, Movement, Place, Store};
use http::StatusCode;

use crate::world::{Setting, World, invoice_bot};

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
async fn d08_a_database_that_is_away_is_told_as_later_and_nothing_taken_is_lost() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let (door, [first, second, third]) = (&world.door, [0, 1, 2].map(|n| agents()[n]));
    assert_eq!(
        world.detect_through(door, first).await,
        StatusCode::ACCEPTED
    );

    world.database().shut();
    let away = world.detect_through(door, second).await;
    world.database().open();
    let back = world.detect_through(door, third).await;
    world.settle().await;

    assert_eq!(away, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(back, StatusCode::ACCEPTED);
    let runs = world.runs().await;
    let mut entities: Vec<_> = runs.iter().map(|run| run.entity.id).collect();
    entities.sort();
    let mut taken = vec![first, third];
    taken.sort();
    assert_eq!(entities, taken);
    assert!(runs.iter().all(|run| run.state == RunState::Contained));
    world.nothing_left_over().await;
}

#[tokio::test]
async fn connections_that_are_cut_again_and_again_lose_nothing_that_was_taken() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let mut taken = 0;
    for agent in few() {
        if world.detect_through(&world.door, agent).await == StatusCode::ACCEPTED {
            taken += 1;
        }
        world.database().cut();
        world.pass(Duration::from_millis(200)).await;
    }
    world.pass(LEASE_OVER).await;
    world.settle().await;

    let runs = world.runs().await;
    assert_eq!(runs.len(), taken);
    for run in &runs {
        assert_eq!(run.state, RunState::Contained, "{run:?}");
        assert_eq!(world.switched(run.entity.id), [false], "{run:?}");
    }
    world.nothing_left_over().await;
}

#[tokio::test]
async fn d13_a_server_that_does_not_keep_what_it_says_is_refused() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let name = &world.database().name;

    let set = format!("alter role estop in database {name} set synchronous_commit = off");
    world.database().tell(&set);
    let forgets = world.refused().await;
    world.database().tell(&set.replace("off", "on"));
    let (_another, _door) = world.another().await;

    assert!(forgets.contains("synchronous_commit is `off`"), "{forgets}");
}

#[tokio::test]
async fn d02_a_superuser_is_refused() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let database = world.database();
    database.tell("create role boss superuser login");
    let address = database.address().replace("user=estop", "user=boss");
    let place = Place::read(&address, Path::new("/")).unwrap();

    let opened = Store::open(&place, Entry::Visit, world.clock.clone()).await;

    database.tell("drop role boss");
    let refused = opened.map(drop).unwrap_err().to_string();
    assert!(refused.contains("superuser"), "{refused}");
}

#[tokio::test]
async fn d12_a_connection_that_is_cut_while_it_commits_is_never_called_success() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let (door, agent) = (&world.door, invoice_bot());
    world.database().tell(
        "create function cut() returns trigger language plpgsql as $$ begin \
             perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5); return null; \
         end $$; \
         create constraint trigger cut after insert on delivery \
             deferrable initially deferred for each row execute function cut()",
    );

    let cut = world.detect_through(door, agent).await;
    world.database().tell("drop trigger cut on delivery");
    let again = world.detect_through(door, agent).await;
    world.settle().await;

    assert_eq!(cut, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(again, StatusCode::ACCEPTED);
    assert_eq!(world.only_run().await.state, RunState::Contained);
    assert_eq!(world.switched(agent), [false]);
}

#[tokio::test]
async fn a_newer_schema_is_worked_on_beside_a_newer_service_unless_it_says_no() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    world.database().tell(
        "alter table run add column later text; \
         insert into migration values (900, 'later', '\\x00', 25)",
    );
    let (second, door) = world.another().await;
    let status = world.detect_through(&door, agents()[1]).await;
    world.pass(LEASE_OVER).await;
    world.settle().await;
    drop(second);
    world
        .database()
        .tell("insert into migration values (901, 'much later', '\\x00', 900)");
    let refused = world.refused().await;

    assert_eq!(status, StatusCode::ACCEPTED);
    let runs = world.runs().await;
    assert!(runs.iter().all(|run| run.state == RunState::Contained));
    assert!(refused.contains("step 901"), "{refused}");
}
