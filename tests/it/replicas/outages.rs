//! The database is away, is cut off, or ends and comes back: nothing that was taken is lost, nothing
//! is done twice, and senders hear "later".

use std::time::Duration;

use axum::Router;
use estop::clock::Clock;
use estop::domain::entity::ObjectId;
use estop::domain::run::RunState;
use estop::sim::{Fault, On, What};
use estop::store::RunFilter;
use futures_util::future::join_all;
use http::StatusCode;

use super::line::Line;
use super::{LEASE_OVER, agents, by_a_line, few};
use crate::cluster::{Cluster, Database};
use crate::world::{Message, Setting, World, invoice_bot};

/// How many connections of a service read.
const READERS: usize = 4;
/// Most attempts of a sender before its test is called stuck.
const ATTEMPTS_MAX: usize = 2_000;

/// Sends it again and again until it is taken, as senders do. Answers how often it was told to come later.
async fn insist(world: &World, door: &Router, message: &Message) -> usize {
    for refused in 0..ATTEMPTS_MAX {
        match world.send_through(door, message).await {
            StatusCode::ACCEPTED => return refused,
            StatusCode::SERVICE_UNAVAILABLE => {}
            other => panic!("a sender was told {other}"),
        }
        world.pass(Duration::from_millis(200)).await;
        // A server comes back in the time of the world.
        Clock::system().sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody takes it");
}

/// Each was contained by one run, and was switched once.
async fn each_is_contained_once(world: &World, agents: &[ObjectId]) {
    let runs = world.runs().await;
    assert_eq!(runs.len(), agents.len(), "{runs:?}");
    for run in &runs {
        assert_eq!(run.state, RunState::Contained, "{run:?}");
        assert!(agents.contains(&run.entity.id), "{run:?}");
        assert_eq!(world.switched(run.entity.id), [false], "{run:?}");
    }
    world.nothing_left_over().await;
}

#[tokio::test]
async fn d08_a_database_that_is_away_for_a_second_loses_nothing() {
    away_for(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn d08_a_database_that_is_away_for_a_minute_loses_nothing() {
    away_for(Duration::from_secs(60)).await;
}

/// One strike is on its way when it goes, one detection comes meanwhile.
async fn away_for(span: Duration) {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let (first, second) = (agents()[0], agents()[1]);
    let on = On::request("PATCH", &first.to_string()).always();
    world.entra.push_fault(Fault::new(on, What::HoldRequest));
    world.detect_agent(first).await;
    world.until_held(1).await;

    world.database().shut();
    world.entra.clear_faults();
    world.entra.release();
    let message = world.message(second);
    let at_once = world.send_through(&world.door, &message).await;
    world.pass(span).await;
    let at_last = world.send_through(&world.door, &message).await;
    world.database().open();
    insist(&world, &world.door, &message).await;
    world.pass(LEASE_OVER).await;
    world.settle().await;

    assert_eq!(at_once, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(at_last, StatusCode::SERVICE_UNAVAILABLE);
    each_is_contained_once(&world, &[first, second]).await;
}

#[tokio::test]
async fn d08_a_server_that_ends_under_load_and_comes_back_loses_nothing() {
    let Some(cluster) = Cluster::of_its_own() else {
        return;
    };
    let database = Database::on(cluster.clone());
    let world = World::stored(Setting::default(), Some(database)).await;
    let (_second, second) = world.another().await;
    let doors = [&world.door, &second];

    let restarting = std::thread::spawn(move || cluster.restart());
    let (mut refused, mut sent) = (0, 0);
    let agent = few()[0];
    // What is contained already is taken, and answered by a run of its own.
    while !restarting.is_finished() || sent < few().len() {
        let message = world.message(agent);
        refused += insist(&world, doors[sent % 2], &message).await;
        sent += 1;
    }
    restarting.join().unwrap();
    for agent in &few()[1..] {
        insist(&world, &second, &world.message(agent)).await;
        sent += 1;
    }
    world.pass(LEASE_OVER).await;
    world.settle().await;

    assert!(refused > 0, "it never was away");
    assert_eq!(world.runs().await.len(), sent);
    for agent in few() {
        assert_eq!(world.switched(agent), [false], "{agent}");
    }
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
async fn d12_what_was_stored_although_nobody_said_so_is_met_by_its_key() {
    let Some((world, line)) = by_a_line(Setting::default()).await else {
        return;
    };
    world.breathe().await;
    let message = world.message(invoice_bot());

    line.cut_every(1);
    let cut = world.send_through(&world.door, &message).await;
    line.cut_every(0);
    let again = world.send_through(&world.door, &message).await;
    world.pass(LEASE_OVER).await;
    world.settle().await;

    assert!(line.cuts() > 0);
    assert_eq!(cut, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(again, StatusCode::ACCEPTED);
    each_is_contained_once(&world, &[invoice_bot()]).await;
}

#[tokio::test]
async fn d12_commits_whose_answers_are_lost_leave_one_of_each() {
    for every in [4, 7] {
        cut_again_and_again(|line| line.cut_every(every)).await;
    }
}

#[tokio::test]
async fn d12_a_connection_that_ends_with_its_answer_takes_nothing_with_it() {
    cut_again_and_again(|line| line.cut_after_every(3)).await;
}

/// Senders insist while the line is cut so; then it holds.
async fn cut_again_and_again(cut: impl Fn(&Line)) {
    let Some((world, line)) = by_a_line(Setting::default()).await else {
        return;
    };
    cut(&line);
    for agent in few() {
        insist(&world, &world.door, &world.message(agent)).await;
    }
    world.pass(LEASE_OVER).await;
    line.cut_every(0);
    world.pass(LEASE_OVER).await;
    world.settle().await;

    assert!(line.cuts() > few().len(), "{} cuts", line.cuts());
    each_is_contained_once(&world, &few()).await;
}

#[tokio::test]
async fn a_connection_whose_asker_went_away_is_never_asked_again() {
    let Some((world, line)) = by_a_line(Setting::default()).await else {
        return;
    };
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let store = &world.service.store;
    let all = RunFilter {
        limit: 10,
        ..RunFilter::default()
    };

    line.hold(true);
    let asked = join_all((0..READERS).map(|_| store.runs(all.clone())));
    let real = Clock::system();
    let late = real.within(Duration::from_millis(500), asked).await;
    assert!(late.is_err(), "they were answered");
    let before = line.made();
    line.hold(false);
    let answers = join_all((0..READERS).map(|_| store.standing())).await;

    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(line.made() > before, "an old connection was asked again");
    assert_eq!(store.runs(all).await.unwrap().len(), 1);
}
