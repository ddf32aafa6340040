//! What breaks down is taken up again, set aside, or told; and nobody waits for ever.

use std::time::Duration;

use estop::domain::containment::EntityEvent;
use estop::domain::coverage::{Coverage, Door, DoorState};
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::id::RunId;
use estop::domain::moment::Moment;
use estop::domain::order::OrderKind;
use estop::domain::run::{Lane, RunEvent, RunState};
use estop::domain::step::{Before, Outcome, UndoOutcome};
use estop::sim::{Fault, On, RetryAfter, Switch, Tenant, What};
use estop::store::{Claim, Ending, Error, ReadBack, Strike};

use crate::cluster::is_only_for_sqlite;
use crate::world::{Setting, World, invoice_bot};

const HOUR_MILLIS: i64 = 3_600_000;
/// Turns of the runtime from the thanks to where a run is well under way.
const MOMENTS: usize = 40;

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn frozen() -> Fault {
    let on = On::request("PATCH", "").always();
    Fault::new(on, What::RefuseConnection)
}

pub fn other_agent() -> ObjectId {
    let agents = Tenant::contoso().agents;
    let mut others = agents.keys().filter(|id| **id != invoice_bot().uuid());
    ObjectId::from_uuid(*others.next().unwrap())
}

#[tokio::test]
async fn e01_a_delivery_that_was_thanked_for_survives_everything() {
    let world = World::new().await;
    world.detect_agent(invoice_bot()).await;

    let world = world.restart().await;
    world.settle().await;

    assert_eq!(world.only_run().await.state, RunState::Contained);
    assert_eq!(world.switched(invoice_bot()), [false]);
    world.nothing_left_over().await;
}

/// Wherever it has got to on the way from the door to its end: nobody waits for a lease to run out.
#[tokio::test]
async fn e10_whoever_is_told_to_end_leaves_no_run_leased_to_it() {
    for moments in 0..MOMENTS {
        let world = World::new().await;
        world.detect_agent(invoice_bot()).await;
        for _ in 0..moments {
            tokio::task::yield_now().await;
        }

        let left = world.end().await;

        assert_eq!(left, 0, "told to end {moments} moments after the thanks");
    }
}

/// A run whose write is on its way, by a clock that is an hour fast.
async fn at_work_by_a_fast_clock() -> (World, RunId) {
    let world = World::new().await;
    world.hand.put_forward(HOUR_MILLIS);
    let on = On::request("PATCH", &invoice_bot().to_string());
    world.entra.push_fault(Fault::new(on, What::HoldRequest));
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.until_held(1).await;
    (world, run)
}

/// The run in hand is due, and leased, in an hour, by the clock that is right again.
#[tokio::test]
async fn e09_a_clock_that_is_put_right_while_we_are_down_holds_up_no_run() {
    let (world, run) = at_work_by_a_fast_clock().await;

    world.hand.put_forward(-HOUR_MILLIS);
    let world = world.restart().await;
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Contained);
    assert_eq!(world.switched(invoice_bot()), [false]);
}

/// It was made due at once by the clock that was still an hour fast.
#[tokio::test]
async fn e09_a_clock_that_is_put_right_while_we_start_holds_up_no_run() {
    let (world, run) = at_work_by_a_fast_clock().await;

    let world = world.restart().await;
    world.hand.put_forward(-HOUR_MILLIS);
    world.settle().await;

    assert_eq!(world.state(run).await, RunState::Contained);
    assert_eq!(world.switched(invoice_bot()), [false]);
}

/// Nobody reads it while we cannot see the tenant, and its hint is lost with the restart.
#[tokio::test]
async fn e09_what_was_taken_by_a_clock_that_was_an_hour_fast_is_read_at_once() {
    let mut tenant = Tenant::contoso();
    let we = tenant.client.principal;
    // It gets no token, so nobody knows who we are.
    tenant.switch(we, Switch::Disabled);
    let setting = Setting {
        tenant,
        ..Setting::default()
    };
    let world = World::with(setting).await;
    world.hand.put_forward(HOUR_MILLIS);
    world.detect_agent(invoice_bot()).await;
    world.pass(Duration::from_secs(5)).await;
    let unread = !world.has_read_all().await;

    world.hand.put_forward(-HOUR_MILLIS);
    let allow = |tenant: &mut Tenant| tenant.switch(we, Switch::Enabled);
    world.entra.foreign_write(allow);
    let world = world.restart().await;
    world.pass(Duration::from_secs(60)).await;

    assert!(unread, "it was read: {:?}", world.runs().await);
    assert_eq!(world.only_run().await.state, RunState::Contained);
}

