//! What a door has verified is decided before it is stored, and stored with what follows; what is not
//! plain, and whatever comes after a service was cut off, is stored first.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use estop::domain::delivery::DeliveryState;
use estop::domain::run::RunState;
use estop::sim::{Aspect, INVOICE_BOT};
use estop::store::Store;
use futures_util::future::join_all;
use http::StatusCode;

use crate::cluster::is_only_for_sqlite;
use crate::program::{Program, Site, exchange};
use crate::recovery::other_agent;
use crate::world::{World, invoice_bot};

/// Why a test asks for a file.
const IN_A_FILE: &str = "a delivery that is decided before it is stored";
/// The signal of a program that dies by its own hand.
const ABORTED: i32 = 6;
/// More than are decided so at a time.
const AT_ONCE: usize = 100;
/// How often a test looks at what it waits for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long it looks before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The usual world, whose service knows who it is: before that nothing is decided.
async fn knowing() -> World {
    let world = World::new().await;
    let knows = world.until(|| async { world.service.readiness().await.is_ok() });
    assert!(knows.await);
    world
}

/// Where everything stands that was taken, in the order of the words.
async fn standing(store: &Store) -> Vec<String> {
    let all = store.deliveries(None, None, 500).await.unwrap();
    let state = |one: &serde_json::Value| one["state"].as_str().unwrap().to_owned();
    let mut all: Vec<_> = all.iter().map(state).collect();
    all.sort();
    all
}

#[tokio::test]
async fn who_is_thanked_finds_a_run_and_nothing_to_be_read() {
    if is_only_for_sqlite(IN_A_FILE) {
        return;
    }
    let world = knowing().await;

    let thanks = world
        .send_through(&world.door, &world.message(INVOICE_BOT))
        .await;

    assert_eq!(thanks, StatusCode::ACCEPTED);
    let run = world.only_run().await;
    assert_eq!(
        standing(&world.service.store).await,
        [DeliveryState::Read.word()]
    );
    world.settle().await;
    assert_eq!(world.state(run.id).await, RunState::Contained);
    world.chain_holds().await;
    world.nothing_left_over().await;
}

#[tokio::test]
async fn w03_what_is_sent_again_while_it_is_being_decided_leads_to_one_run() {
    let world = knowing().await;
    let sent = world.message(INVOICE_BOT);

    let thanks = join_all((0..8).map(|_| world.send_through(&world.door, &sent))).await;
    world.settle().await;
    let later = world.send_through(&world.door, &sent).await;
    world.settle().await;

    assert_eq!(thanks, [StatusCode::ACCEPTED; 8]);
    assert_eq!(later, StatusCode::ACCEPTED);
    assert_eq!(standing(&world.service.store).await.len(), 1);
    assert_eq!(
        world.state(world.only_run().await.id).await,
        RunState::Contained
    );
    let disables = world
        .effects_of(invoice_bot(), Aspect::AccountEnabled)
        .len();
    assert_eq!(disables, 1, "{:?}", world.writes());
    world.nothing_left_over().await;
}

#[tokio::test]
async fn w04_under_a_key_that_came_before_other_bytes_lead_to_nothing() {
    let world = knowing().await;
    let first = world.message(INVOICE_BOT);
    let other = world.message(other_agent()).under_the_key_of(&first);

    let thanks = [
        world.send_through(&world.door, &first).await,
        world.send_through(&world.door, &other).await,
    ];
    world.settle().await;

    assert_eq!(thanks, [StatusCode::ACCEPTED; 2]);
    let stands = standing(&world.service.store).await;
    assert_eq!(stands, ["quarantined", "read"]);
    assert_eq!(world.only_run().await.entity.id, invoice_bot());
    assert!(
        world
            .effects_of(other_agent(), Aspect::AccountEnabled)
            .is_empty()
    );
    world.nothing_left_over().await;
}

