//! Tests from the outside: whole doors, real sockets, only the far end is fake.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod caps;
mod containment;
mod decisions;
mod deliveries;
mod guards;
mod house;
mod proofs;
mod recovery;
mod statuses;
mod storms;
mod threats;
mod undoing;
mod wire;
mod world;