/// What it was told to wait is counted by the clock that never steps: it is put down only after the
/// clock was put back.
#[tokio::test]
async fn e09_whoever_waits_while_the_clock_is_put_back_waits_no_longer() {
    let switch = On::request("PATCH", &invoice_bot().to_string());
    waits_no_longer(switch, Duration::from_secs(10)).await;
}

/// It is put down at once, and nobody looks at what is due while the clock is fast.
#[tokio::test]
async fn e09_whoever_waits_by_a_clock_that_was_fast_for_a_moment_waits_no_longer() {
    let confirm = On::request("POST", "confirmCompromised");
    waits_no_longer(confirm, Duration::from_secs(2)).await;
}

/// It is throttled by a clock that is an hour fast for so long.
async fn waits_no_longer(throttled: On, fast_for: Duration) {
    let world = World::new().await;
    world.hand.put_forward(HOUR_MILLIS);
    let retry_after = Some(RetryAfter::Seconds(25));
    let throttle = What::Throttle { retry_after };
    world.entra.push_fault(Fault::new(throttled, throttle));
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.pass(fast_for).await;

    let meanwhile = world.state(run).await;
    world.hand.put_forward(-HOUR_MILLIS);
    world.pass(Duration::from_secs(60)).await;

    assert_eq!(meanwhile, RunState::Running);
    assert_eq!(world.state(run).await, RunState::Contained);
}

#[tokio::test]
async fn e06_a_run_that_keeps_killing_its_worker_is_set_aside_and_the_others_go_on() {
    let mut world = World::new().await;
    let on = On::request("PATCH", &invoice_bot().to_string()).always();
    world.entra.push_fault(Fault::new(on, What::HoldRequest));
    let poisoned = world.contain(Entity::agent(invoice_bot())).await;
    for held in 1..=3 {
        world.until_held(held).await;
        world = world.restart().await;
    }

    let other = world.contain(Entity::agent(other_agent())).await;
    world.settle().await;

    assert_eq!(world.state(poisoned).await, RunState::Stuck);
    // What it wrote nobody has read back, and it says so of every door.
    let doors = world.run(poisoned).await.coverage.unwrap().doors;
    assert_eq!(doors.len(), 9, "{doors:?}");
    assert!(doors.iter().all(|it| it.state != DoorState::Closed));
    let own = doors.iter().find(|it| it.door == Door::AgentIdentity);
    let proof = &own.unwrap().proof;
    assert!(proof.contains("was not read back"), "{proof}");
    assert_eq!(world.state(other).await, RunState::Contained);
    let told = world.told().await;
    assert!(
        told.iter().any(|text| text.contains("is set aside")),
        "{told:?}"
    );
    // A person may still put it back, whatever it had come to.
    world.entra.clear_faults();
    world.entra.release();
    world.undo(poisoned).await;
    world.settle().await;
    assert_eq!(world.state(poisoned).await, RunState::Undone);
    assert!(
        world
            .entra
            .agent(invoice_bot().uuid())
            .unwrap()
            .account_enabled
    );
    world.nothing_left_over().await;
}

fn claim_at(now: Moment) -> Claim {
    Claim {
        holder: "a test".to_owned(),
        lane: Lane::Contain,
        now,
        until: now.plus(Duration::from_secs(30)),
    }
}

