//! Tests from the outside: whole doors, real sockets, only the far end is fake.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

// What tests stand on.
mod cluster;
mod house;
mod paper;
mod program;
mod world;

// A newcomer's first hour: the two commands, the README, the tutorial.
mod demo;
mod readme;
mod tutorial;

// A detection comes in by the door, or is kept out.
mod ahead;
mod callers;
mod deliveries;
mod flood;
mod fuzz;
mod hostile;
mod listening;
mod profiles;
mod senders;
mod statuses;
mod wire;

// Detections that nobody sends: pulled, timed, found.
mod called;
mod pull;
mod rounds;

// What is decided, and by which playbooks.
mod authoring;
mod change;
mod decisions;
mod playbooks;

// Whom we stop: what is known of the tenant, whom we spare, what we ask first.
mod approvals;
mod caps;
mod freezes;
mod guards;
mod inventory;
mod provisional;

// An agent is stopped, and what is claimed of it was read.
mod beyond;
mod containment;
mod copilot;
mod coverages;
mod proofs;
mod storms;

// It stays stopped, and is put back exactly.
mod holds;
mod undoing;

// People hear of it, steer it and see it.
mod callbacks;
mod evidence;
mod gauges;
mod glass;
mod notices;
mod power;
mod progress;
mod traces;

// What was promised outlives crashes, disks and years.
mod crash;
mod crossing;
mod disk;
mod fitness;
mod holders;
mod keeping;
mod recovery;
mod replicas;
mod roles;
mod serve;
mod simulation;

// The tenant and the machine as they must be.
mod configured;
mod contract;
mod credentials;
mod doctor;
mod drill;
mod granting;
mod platform;
mod templates;

// The whole repository keeps its own rules.
mod dependencies;
mod docs;
mod layers;
mod ondemand;
mod threats;
