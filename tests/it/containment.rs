//! From a signed detection to a stopped agent.

use estop::domain::coverage::{Door, DoorState};
use estop::domain::run::RunState;
use estop::domain::step::StepState;

use crate::world::{World, invoice_bot};

#[tokio::test]
async fn a_signed_detection_stops_the_agent_and_its_user() {
    let world = World::new().await;

    world
        .detect("threatIntelligenceAccount", "agent", invoice_bot())
        .await;
    world.settle().await;

    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Contained, "{:?}", run.because);
    assert!(
        !world
            .entra
            .agent(invoice_bot().uuid())
            .unwrap()
            .account_enabled
    );
    for step in world.steps(run.id).await {
        assert_eq!(step.state, StepState::Ok, "{step:?}");
    }
    let coverage = run.coverage.unwrap();
    let closed = |door| {
        coverage
            .doors
            .iter()
            .any(|report| report.door == door && report.state == DoorState::Closed)
    };
    assert!(
        closed(Door::AgentIdentity) && closed(Door::AgentUsers),
        "{coverage:?}"
    );
    world.chain_holds().await;
}
