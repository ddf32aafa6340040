//! The way back: exactly what was, only if it is still as we left it, and never over a newer kill.

use std::time::Duration;

use estop::domain::action::{Action, RiskVerdict};
use estop::domain::entity::Entity;
use estop::domain::id::RunId;
use estop::domain::order::OrderKind;
use estop::domain::run::RunState;
use estop::domain::step::UndoOutcome;
use estop::sim::{Aspect, Fault, On, RetryAfter, Switch, What};

use crate::containment::{cases, user_of};
use crate::world::{World, invoice_bot};

fn enabled(world: &World) -> bool {
    let agent = world.entra.agent(invoice_bot().uuid());
    agent.unwrap().account_enabled
}

fn someone_switches(world: &World, to: Switch) {
    world
        .entra
        .foreign_write(|tenant| tenant.switch(invoice_bot().uuid(), to));
}

/// The write by which an undo turns the agent on again.
fn turning_on() -> On {
    On::request("PATCH", "agentIdentity$").with_body("true")
}

async fn contained(world: &World) -> RunId {
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.settle().await;
    assert_eq!(world.state(run).await, RunState::Contained);
    run
}

#[tokio::test]
async fn every_action_is_put_back_exactly() {
    for case in cases() {
        let world = World::new().await;
        let run = world.contain_by(case.plan()).await;
        world.settle().await;

        world.undo(run).await;
        world.settle().await;

        let state = world.run(run).await;
        assert_eq!(state.state, RunState::Undone, "{} {state:?}", case.action);
        if case.aspect == Aspect::AccountEnabled {
            assert_eq!(
                world.switched(case.touched),
                [false, true],
                "{}",
                case.action
            );
        }
        let steps = world.steps(run).await;
        let step = steps.iter().find(|step| step.plan.action == case.action);
        let wanted = if case.action == Action::RevokeSessions {
            UndoOutcome::Left
        } else {
            UndoOutcome::Restored
        };
        assert_eq!(step.unwrap().undo, Some(wanted), "{}", case.action);
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn the_risk_becomes_what_the_person_chose() {
    for (risk, state) in [
        (RiskVerdict::Safe, "confirmedSafe"),
        (RiskVerdict::Dismiss, "dismissed"),
        (RiskVerdict::Leave, "confirmedCompromised"),
    ] {
        let world = World::new().await;
        let run = contained(&world).await;

        let risk = Some(risk);
        world.order(OrderKind::Undo { run, risk }).await.unwrap();
        world.settle().await;

        assert_eq!(world.state(run).await, RunState::Undone);
        assert_eq!(world.entra.risk(invoice_bot().uuid()).state, state);
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn without_a_verdict_only_the_risk_is_stuck_and_a_second_word_ends_it() {
    let world = World::new().await;
    let run = contained(&world).await;

    world
        .order(OrderKind::Undo { run, risk: None })
        .await
        .unwrap();
    world.settle().await;
    let first = world.state(run).await;
    let open = enabled(&world);
    world.undo(run).await;
    world.settle().await;

    assert_eq!((first, open), (RunState::Stuck, true));
    assert_eq!(world.state(run).await, RunState::Undone);
    assert_eq!(world.switched(invoice_bot()), [false, true]);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e13_what_was_disabled_before_us_stays_so() {
    let world = World::new().await;
    someone_switches(&world, Switch::Disabled);
    let run = contained(&world).await;

    world.undo(run).await;
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Undone);
    assert!(!enabled(&world));
    assert!(world.switched(invoice_bot()).is_empty());
    assert_eq!(
        world.steps(run).await[0].undo,
        Some(UndoOutcome::NothingToRestore)
    );
    world.nothing_left_over().await;
}

/// Between our look and the next attempt the owner disables it: that is theirs, and an undo must
/// not take it away. Once the wait is short, once it is spent in the store, once the service dies.
#[tokio::test]
async fn e13_what_an_owner_disabled_while_we_were_told_to_wait_stays_so() {
    for (wait, dies) in [(2, false), (40, false), (40, true)] {
        let mut world = World::new().await;
        let retry_after = Some(RetryAfter::Seconds(wait));
        let on = On::request("PATCH", "agentIdentity$");
        let what = What::Throttle { retry_after };
        world.entra.push_fault(Fault::new(on, what));
        let run = world.contain(Entity::agent(invoice_bot())).await;
        assert!(
            world.until(|| told_to_wait(&world)).await,
            "it never struck"
        );
        world.pass(Duration::from_millis(500)).await;

        someone_switches(&world, Switch::Disabled);
        if dies {
            world = world.restart().await;
        }
        world.settle().await;
        let stopped = world.state(run).await;
        let held = world
            .service
            .store
            .containment(Entity::agent(invoice_bot()));
        let held_by = held.await.unwrap().unwrap().held_by;
        world.undo(run).await;
        world.settle().await;

        let about = format!("{wait} {dies} {:?}", world.run(run).await);
        assert_eq!(
            (stopped, held_by),
            (RunState::Contained, vec![run]),
            "{about}"
        );
        assert_eq!(world.state(run).await, RunState::Undone, "{about}");
        assert!(!enabled(&world), "{about}");
        assert!(world.switched(invoice_bot()).is_empty(), "{about}");
        world.nothing_left_over().await;
    }
}

/// Was somebody told to come back later?
async fn told_to_wait(world: &World) -> bool {
    let journal = world.entra.journal();
    journal.iter().any(|it| it.status == Some(429))
}

#[tokio::test]
async fn e14_what_someone_enabled_after_us_is_left_alone() {
    let world = World::new().await;
    let run = contained(&world).await;
    someone_switches(&world, Switch::Enabled);

    world.undo(run).await;
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Undone);
    assert_eq!(world.switched(invoice_bot()), [false]);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e14_what_someone_disables_after_the_undo_is_theirs() {
    let world = World::new().await;
    let run = contained(&world).await;
    world.undo(run).await;
    world.settle().await;

    someone_switches(&world, Switch::Disabled);
    world.pass(Duration::from_secs(300)).await;
    let again = world.order(OrderKind::Undo { run, risk: None }).await;

    assert!(again.is_err(), "an undone run has no second undo");
    assert!(!enabled(&world));
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e14_g15_what_microsoft_disabled_is_stuck_until_microsoft_lets_go() {
    let world = World::new().await;
    let run = contained(&world).await;
    let by_microsoft = |status: Option<&str>| {
        let status = status.map(str::to_owned);
        world.entra.foreign_write(|tenant| {
            let agent = tenant.agents.get_mut(&invoice_bot().uuid()).unwrap();
            agent.disabled_by_microsoft = status;
        });
    };
    by_microsoft(Some("DisabledDueToViolationOfServicesAgreement"));

    world.undo(run).await;
    world.settle().await;
    let stuck = world.state(run).await;
    let told = world.told().await;
    let written = world.switched(invoice_bot());
    by_microsoft(None);
    world.undo(run).await;
    world.settle().await;

    assert_eq!(stuck, RunState::Stuck);
    assert!(
        told.iter().any(|text| text.contains("is stuck")),
        "{told:?}"
    );
    assert_eq!(written, [false], "Microsoft's switch is not ours to fight");
    assert_eq!(world.state(run).await, RunState::Undone);
    assert!(enabled(&world));
    world.nothing_left_over().await;
}

/// Two runs, A and B, hold one agent; `a` and `b` undo them.
const ORDERS: [&str; 6] = ["ABa", "ABb", "AaB", "ABab", "ABba", "AaBb"];

#[tokio::test]
async fn e15_an_agent_is_open_only_when_nobody_holds_it_in_every_order() {
    for order in ORDERS {
        for gaps in 0..1_u32 << (order.len() - 1) {
            let world = World::new().await;
            let (mut a, mut b) = (None, None);
            for (n, word) in order.chars().enumerate() {
                match word {
                    'A' => a = Some(world.contain(Entity::agent(invoice_bot())).await),
                    'B' => b = Some(world.contain(Entity::agent(invoice_bot())).await),
                    'a' => undo_when_ended(&world, a.take().unwrap()).await,
                    _ => undo_when_ended(&world, b.take().unwrap()).await,
                }
                if gaps & 1 << n != 0 {
                    world.settle().await;
                } else {
                    world.pass(Duration::from_millis(100)).await;
                }
            }

            world.settle().await;

            let held = a.is_some() || b.is_some();
            let about = format!("{order}, gaps {gaps:b}: {:?}", world.runs().await);
            assert_eq!(enabled(&world), !held, "{about}");
            let user = world.entra.user(user_of(invoice_bot()).uuid()).unwrap();
            assert_eq!(user.account_enabled, !held, "{about}");
            world.nothing_left_over().await;
        }
    }
}

/// A run that is still being carried out cannot be undone yet.
async fn undo_when_ended(world: &World, run: RunId) {
    let risk = Some(RiskVerdict::Leave);
    if world.order(OrderKind::Undo { run, risk }).await.is_err() {
        world.settle().await;
        world.order(OrderKind::Undo { run, risk }).await.unwrap();
    }
}

/// It took so long that a try of it may be on its way yet, which an undo waits for: by the clock that
/// is right it ended in an hour.
#[tokio::test]
async fn e09_a_clock_that_is_put_back_holds_up_no_undo() {
    let world = World::new().await;
    world.hand.put_forward(3_600_000);
    let on = On::request("PATCH", "").always();
    world
        .entra
        .push_fault(Fault::new(on, What::RefuseConnection));
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.pass(Duration::from_secs(20)).await;
    world.entra.clear_faults();
    world.settle().await;

    world.hand.put_forward(-3_600_000);
    world.undo(run).await;
    world.pass(Duration::from_secs(20)).await;
    let early = world.state(run).await;
    world.pass(Duration::from_secs(100)).await;

    assert_eq!(early, RunState::Undoing);
    assert_eq!(world.state(run).await, RunState::Undone);
    assert!(enabled(&world));
}

#[tokio::test]
async fn e15_a_new_kill_beats_an_undo_whose_write_is_on_its_way() {
    for what in [
        What::HoldReply,
        What::HoldRequest,
        What::LoseReplyAfterEffect,
        What::LoseRequest,
    ] {
        for killed in [false, true] {
            let world = World::new().await;
            let first = contained(&world).await;
            world
                .entra
                .push_fault(Fault::new(turning_on(), what.clone()));
            world.undo(first).await;
            let holds = matches!(what, What::HoldReply | What::HoldRequest);
            if holds {
                world.until_held(1).await;
            } else {
                world.pass(Duration::from_millis(300)).await;
            }

            let second = world.contain(Entity::agent(invoice_bot())).await;
            world.pass(Duration::from_secs(3)).await;
            let world = if killed { world.restart().await } else { world };
            world.pass(Duration::from_secs(3)).await;
            world.entra.release();
            world.settle().await;
            world.pass(Duration::from_secs(60)).await;

            let about = format!("{what:?}, killed {killed}: {:?}", world.runs().await);
            assert!(!enabled(&world), "{about}");
            assert_eq!(world.state(second).await, RunState::Contained, "{about}");
            assert_eq!(world.state(first).await, RunState::Undone, "{about}");
            world.undo(second).await;
            world.settle().await;
            assert!(enabled(&world), "{about}");
            world.nothing_left_over().await;
        }
    }
}

#[tokio::test]
async fn e15_a_new_kill_beats_an_undo_that_was_told_to_wait() {
    let world = World::new().await;
    let first = contained(&world).await;
    let retry_after = Some(RetryAfter::Seconds(3));
    let wait = What::Throttle { retry_after };
    world.entra.push_fault(Fault::new(turning_on(), wait));
    world.undo(first).await;
    let told = world.until(|| told_to_wait(&world)).await;
    assert!(told, "the undo was not told to wait");

    let second = world.contain(Entity::agent(invoice_bot())).await;
    world.settle().await;
    world.pass(Duration::from_secs(60)).await;

    let about = format!("{:?}", world.runs().await);
    assert_eq!(world.switched(invoice_bot()), [false], "{about}");
    assert_eq!(world.state(second).await, RunState::Contained, "{about}");
    assert_eq!(world.state(first).await, RunState::Undone, "{about}");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e01_an_undo_that_is_killed_is_finished_after_the_restart() {
    for what in [What::HoldReply, What::HoldRequest] {
        let world = World::new().await;
        let run = contained(&world).await;
        world
            .entra
            .push_fault(Fault::new(turning_on(), what.clone()));
        world.undo(run).await;
        world.until_held(1).await;

        let world = world.restart().await;
        world.settle().await;
        world.entra.release();
        world.settle().await;

        assert_eq!(world.state(run).await, RunState::Undone, "{what:?}");
        assert_eq!(world.switched(invoice_bot()), [false, true], "{what:?}");
        world.nothing_left_over().await;
    }
}

#[tokio::test]
async fn e04_an_undo_waits_out_a_kill_that_may_still_be_on_its_way() {
    let world = World::new().await;
    let on = || On::request("PATCH", "agentIdentity$");
    // Long after it was begun the first write really leaves, and stays in the network.
    let refused = Fault::new(on().times(60), What::RefuseConnection);
    world.entra.push_fault(refused);
    world
        .entra
        .push_fault(Fault::new(on().after(60), What::HoldRequest));
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.pass(Duration::from_secs(50)).await;
    world.until_held(1).await;

    world.order(OrderKind::Stop { run }).await.unwrap();
    world.undo(run).await;
    world.pass(Duration::from_secs(20)).await;
    let waiting = world.state(run).await;
    world.entra.release();
    let late = enabled(&world);
    world.settle().await;

    assert_eq!(waiting, RunState::Undoing);
    assert!(
        !late,
        "the late write must land before the undo for this test to mean anything"
    );
    assert_eq!(world.state(run).await, RunState::Undone);
    assert!(enabled(&world), "the last word was the undo");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e04_a_write_of_a_process_that_died_cannot_outlive_the_undo() {
    let world = World::new().await;
    let on = On::request("PATCH", "agentIdentity$");
    world.entra.push_fault(Fault::new(on, What::HoldRequest));
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.until_held(1).await;
    let world = world.restart().await;
    world.settle().await;
    assert_eq!(world.state(run).await, RunState::Contained);

    world.undo(run).await;
    world.pass(Duration::from_secs(15)).await;
    world.entra.release();
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Undone);
    assert!(enabled(&world), "the last word was the undo");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn a_stopped_run_sends_nothing_more() {
    let world = World::new().await;
    let on = On::request("PATCH", "").always();
    world
        .entra
        .push_fault(Fault::new(on, What::RefuseConnection));
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.pass(Duration::from_secs(5)).await;

    world.order(OrderKind::Stop { run }).await.unwrap();
    world.entra.clear_faults();
    world.pass(Duration::from_secs(90)).await;

    assert_eq!(world.state(run).await, RunState::Stopped);
    assert!(world.switched(invoice_bot()).is_empty());
    world.nothing_left_over().await;
}

#[tokio::test]
async fn g01_a_throttled_verdict_does_not_delay_the_switch() {
    let world = World::new().await;
    let run = contained(&world).await;
    let on = On::request("POST", "riskyAgents/dismiss").always();
    let what = What::Throttle { retry_after: None };
    world.entra.push_fault(Fault::new(on, what));

    world.undo(run).await;
    world.pass(Duration::from_secs(20)).await;
    let open = enabled(&world);
    world.entra.clear_faults();
    world.settle().await;

    assert!(open, "the agent waits for a verdict");
    assert_eq!(world.state(run).await, RunState::Undone);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e20_with_the_brake_on_nothing_is_put_back_either() {
    let world = World::new().await;
    let run = contained(&world).await;
    world.order(OrderKind::TripBrake).await.unwrap();
    let before = world.writes().len();

    world.undo(run).await;
    world.pass(Duration::from_secs(30)).await;
    let during = world.writes().len();
    world.order(OrderKind::ResetBrake).await.unwrap();
    world.settle().await;

    assert_eq!(before, during);
    assert_eq!(world.state(run).await, RunState::Undone);
    assert!(enabled(&world));
    world.nothing_left_over().await;
}
