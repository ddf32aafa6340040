//! No worker is alive: whoever looks after the platform hears of it from the parts that are left.

use std::time::Duration;

use estop::app::Service;
use estop::clock::Clock;
use estop::domain::role::ServiceRole;
use estop::store::{Entry, Place, Store};
use http::StatusCode;
use tokio::task::JoinSet;

use super::prepared;
use crate::cluster::Database;
use crate::paper::Paper;
use crate::world::{Setting, World, invoice_bot};

/// How often it was logged that nobody works.
fn errors(log: &Paper) -> usize {
    log.text().matches("no worker has been alive").count()
}

/// For how many seconds a part has seen no worker.
fn missed(part: &Service) -> i64 {
    let text = part.metrics.text();
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix("estop_no_worker_seconds "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn parts_without_a_worker_count_how_long_and_log_one_error_after_a_minute() {
    let Some(world) = World::shared(Setting::default()).await else {
        return;
    };
    let log = Paper::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::ERROR)
        .with_writer(move || writer.clone())
        .finish();
    let _logged = tracing::subscriber::set_default(subscriber);
    let ingest = world.part(ServiceRole::Ingest, |out| out).await;
    let console = world.part(ServiceRole::Console, |out| out).await;
    let parts = [&ingest, &console];

    world.pass(Duration::from_secs(40)).await;
    let with_a_worker = (parts.map(missed), errors(&log));
    world.service.stopping().cancel();
    world.pass(Duration::from_secs(50)).await;
    let (soon, said_soon) = (parts.map(missed), errors(&log));
    world.pass(Duration::from_secs(60)).await;
    let (later, said_later) = (parts.map(missed), errors(&log));
    let door = ingest.ingress("https://estop.example".parse().unwrap());
    let taken = world.detect_through(&door.unwrap(), invoice_bot()).await;
    let fit = ingest.readiness().await;
    let worker = world.part(ServiceRole::Worker, |out| out).await;
    world.pass(Duration::from_secs(40)).await;
    let again = (parts.map(missed), errors(&log));

    assert_eq!(with_a_worker, ([0, 0], 0));
    assert!(soon.iter().all(|it| (15..=50).contains(it)), "{soon:?}");
    assert_eq!(said_soon, 0, "a worker may be on its way");
    assert!(later.iter().all(|it| (75..=110).contains(it)), "{later:?}");
    assert_eq!(said_later, 2, "each says it once");
    assert_eq!((taken, fit), (StatusCode::ACCEPTED, Ok(())));
    assert_eq!(again, ([0, 0], 2));
    drop(worker);
}

#[tokio::test]
async fn each_part_may_look_in_the_database_whether_a_worker_is_alive() {
    let Some(database) = Database::fresh() else {
        return;
    };
    prepared(&database).await;

    for role in ["estop_ingest", "estop_console"] {
        let place = Place::read(&database.address_as(role), std::path::Path::new("/")).unwrap();
        let opened = Store::open(&place, Entry::Visit, Clock::system()).await;
        let (store, writing) = opened.unwrap();
        let mut writer = JoinSet::new();
        writer.spawn(writing);

        let keeper = store.keeper().await;

        assert!(matches!(keeper, Ok(None)), "{role}: {keeper:?}");
        drop(store);
        writer.join_next().await.unwrap().unwrap();
    }
}
