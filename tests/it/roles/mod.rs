//! One service in parts: a door for senders, workers, a console, each with no more than it needs.

mod absence;
mod console;
mod database;
mod granted;
mod hints;
mod programs;
mod refused;
mod rolling;

use std::path::Path;

use crate::cluster::Database;

/// What each part's role in the database is granted, as a deployment runs it.
fn grants() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("deploy/postgresql/roles.sql")).unwrap()
}

/// The part of it that makes the roles.
fn roles_alone() -> String {
    let grants = grants();
    let (roles, _) = grants.split_once("\nbegin;\n").unwrap();
    format!("{roles}\nrevoke create on schema public from public;")
}

/// The schema is the owner's; then each part's role is granted what it needs.
async fn prepared(database: &Database) {
    use estop::clock::Clock;
    use estop::store::{Entry, Place, Store};
    let place = Place::read(&database.address(), Path::new("/")).unwrap();
    let opened = Store::open(&place, Entry::Visit, Clock::system()).await;
    drop(opened.unwrap());
    database.tell(&grants());
}
