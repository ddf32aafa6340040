//! The end of a hold: as the playbook says, once, and never against a newer word.

use std::time::Duration;

use estop::domain::entity::Entity;
use estop::domain::order::OrderKind;
use estop::domain::run::RunState;
use estop::sim::Switch;
use http::StatusCode;

use super::{HOUR, STRIDE, held, is_on, portal, provisional};
use crate::approvals::again;
use crate::power::Desk;
use crate::world::invoice_bot;

#[tokio::test]
async fn a_hold_is_shown_with_its_end_and_what_comes_then() {
    let desk = held("for: 2h, then: undo, reassert_max: 2").await;

    let holds = desk.get("/v1/holds").await.body;
    let run = desk.world.only_run().await.id;
    let shown = desk.get(&format!("/v1/runs/{run}")).await.body;
    let one = desk.get(&format!("/v1/holds/{}", invoice_bot())).await;

    let hold = &holds["holds"][0];
    assert_eq!(hold["id"], invoice_bot().to_string());
    assert_eq!(hold["state"], "closed");
    assert_eq!(hold["holds"][0]["run"], run.to_string());
    assert_eq!(hold["holds"][0]["then"], "undo");
    assert_eq!(hold["holds"][0]["reassert_max"], 2);
    assert!(hold["holds"][0]["until"].is_string(), "{hold}");
    assert_eq!(shown["holds"][0], *hold);
    assert_eq!((one.status, &one.body), (StatusCode::OK, hold));
    assert_eq!(desk.get("/v1/holds/1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_hold_that_ends_in_undo_is_put_back_once_whenever_it_dies() {
    for seconds in [7190, 7200, 7206, 7212] {
        let desk = held("for: 2h, then: undo").await;
        desk.world
            .pass_in(Duration::from_secs(seconds), STRIDE)
            .await;

        let desk = again(desk).await;
        desk.world.pass_in(Duration::from_secs(120), STRIDE).await;
        let desk = again(desk).await;
        desk.world.pass_in(HOUR, STRIDE).await;

        let run = desk.world.only_run().await;
        assert_eq!(run.state, RunState::Undone, "{seconds}: {run:?}");
        assert_eq!(desk.world.switched(invoice_bot()), [false, true]);
        assert_eq!(desk.recorded("hold.over").await, 1, "{seconds}");
        assert_eq!(
            desk.get("/v1/holds").await.body["holds"]
                .as_array()
                .unwrap()
                .len(),
            0
        );
        desk.world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn a_hold_that_ends_in_keep_stays_and_is_told() {
    let desk = held("for: 1h, then: keep").await;

    desk.world.pass_in(3 * HOUR, STRIDE).await;

    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    assert!(!is_on(&desk));
    assert_eq!(desk.recorded("hold.over").await, 1);
    assert_eq!(
        desk.told_of("it stays contained, as the playbook says")
            .await,
        1
    );
}

#[tokio::test]
async fn a_hold_that_asks_is_kept_or_released_by_a_person() {
    for yes in [true, false] {
        let desk = held("for: 1h, then: ask").await;
        let ada = desk.lead(1).await;
        desk.world.pass_in(HOUR + STRIDE, STRIDE).await;
        let shown = desk.shown().await;
        assert_eq!(shown["about"], "hold");
        assert_eq!(
            shown["then"],
            "it stays contained, and is asked about again"
        );

        let word = if yes {
            desk.approves(&ada, &shown).await
        } else {
            desk.denies(&ada, &shown).await
        };
        desk.world.settle().await;

        assert_eq!(word.status, StatusCode::ACCEPTED, "{}", word.text);
        assert_eq!(is_on(&desk), !yes);
        let run = desk.world.only_run().await;
        let state = if yes {
            RunState::Contained
        } else {
            RunState::Undone
        };
        assert_eq!(run.state, state, "{run:?}");
        // A yes holds for the same time again, and then people are asked again.
        desk.world.pass_in(HOUR + STRIDE, STRIDE).await;
        let asked = if yes { 2 } else { 1 };
        assert_eq!(desk.recorded("approval.asked").await, asked);
    }
}

#[tokio::test]
async fn silence_about_a_hold_keeps_it_and_asks_again() {
    let desk = held("for: 1h, then: ask").await;

    desk.world.pass_in(26 * HOUR, Duration::from_secs(60)).await;
    let first = desk.recorded("approval.expired").await;
    let told = desk.told_of("nobody answered in time").await;
    desk.world.pass_in(2 * HOUR, Duration::from_secs(60)).await;

    assert_eq!((first, told), (1, 1));
    assert_eq!(desk.recorded("approval.asked").await, 2);
    assert!(!is_on(&desk));
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
}

#[tokio::test]
async fn a_no_that_an_undo_must_say_more_for_is_sent_to_the_undo() {
    let mut setting = super::setting("for: 1h, then: ask");
    let text = super::playbook("for: 1h, then: ask");
    setting.playbooks = vec![(
        "held.yaml",
        text.replace(
            "  - disable_agent\n",
            "  - disable_agent\n  - confirm_compromised\n",
        ),
    )];
    let desk = crate::power::Desk::with(setting).await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let ada = desk.lead(1).await;
    desk.world.pass_in(HOUR + STRIDE, STRIDE).await;
    let shown = desk.shown().await;

    let no = desk.denies(&ada, &shown).await;
    let run = desk.world.only_run().await.id;
    desk.world.undo(run).await;
    desk.world.settle().await;

    assert_eq!(no.body["code"], "undo-must-say-more", "{}", no.text);
    assert_eq!(desk.shown().await["state"], "void");
    assert!(is_on(&desk));
}

#[tokio::test]
async fn e15_nothing_is_put_back_by_time_while_another_word_stands_against_it() {
    // Another detection, a person's order, a person who kept it, someone who closed it again.
    let desk = held("for: 2h, then: undo").await;
    desk.world.pass_in(HOUR, STRIDE).await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    desk.world.pass_in(HOUR + STRIDE, STRIDE).await;
    assert!(!is_on(&desk));
    assert_eq!(desk.shown().await["about"], "hold");
    assert_eq!(desk.told_of("is open on the same entity").await, 1);

    let desk = held("for: 2h, then: undo").await;
    desk.world.contain(Entity::agent(invoice_bot())).await;
    desk.world.settle().await;
    desk.world.pass_in(2 * HOUR + STRIDE, STRIDE).await;
    assert!(!is_on(&desk));
    assert_eq!(desk.world.switched(invoice_bot()).last(), Some(&false));

    let desk = held("for: 2h, then: undo").await;
    portal(&desk, Switch::Enabled);
    desk.world.pass_in(Duration::from_secs(60), STRIDE).await;
    portal(&desk, Switch::Disabled);
    desk.world.pass_in(2 * HOUR, STRIDE).await;
    assert!(
        !is_on(&desk),
        "someone closed it, and theirs is the newer word"
    );
    assert_eq!(desk.told_of("closed by someone else").await, 1);
}

#[tokio::test]
async fn e15_what_a_person_kept_is_not_put_back_by_time() {
    let desk = Desk::with(provisional("for: 2h, then: undo")).await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let ada = desk.lead(1).await;
    let kept = desk.approves(&ada, &desk.shown().await).await;
    desk.world.settle().await;

    desk.world.pass_in(2 * HOUR + STRIDE, STRIDE).await;

    assert_eq!(kept.status, StatusCode::ACCEPTED, "{}", kept.text);
    assert!(!is_on(&desk));
    assert_eq!(desk.shown().await["about"], "hold");
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
}

#[tokio::test]
async fn the_brake_holds_the_end_of_a_hold_back_and_does_not_lose_it() {
    let desk = held("for: 1h, then: undo").await;
    desk.world.order(OrderKind::TripBrake).await.unwrap();

    desk.world
        .pass_in(HOUR + Duration::from_secs(60), STRIDE)
        .await;
    let braked = desk.world.switched(invoice_bot());
    desk.world.order(OrderKind::ResetBrake).await.unwrap();
    desk.world.settle().await;

    assert_eq!(braked, [false]);
    assert_eq!(desk.world.switched(invoice_bot()), [false, true]);
    assert_eq!(desk.world.only_run().await.state, RunState::Undone);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn the_command_line_says_until_when_it_is_held_and_what_drifted() {
    let desk = held("for: 2h, then: ask").await;
    portal(&desk, Switch::Enabled);
    desk.world.pass_in(Duration::from_secs(60), STRIDE).await;
    let run = desk.world.only_run().await.id.to_string();

    let list = desk.types(&["holds", "list"]).await;
    let show = desk
        .types(&["holds", "show", &invoice_bot().to_string()])
        .await;
    let shown = desk.types(&["runs", "show", &run]).await;
    let status = desk.types(&["status"]).await;

    for said in [&list, &show, &shown] {
        for part in ["people are asked", "enabled: left", &run] {
            assert!(said.output.contains(part), "{part}: {}", said.output);
        }
    }
    let summed = "1 held, 1 not as it was left, the next ends at";
    assert!(status.output.contains(summed), "{}", status.output);
}