/// The others are stored first.
#[tokio::test]
async fn where_more_come_than_are_decided_at_a_time_each_is_decided_all_the_same() {
    let world = knowing().await;
    let sent: Vec<_> = (0..AT_ONCE)
        .map(|_| world.message(world.clock.uuid()))
        .collect();

    let thanks = join_all(sent.iter().map(|one| world.send_through(&world.door, one))).await;
    world.settle().await;

    assert_eq!(thanks, [StatusCode::ACCEPTED; AT_ONCE]);
    assert_eq!(
        standing(&world.service.store).await,
        vec![DeliveryState::Read.word(); AT_ONCE]
    );
    assert_eq!(world.runs().await.len(), AT_ONCE);
}

/// Waits until the program knows who it is, and answers where it takes deliveries: before that it decides
/// nothing.
async fn ready(program: &mut Program, site: &Site) -> String {
    let address = program.doors().await.unwrap();
    let control = program.control().unwrap().replace("http://", "");
    let asked = "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let asking = async {
        let is_ready = || async {
            let answer = exchange(&site.clock, &control, asked).await;
            answer.is_some_and(|answer| answer.status == 200)
        };
        while !is_ready().await {
            site.clock.sleep(LOOK_EVERY).await;
        }
    };
    let knows = site.clock.within(PATIENCE, asking).await;
    knows.unwrap_or_else(|_| panic!("it is not ready:\n{}", site.log()));
    address
}

/// Waits until the program has died of the reading.
async fn dies(mut program: Program, site: &Site) {
    let ended = program.ended().await;
    assert_eq!(ended.signal(), Some(ABORTED), "{}", site.log());
}

/// Where everything stands that this site has taken.
async fn taken(site: &Site) -> Vec<String> {
    let visit = site.visit().await;
    let stands = standing(&visit.store).await;
    visit.leave().await;
    stands
}

/// Starts it until it dies no more, and answers how often it died.
async fn lives_at_last(site: &Site, armed: &[(&str, &str)]) -> (Program, usize) {
    for deaths in 0.. {
        let mut program = site.start(armed);
        let living = async {
            while program.has_ended().is_none()
                && taken(site).await != [DeliveryState::Quarantined.word()]
            {
                site.clock.sleep(LOOK_EVERY).await;
            }
        };
        let came = site.clock.within(PATIENCE, living).await;
        came.unwrap_or_else(|_| panic!("it neither died nor set it aside:\n{}", site.log()));
        if program.has_ended().is_none() {
            return (program, deaths);
        }
        dies(program, site).await;
    }
    unreachable!("it is started again and again")
}

#[tokio::test]
async fn e06_a_delivery_that_ends_its_reader_is_set_aside_and_the_service_goes_on() {
    if is_only_for_sqlite(IN_A_FILE) {
        return;
    }
    let site = Site::new().await;
    let armed = [("ESTOP_CRASH_POINT", "triage.read:1")];
    let body = site.detection();

    // Nobody is thanked, and nothing is lost: the sender tries again.
    let mut first = site.start(&armed);
    let address = ready(&mut first, &site).await;
    let thanks = exchange(&site.clock, &address, &site.signed("msg_1", &body)).await;
    assert!(thanks.is_none(), "{thanks:?}");
    dies(first, &site).await;
    assert_eq!(taken(&site).await, [""; 0]);
    // From now on it is stored before it is read.
    let mut second = site.start(&armed);
    let address = ready(&mut second, &site).await;
    exchange(&site.clock, &address, &site.signed("msg_1", &body)).await;
    dies(second, &site).await;
    assert_eq!(taken(&site).await, [DeliveryState::Received.word()]);

    let (mut last, deaths) = lives_at_last(&site, &armed).await;

    assert_eq!(deaths, 2, "{}", site.log());
    let address = last.doors().await.unwrap();
    let again = exchange(&site.clock, &address, &site.signed("msg_1", &body)).await;
    assert_eq!(again.unwrap().status, 202);
    assert_eq!(last.ask_to_stop().await.code(), Some(0), "{}", site.log());
}
