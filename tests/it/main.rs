//! Tests from the outside: whole doors, real sockets, only the far end is fake.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod approvals;
mod authoring;
mod beyond;
mod callbacks;
mod called;
mod callers;
mod caps;
mod change;
mod containment;
mod contract;
mod copilot;
mod coverages;
#[cfg(feature = "failpoints")]
mod crash;
mod credentials;
mod decisions;
mod deliveries;
mod demo;
mod dependencies;
mod disk;
mod docs;
mod doctor;
mod drill;
mod evidence;
mod flood;
mod freezes;
mod fuzz;
mod gauges;
mod glass;
mod granting;
mod guards;
mod holders;
mod holds;
mod hostile;
mod house;
mod inventory;
mod keeping;
mod layers;
mod listening;
mod notices;
mod platform;
mod playbooks;
mod power;
mod profiles;
#[cfg_attr(
    not(feature = "failpoints"),
    allow(dead_code, reason = "the crash matrix uses all of it")
)]
mod program;
mod progress;
mod proofs;
mod provisional;
mod pull;
mod readme;
mod recovery;
mod rounds;
mod senders;
mod serve;
mod statuses;
mod storms;
mod templates;
mod threats;
mod traces;
mod tutorial;
mod undoing;
mod wire;
mod world;
