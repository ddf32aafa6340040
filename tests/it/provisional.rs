//! Contained now, kept by a person or ended as the playbook says: exactly once, whatever happens.

use std::time::Duration;

use estop::domain::entity::Entity;
use estop::domain::order::OrderKind;
use estop::domain::playbook::ServiceMode;
use estop::domain::run::RunState;
use estop::sim::{Aspect, Switch};
use http::StatusCode;

use crate::approvals::{STRIDE, again, playbook, with_playbook};
use crate::containment::user_of;
use crate::power::Desk;
use crate::world::{Setting, World, invoice_bot};

const HOUR: Duration = Duration::from_secs(3600);

fn provisional(on_timeout: &str) -> String {
    let approval = format!("from: [soc-leads], within: 60m, on_timeout: {on_timeout}");
    playbook("provisional", &approval)
}

/// A desk with the usual agent contained provisionally.
async fn held(on_timeout: &str) -> Desk {
    let desk = Desk::with(with_playbook(provisional(on_timeout))).await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    let run = desk.world.only_run().await;
    assert_eq!(run.state, RunState::Contained, "{run:?}");
    desk
}

#[tokio::test]
async fn the_service_and_the_source_cap_it_like_every_other_mode() {
    let capped = async |mode: &str, may: &'static str| {
        let usual = with_playbook(provisional("undo"));
        let desk = Desk::with(Setting {
            yaml: format!("mode: {mode}\nprotected: []\n"),
            may,
            ..usual
        })
        .await;
        desk.world.detect_agent(invoice_bot()).await;
        desk.world.settle().await;
        let run = desk.world.only_run().await;
        let asked = desk.get("/v1/approvals").await.body;
        let asked = asked["approvals"].as_array().unwrap().clone();
        (desk, run.state, asked)
    };

    let (desk, watched, nobody) = capped("observe", "enforce").await;
    assert_eq!((watched, nobody.len()), (RunState::Observed, 0));
    assert!(desk.world.writes().is_empty());
    // Silence has nothing to end, and a changed mode takes up nothing of it.
    let mode = ServiceMode::Enforce;
    desk.world.order(OrderKind::Mode { mode }).await.unwrap();
    desk.world.pass_in(2 * HOUR, STRIDE).await;
    assert_eq!(desk.world.only_run().await.state, RunState::Observed);
    assert!(desk.world.writes().is_empty());
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    let shown = desk.shown().await;
    assert_eq!(
        (&shown["about"], &shown["state"]),
        (&"keep".into(), &"asked".into())
    );
    // Observe binds its end as well: nothing is put back until writes are allowed again.
    let mode = ServiceMode::Observe;
    desk.world.order(OrderKind::Mode { mode }).await.unwrap();
    desk.world.pass_in(2 * HOUR, STRIDE).await;
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    let mode = ServiceMode::Enforce;
    desk.world.order(OrderKind::Mode { mode }).await.unwrap();
    let back = || async { desk.world.switched(invoice_bot()) == [false, true] };
    assert!(desk.world.until(back).await, "its end was lost");

    let (desk, watched, nobody) = capped("enforce", "observe").await;
    assert_eq!((watched, nobody.len()), (RunState::Observed, 0));
    assert!(desk.world.writes().is_empty());

    let (desk, waiting, asked) = capped("enforce", "ask").await;
    assert_eq!((waiting, asked.len()), (RunState::Waiting, 1));
    assert_eq!(asked[0]["about"], "begin");
    assert!(desk.world.writes().is_empty());
}

fn confirmed(world: &World) -> usize {
    world.effects_of(invoice_bot(), Aspect::Risk).len()
}

