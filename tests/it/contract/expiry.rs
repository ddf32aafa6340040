//! A token that ends in the middle of a run, at any request of it.

use estop::domain::run::RunState;
use estop::sim::{Effect, Fault, On, What};

use crate::world::{World, invoice_bot};

/// Contains one agent and says what changed in the tenant. Steps of different entities run beside
/// each other, so the order says nothing.
async fn contained(world: &World) -> Vec<String> {
    world.detect_agent(invoice_bot()).await;
    world.settle().await;
    let run = world.only_run().await;
    assert_eq!(run.state, RunState::Contained, "{:?}", run.because);
    let effects = world.entra.effects();
    let shown = |it: &Effect| format!("{} {:?} {}", it.entity, it.aspect, it.to);
    let mut changes: Vec<String> = effects.iter().map(shown).collect();
    changes.sort();
    changes
}

#[tokio::test]
async fn g06_a_token_that_ends_between_any_two_requests_of_a_run_changes_nothing_about_it() {
    let healthy = World::new().await;
    let before = healthy.entra.journal_len();
    let usual = contained(&healthy).await;
    let requests = u32::try_from(healthy.entra.journal_len() - before).unwrap();
    assert!(requests > 3, "{requests}");

    for at in 0..requests {
        let world = World::new().await;
        let on = On::any().after(at);
        world
            .entra
            .push_fault(Fault::new(on, What::ClaimsChallenge));

        assert_eq!(contained(&world).await, usual, "at request {at}");
    }
}
