//! A pooler before the server: one that keeps a connection for a session is none to us, and one that
//! lends it to others between two transactions is refused at the start.

use std::path::Path;

use estop::clock::Clock;
use estop::domain::run::RunState;
use estop::store::{Entry, Place, Store};
use http::StatusCode;

use crate::cluster::{Cluster, Database, Pooler};
use crate::world::{Setting, World, invoice_bot};

/// A database reached by a pooler in this mode.
fn pooled(mode: &str) -> Option<(Pooler, Database)> {
    let cluster = Cluster::get()?;
    let pooler = Pooler::before(&cluster, mode)?;
    let database = Database::on(cluster).by_way_of(pooler.port);
    Some((pooler, database))
}

#[tokio::test]
async fn d14_a_pooler_that_lends_a_connection_between_transactions_is_refused_at_the_start() {
    let Some((_pooler, database)) = pooled("transaction") else {
        return;
    };
    let place = Place::read(&database.address(), Path::new("/")).unwrap();

    // Whoever comes second finds connections that the pooler has open already.
    for _ in 0..3 {
        let opened = Store::open(&place, Entry::Service, Clock::system()).await;
        let refused = opened.map(drop).unwrap_err().to_string();

        assert!(refused.contains("a pooler stands before it"), "{refused}");
        assert!(refused.contains("pool_mode = session"), "{refused}");
    }
    let tables = database.tell("select count(*) from pg_class where relname = 'run'");
    assert_eq!(tables, "0\n");
}

#[tokio::test]
async fn d14_behind_a_pooler_that_keeps_a_connection_for_a_session_an_agent_is_contained() {
    let Some((_pooler, database)) = pooled("session") else {
        return;
    };
    let world = World::stored(Setting::default(), Some(database)).await;

    let status = world.detect_through(&world.door, invoice_bot()).await;
    world.settle().await;

    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(world.only_run().await.state, RunState::Contained);
    world.nothing_left_over().await;
}