#[tokio::test]
async fn what_has_no_way_back_goes_out_only_when_a_person_keeps_it() {
    let desk = held("undo").await;
    let ada = desk.lead(1).await;
    let shown = desk.shown().await;
    let before = (desk.world.switched(invoice_bot()), confirmed(&desk.world));

    let kept = desk.approves(&ada, &shown).await;
    desk.world.settle().await;
    desk.world.pass_in(2 * HOUR, STRIDE).await;

    assert_eq!(before, (vec![false], 0));
    assert_eq!(shown["about"], "keep");
    assert_eq!(shown["then"], "it is put back");
    assert_eq!(kept.status, StatusCode::ACCEPTED, "{}", kept.text);
    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert_eq!(confirmed(&desk.world), 1);
    assert_eq!(desk.recorded("approval.asked").await, 1);
    assert_eq!(desk.told_of("kept by person:person-1").await, 1);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn silence_puts_it_back_once() {
    let desk = held("undo").await;

    desk.world
        .pass_in(HOUR - Duration::from_secs(10), STRIDE)
        .await;
    let before = desk.world.only_run().await.state;
    desk.world.pass_in(Duration::from_secs(60), STRIDE).await;
    desk.world.settle().await;
    desk.world.pass_in(2 * HOUR, STRIDE).await;

    assert_eq!(before, RunState::Contained);
    assert_eq!(desk.world.only_run().await.state, RunState::Undone);
    assert_eq!(desk.world.switched(invoice_bot()), [false, true]);
    assert_eq!(desk.world.switched(user_of(invoice_bot())), [false, true]);
    assert_eq!(confirmed(&desk.world), 0);
    assert_eq!(desk.told_of("nobody kept it in time").await, 1);
    assert_eq!(desk.recorded("approval.expired").await, 1);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn silence_keeps_it_where_the_playbook_says_so_and_confirms_nothing() {
    let desk = held("keep").await;

    desk.world.pass_in(2 * HOUR, STRIDE).await;

    assert_eq!(desk.world.only_run().await.state, RunState::Contained);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert_eq!(confirmed(&desk.world), 0);
    assert_eq!(desk.told_of("it stays contained").await, 2);
    assert_eq!(desk.recorded("approval.expired").await, 1);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn a_crash_anywhere_around_the_end_neither_forgets_nor_repeats_it() {
    for seconds in [3595, 3600, 3605, 3610] {
        let desk = held("undo").await;
        let asked = desk.shown().await["id"].clone();
        desk.world
            .pass_in(Duration::from_secs(seconds), STRIDE)
            .await;

        let desk = again(desk).await;
        desk.world.pass_in(Duration::from_secs(120), STRIDE).await;
        let desk = again(desk).await;
        desk.world.pass_in(Duration::from_secs(120), STRIDE).await;

        let run = desk.world.only_run().await;
        assert_eq!(run.state, RunState::Undone, "{seconds}: {run:?}");
        assert_eq!(
            desk.world.switched(invoice_bot()),
            [false, true],
            "{seconds}"
        );
        assert_eq!(desk.shown().await["id"], asked, "{seconds}");
        assert_eq!(desk.recorded("approval.asked").await, 1, "{seconds}");
        assert_eq!(desk.recorded("approval.expired").await, 1, "{seconds}");
        desk.world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn a_crash_before_anyone_was_asked_asks_once() {
    let desk = Desk::with(with_playbook(provisional("undo"))).await;
    desk.world.detect_agent(invoice_bot()).await;
    let struck = || async { !desk.world.switched(invoice_bot()).is_empty() };
    assert!(desk.world.until(struck).await);

    let desk = again(desk).await;
    desk.world.settle().await;
    let state = desk.world.only_run().await.state;

    assert_eq!(state, RunState::Contained);
    assert_eq!(desk.recorded("approval.asked").await, 1);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn nothing_is_undone_by_silence_while_another_detection_is_open() {
    let desk = held("undo").await;
    desk.world.pass_in(Duration::from_secs(600), STRIDE).await;
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;

    desk.world
        .pass_in(HOUR - Duration::from_secs(500), STRIDE)
        .await;
    let runs = desk.world.runs().await;

    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].state, RunState::Contained, "{:?}", runs[0]);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    assert_eq!(desk.told_of("is open on the same entity").await, 1);

    // The second is asked about for itself; the first stays a person's to decide.
    desk.world.pass_in(HOUR, STRIDE).await;
    assert_eq!(desk.world.switched(invoice_bot()), [false]);
    desk.world.undo(runs[0].id).await;
    desk.world.undo(runs[1].id).await;
    desk.world.settle().await;
    assert_eq!(desk.world.switched(invoice_bot()), [false, true]);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn a_no_puts_it_back_at_once_and_an_undo_ends_the_question() {
    let desk = held("keep").await;
    let ada = desk.lead(1).await;
    let shown = desk.shown().await;
    let no = desk.denies(&ada, &shown).await;
    desk.world.settle().await;
    assert_eq!(no.status, StatusCode::ACCEPTED, "{}", no.text);
    assert_eq!(desk.world.only_run().await.state, RunState::Undone);
    assert_eq!(desk.world.switched(invoice_bot()), [false, true]);

    let desk = held("undo").await;
    let run = desk.world.only_run().await.id;
    desk.world.undo(run).await;
    desk.world.settle().await;
    desk.world.pass_in(2 * HOUR, STRIDE).await;

    assert_eq!(desk.shown().await["state"], "void");
    assert_eq!(desk.world.state(run).await, RunState::Undone);
    assert_eq!(desk.world.switched(invoice_bot()), [false, true]);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn the_brake_holds_an_end_back_and_does_not_lose_it() {
    let desk = held("undo").await;
    let ada = desk.lead(1).await;
    let shown = desk.shown().await;
    desk.world.order(OrderKind::TripBrake).await.unwrap();

    let no = desk.denies(&ada, &shown).await;
    desk.world
        .pass_in(HOUR + Duration::from_secs(60), STRIDE)
        .await;
    let braked = desk.world.switched(invoice_bot());
    desk.world.order(OrderKind::ResetBrake).await.unwrap();
    desk.world.settle().await;

    assert_eq!(no.body["code"], "brake-tripped", "{}", no.text);
    assert_eq!(braked, [false]);
    assert_eq!(desk.world.switched(invoice_bot()), [false, true]);
    assert_eq!(desk.world.only_run().await.state, RunState::Undone);
    desk.world.nothing_left_over().await;
}

#[tokio::test]
async fn e13_silence_puts_nothing_back_that_was_off_before_us() {
    let desk = Desk::with(with_playbook(provisional("undo"))).await;
    desk.world
        .entra
        .foreign_write(|tenant| tenant.switch(invoice_bot().uuid(), Switch::Disabled));
    desk.world.detect_agent(invoice_bot()).await;
    desk.world.settle().await;

    desk.world
        .pass_in(HOUR + Duration::from_secs(60), STRIDE)
        .await;
    desk.world.settle().await;

    let agent = desk.world.entra.agent(invoice_bot().uuid()).unwrap();
    assert!(!agent.account_enabled);
    assert!(desk.world.switched(invoice_bot()).is_empty());
    assert_eq!(desk.world.only_run().await.state, RunState::Undone);
}

#[tokio::test]
async fn e14_e15_silence_opens_nothing_that_a_person_holds_and_keeps_what_was_opened() {
    let desk = held("undo").await;
    let theirs = desk.world.contain(Entity::agent(invoice_bot())).await;
    desk.world.settle().await;
    desk.world
        .pass_in(HOUR + Duration::from_secs(60), STRIDE)
        .await;
    assert_eq!(desk.world.state(theirs).await, RunState::Contained);
    assert_eq!(desk.world.switched(invoice_bot()), [false]);

    let desk = held("undo").await;
    desk.world
        .entra
        .foreign_write(|tenant| tenant.switch(invoice_bot().uuid(), Switch::Enabled));
    desk.world
        .pass_in(HOUR + Duration::from_secs(60), STRIDE)
        .await;
    desk.world.settle().await;
    let agent = desk.world.entra.agent(invoice_bot().uuid()).unwrap();
    assert!(agent.account_enabled);
    assert_eq!(desk.world.only_run().await.state, RunState::Undone);
    desk.world.nothing_left_over().await;
}