#[tokio::test]
async fn e02_e03_whoever_lost_the_lease_can_change_nothing() {
    if is_only_for_sqlite("a lease that is measured by our own clock") {
        return;
    }
    let world = World::new().await;
    let store = &world.service.store;
    world.order(OrderKind::TripBrake).await.unwrap();
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.pass(Duration::from_millis(200)).await;
    world.order(OrderKind::ResetBrake).await.unwrap();
    let later = |seconds| world.clock.now().plus(Duration::from_secs(seconds));
    let claim = |seconds| store.claim_run(run, claim_at(later(seconds)));

    let old = claim(10).await.unwrap().unwrap().lease;
    let early = claim(20).await.unwrap();
    let new = claim(41).await.unwrap().unwrap().lease;

    assert!(early.is_none(), "a lease that runs is nobody else's");
    assert!(new.epoch > old.epoch);
    let (at, agent) = (world.clock.now(), Entity::agent(invoice_bot()));
    let caps = world.service.config.caps;
    let lost = Err(Error::LeaseLost);
    let strike = Strike {
        position: 0,
        before: Before::Nothing,
        closes: vec![agent],
    };
    let ending = Ending {
        event: RunEvent::EndedContained,
        because: None,
        coverage: Some(Coverage::default()),
        notice: None,
        again_at: None,
    };
    let (done, undone) = (
        (Outcome::Done, String::new()),
        (UndoOutcome::Restored, String::new()),
    );
    assert_eq!(store.begin(old, caps, at).await.map(drop), lost);
    assert_eq!(store.strike(old, strike, at).await.map(drop), lost);
    assert_eq!(store.may_write(old, at).await, lost);
    assert_eq!(store.step_ended(old, 0, done, at).await, lost);
    assert_eq!(store.step_undone(old, 0, undone, at).await, lost);
    let event = EntityEvent::ReadClosed;
    assert_eq!(store.entity_read(old, agent, event, at).await, lost);
    let read_back = ReadBack {
        entities: vec![(agent, event)],
        verify: None,
    };
    let kept = store.read_back(old, read_back.clone(), at).await;
    assert_eq!(kept, lost);
    let proved = store.end_proved(old, (read_back, ending.clone()), at).await;
    assert_eq!(proved.map(drop), lost);
    assert_eq!(store.release(old, agent, at).await.map(drop), lost);
    assert_eq!(store.end(old, ending, at).await.map(drop), lost);
    assert_eq!(store.put_down(old, at, None).await, lost);
    let longer = (at, Duration::from_secs(30));
    assert_eq!(
        store.keep_leases(vec![old, new], longer).await,
        Ok(vec![old])
    );
    assert!(world.writes().is_empty());
}

#[tokio::test]
async fn a_kill_that_does_not_strike_within_a_minute_is_told_once() {
    let world = World::new().await;
    world.entra.push_fault(frozen());
    world.detect_agent(invoice_bot()).await;

    world.pass(Duration::from_secs(300)).await;
    let told = world.told().await;
    world.entra.clear_faults();
    world.settle().await;

    let slow = told.iter().filter(|text| text.contains("has not struck"));
    assert_eq!(slow.count(), 1, "{told:?}");
    assert_eq!(world.only_run().await.state, RunState::Contained);
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e11_a_tenant_that_is_away_for_a_day_ends_the_run_and_tells_a_person() {
    let world = World::new().await;
    world.entra.push_fault(frozen());
    let run = world.contain(Entity::agent(invoice_bot())).await;

    world.leap(hours(23)).await;
    let early = world.state(run).await;
    world.leap(hours(2)).await;
    world.settle().await;

    assert_eq!(early, RunState::Running);
    let run = world.run(run).await;
    // No connection was ever made, so nothing was sent.
    assert_eq!(run.state, RunState::Failed, "{:?}", run.because);
    let told = world.told().await;
    let paged = told.iter().any(|text| text.contains("did not contain"));
    assert!(paged, "{told:?}");
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e11_an_undo_that_cannot_be_carried_out_for_a_day_is_stuck() {
    let world = World::new().await;
    let run = world.contain(Entity::agent(invoice_bot())).await;
    world.settle().await;
    world.entra.push_fault(frozen());

    world.undo(run).await;
    world.leap(hours(23)).await;
    let early = world.state(run).await;
    world.leap(hours(2)).await;
    let late = world.state(run).await;
    world.entra.clear_faults();
    world.undo(run).await;
    world.settle().await;

    assert_eq!((early, late), (RunState::Undoing, RunState::Stuck));
    assert_eq!(world.state(run).await, RunState::Undone);
    assert!(
        world
            .entra
            .agent(invoice_bot().uuid())
            .unwrap()
            .account_enabled
    );
    world.nothing_left_over().await;
}

#[tokio::test]
async fn e11_under_the_brake_nobody_waits_for_ever() {
    let world = World::new().await;
    world.entra.push_fault(frozen());
    let begun = world.contain(Entity::agent(invoice_bot())).await;
    world.pass(Duration::from_secs(2)).await;
    world.order(OrderKind::TripBrake).await.unwrap();
    let queued = world.contain(Entity::agent(other_agent())).await;

    world.pass_in(hours(25), Duration::from_secs(900)).await;
    let (ended, waiting) = (world.state(begun).await, world.state(queued).await);
    world.pass_in(hours(25), Duration::from_secs(900)).await;

    assert!(
        matches!(ended, RunState::Failed | RunState::Unknown),
        "{ended}"
    );
    assert_eq!(waiting, RunState::Waiting);
    assert_eq!(world.state(queued).await, RunState::Expired);
    assert!(world.switched(invoice_bot()).is_empty());
    world.nothing_left_over().await;
}
