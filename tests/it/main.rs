//! Tests from the outside: whole doors, real sockets, only the far end is fake.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod containment;
#[cfg(feature = "failpoints")]
mod crash;
mod deliveries;
mod dependencies;
mod house;
mod layers;
mod playbooks;
mod power;
mod program;
mod serve;
mod statuses;
mod threats;
mod wire;
mod world;
