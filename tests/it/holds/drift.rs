//! What is held is looked at again: closed again as often as the playbook says, and then a person's.

use std::time::Duration;

use estop::domain::order::OrderKind;
use estop::domain::run::RunState;
use estop::sim::Switch;

use super::{STRIDE, held, is_on, portal};
use crate::approvals::again;
use crate::world::invoice_bot;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn e19_what_is_opened_is_closed_again_and_then_a_person_is_asked_about_the_blueprint() {
    let desk = held("for: 7d, then: ask, reassert_max: 2").await;

    for round in 1..=2 {
        portal(&desk, Switch::Enabled);
        desk.world.pass_in(2 * MINUTE, STRIDE).await;
        desk.world.settle().await;
        assert!(!is_on(&desk), "round {round}");
        assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    }
    portal(&desk, Switch::Enabled);
    desk.world.pass_in(2 * MINUTE, STRIDE).await;

    assert!(is_on(&desk), "it was closed again often enough");
    assert_eq!(desk.world.switched(invoice_bot()), [false; 3]);
    let runs = desk.world.runs().await;
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert_eq!(runs[0].state, RunState::Partial, "{:?}", runs[0].because);
    assert_eq!(runs[1].state, RunState::Waiting);
    assert_eq!(runs[1].entity.kind.word(), "blueprint");
    assert_eq!(runs[1].playbook.as_str(), "drift");
    assert_eq!(desk.told_of("closed again 2 times within an hour").await, 1);
    let held = &desk.get("/v1/holds").await.body["holds"][0];
    assert_eq!(held["state"], "unverified");
    assert_eq!(held["drift"][0]["answer"], "given_up");
    assert_eq!(held["drift"].as_array().unwrap().len(), 3);
    // Told and proposed once, however often it is looked at.
    desk.world.pass_in(10 * MINUTE, STRIDE).await;
    assert_eq!(desk.world.runs().await.len(), 2);
    assert_eq!(desk.recorded("entity.drifted").await, 3);
    let shown = desk.shown().await;
    let ada = desk.lead(1).await;
    desk.approves(&ada, &shown).await;
    desk.world.settle().await;
    assert_eq!(desk.world.runs().await[1].state, RunState::Contained);
}

#[tokio::test]
async fn without_a_word_of_the_playbook_nothing_is_closed_again() {
    let desk = held("for: 7d, then: ask").await;

    portal(&desk, Switch::Enabled);
    desk.world.pass_in(5 * MINUTE, STRIDE).await;

    assert!(is_on(&desk));
    let run = desk.world.only_run().await;
    assert_eq!(
        run.state,
        RunState::Partial,
        "what reads open is not contained"
    );
    assert_eq!(
        desk.told_of("no playbook says that it may be closed again")
            .await,
        1
    );
    // Whoever closes it again has the newest word, and it is over.
    portal(&desk, Switch::Disabled);
    desk.world.pass_in(MINUTE, STRIDE).await;
    let held = &desk.get("/v1/holds").await.body["holds"][0];
    assert_eq!(
        (&held["state"], &held["drift"][0]["over_by"]),
        (&"closed".into(), &"someone".into())
    );
}

#[tokio::test]
async fn e13_what_was_off_before_us_is_closed_again_and_stays_off_after_the_undo() {
    let desk =
        crate::power::Desk::with(super::setting("for: 7d, then: ask, reassert_max: 2")).await;
    portal(&desk, Switch::Disabled);
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;

    portal(&desk, Switch::Enabled);
    desk.world.pass_in(2 * MINUTE, STRIDE).await;
    desk.world.settle().await;
    let closed = is_on(&desk);
    let run = desk.world.only_run().await.id;
    desk.world.undo(run).await;
    desk.world.settle().await;

    assert!(!closed);
    assert!(!is_on(&desk), "it was off before us");
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn e14_nothing_is_closed_again_after_a_persons_undo() {
    let desk = held("for: 7d, then: ask, reassert_max: 5").await;
    let run = desk.world.only_run().await.id;
    desk.world.undo(run).await;
    desk.world.settle().await;

    desk.world.pass_in(5 * MINUTE, STRIDE).await;

    assert!(is_on(&desk));
    assert_eq!(desk.world.switched(invoice_bot()), [false, true]);
    assert_eq!(desk.recorded("entity.drifted").await, 0);
}

#[tokio::test]
async fn under_the_brake_it_stays_open_and_is_closed_once_writes_are_allowed() {
    let desk = held("for: 7d, then: ask, reassert_max: 1").await;
    desk.world.order(OrderKind::TripBrake).await.unwrap();
    portal(&desk, Switch::Enabled);

    desk.world.pass_in(2 * MINUTE, STRIDE).await;
    let braked = is_on(&desk);
    desk.world.order(OrderKind::ResetBrake).await.unwrap();
    desk.world.pass_in(2 * MINUTE, STRIDE).await;
    desk.world.settle().await;

    assert!(braked);
    assert!(!is_on(&desk));
    assert_eq!(desk.told_of("writes are stopped").await, 1);
}

#[tokio::test]
async fn a_crash_while_it_is_closed_again_closes_it_once() {
    let desk = held("for: 7d, then: ask, reassert_max: 1").await;
    portal(&desk, Switch::Enabled);
    let struck = || async { desk.recorded("entity.drifted").await > 0 };
    assert!(desk.world.until(struck).await);

    let desk = again(desk).await;
    desk.world.pass_in(2 * MINUTE, STRIDE).await;
    desk.world.settle().await;

    assert!(!is_on(&desk));
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    assert_eq!(desk.recorded("entity.drifted").await, 1);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn a_new_credential_and_a_new_agent_of_a_blueprint_are_told_once() {
    let desk = held("for: 7d, then: ask, reassert_max: 1").await;
    let (blueprint, ids) = crate::inventory::blueprint_named(&desk.world, "Finance-Agents");
    desk.world.contain(blueprint).await;
    desk.world.settle().await;
    desk.world.pass_in(2 * MINUTE, STRIDE).await;
    let calm = desk.recorded("entity.drifted").await;

    desk.world.entra.foreign_write(move |tenant| {
        tenant.add_agent("newcomer", ids);
        let key = uuid::Uuid::from_u128(0xC0FFEE).to_string();
        let body = serde_json::json!({
            "keyId": key, "displayName": "late", "endDateTime": "2027-01-01T00:00:00Z",
        });
        tenant.put(
            estop::sim::Shelf::Secrets,
            &key,
            estop::sim::Item {
                owner: ids.principal,
                body,
            },
        );
    });
    desk.world.pass_in(5 * MINUTE, STRIDE).await;

    assert_eq!(calm, 0);
    assert_eq!(desk.told_of("new agent(s) hang from it").await, 1);
    // Told for the agent and for the blueprint, which are both held.
    assert_eq!(desk.told_of("new credential(s)").await, 2);
    assert_eq!(desk.recorded("entity.drifted").await, 3);
    // The blueprint is contained already, so nobody is asked about it again.
    assert_eq!(desk.world.runs().await.len(), 2);
}
