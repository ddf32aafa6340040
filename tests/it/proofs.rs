//! What is called contained, and what is not: replicas that lag, flap and lie.

use std::time::Duration;

use estop::domain::coverage::DoorState;
use estop::domain::entity::Entity;
use estop::domain::moment::Span;
use estop::domain::run::RunState;
use estop::sim::{Fault, Lag, On, Switch, What};

use crate::containment::finance;
use crate::world::{World, invoice_bot};

fn patch() -> On {
    On::request("PATCH", "agentIdentity$")
}

fn stale(lag: Lag) -> Fault {
    Fault::new(patch(), What::StaleReads(lag))
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn g08_replicas_that_lag_or_flap_delay_the_proof_and_nothing_else() {
    for lag in [
        Lag::Reads(1),
        Lag::Reads(5),
        Lag::For(Span(seconds(20))),
        Lag::Flapping(6),
        Lag::Flapping(7),
    ] {
        let world = World::new().await;
        world.entra.push_fault(stale(lag));

        world.detect_agent(invoice_bot()).await;
        world.settle().await;

        let run = world.only_run().await;
        assert_eq!(run.state, RunState::Contained, "{lag:?} {:?}", run.because);
        assert_eq!(world.switched(invoice_bot()), [false], "{lag:?}");
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn g08_a_run_whose_proof_comes_late_is_unknown_until_then() {
    let world = World::new().await;
    world.entra.push_fault(stale(Lag::For(Span(seconds(200)))));

    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let early = world.only_run().await;
    world.pass(seconds(300)).await;

    assert_eq!(early.state, RunState::Unknown);
    assert_eq!(early.contained_at, None);
    assert_eq!(world.only_run().await.state, RunState::Contained);
    assert_eq!(
        world.switched(invoice_bot()),
        [false],
        "nothing is fought over"
    );
    world.nothing_left_over().await;
}

/// It is read again in a minute, and by the clock that is right that is in an hour.
#[tokio::test]
async fn e09_a_clock_that_is_put_back_holds_up_no_proof() {
    let world = World::new().await;
    world.hand.put_forward(3_600_000);
    world.entra.push_fault(stale(Lag::Reads(60)));
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let early = world.only_run().await.state;

    world.hand.put_forward(-3_600_000);
    world.pass(seconds(600)).await;

    assert_eq!(early, RunState::Unknown);
    assert_eq!(world.only_run().await.state, RunState::Contained);
}

#[tokio::test]
async fn g08_a_second_run_does_not_lose_its_way_over_a_stale_replica() {
    let world = World::new().await;
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    // Someone enables it, we close it again, and that write is read back late.
    world
        .entra
        .foreign_write(|tenant| tenant.switch(invoice_bot().uuid(), Switch::Enabled));
    world.entra.push_fault(stale(Lag::For(Span(seconds(100)))));

    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let second = world.runs().await.remove(1);
    world.pass(seconds(200)).await;

    assert_eq!(second.state, RunState::Unknown);
    assert_eq!(world.state(second.id).await, RunState::Contained);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn g08_an_undo_right_after_the_kill_is_not_fooled_by_old_news() {
    let world = World::new().await;
    world.entra.push_fault(stale(Lag::For(Span(seconds(90)))));
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.settle().await;
    assert_eq!(world.state(run).await, RunState::Unknown);

    world.undo(run).await;
    world.settle().await;

    assert!(
        world
            .entra
            .agent(invoice_bot().uuid())
            .unwrap()
            .account_enabled
    );
    assert_eq!(world.state(run).await, RunState::Undone);
    world.pass(seconds(120)).await;
    world.nothing_left_over().await;
}

#[tokio::test]
async fn g08_what_was_accepted_without_effect_is_never_called_contained() {
    let world = World::new().await;
    world
        .entra
        .push_fault(Fault::new(patch().always(), What::NoEffect));

    let detection = serde_json::json!({
        "type": "threatIntelligenceAccount", "severity": "high",
        "detected_at": world.clock.now().to_string(),
        "entities": [{ "kind": "agent", "id": invoice_bot().to_string() }],
    });
    let location = world.post_for_location(&detection.to_string()).await;
    world.settle().await;

    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Unknown, "{:?}", run.because);
    assert_eq!(run.contained_at, None);
    let told = world.told().await;
    assert!(
        told.iter().any(|text| text.contains("could not read back")),
        "{told:?}"
    );
    let status = world.get(&location).await.to_string().to_lowercase();
    assert!(!status.contains("contained"), "{status}");
    let doors = run.coverage.unwrap().doors;
    let unverified =
        |report: &&estop::domain::coverage::DoorReport| report.state == DoorState::Unverified;
    assert_eq!(doors.iter().filter(unverified).count(), 1, "{doors:?}");
    // The next day it is still unknown, and nobody claims otherwise.
    world.pass_in(seconds(600), seconds(5)).await;
    assert_eq!(world.only_run().await.state, RunState::Unknown);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn an_agent_whose_blueprint_is_off_counts_as_closed() {
    let world = World::new().await;
    world
        .entra
        .foreign_write(|tenant| tenant.switch(finance().uuid(), Switch::Disabled));
    world
        .entra
        .push_fault(Fault::new(patch().always(), What::NoEffect));

    world.detect_agent(invoice_bot()).await;
    world.settle().await;

    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Contained, "{:?}", run.because);
    let doors = format!("{:?}", run.coverage);
    assert!(
        doors.contains("its blueprint's accountEnabled reads false"),
        "{doors}"
    );
    world.nothing_left_over().await;
}

#[tokio::test]
async fn g15_an_agent_without_a_readable_switch_is_not_called_closed() {
    let world = World::new().await;
    let id = invoice_bot();
    let body = format!(r#"{{"id":"{id}","accountEnabled":"false"}}"#);
    let on = On::request("GET", &format!("{id}/microsoft.graph.agentIdentity"));
    let what = What::Garbage(estop::sim::Garbage::Body(body));
    world
        .entra
        .push_fault(Fault::new(on.after(1).always(), what));

    world.detect_agent(id).await;
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Unknown);
    world.nothing_left_over().await;
}
