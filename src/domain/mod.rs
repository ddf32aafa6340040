//! The words everyone shares, and the laws they obey.
//!
//! Knows: nothing but itself.
//! Never: waiting, files, sockets, what time it is.
//!
//! Laws
//! * A state changes only by its law of change ([`run::RunState::after`], [`step::StepState::after`],
//!   [`containment::EntityState::after`]); what is not written there cannot happen.
//! * A decision carries its reason.
//! * Two things that must not be mixed are two types.
//!
//! Read next: `detection`, `playbook`, `decision`, `plan`, `run`, `step`, `record`.

pub mod id;
pub mod moment;
pub mod name;

pub mod entity;
pub mod inventory;

pub mod callback;
pub mod delivery;
pub mod detection;
pub mod pull;
pub mod pulse;
pub mod reading;

pub mod action;
pub mod audience;
pub mod finding;
pub mod outbreak;
pub mod param;
pub mod permission;
pub mod playbook;
pub mod reach;
pub mod trigger;
pub mod verdict;

pub mod approved;
pub mod caps;
pub mod decision;
pub mod guard;
pub mod needed;
pub mod plan;
pub mod restraint;
pub mod role;
pub mod sight;

pub mod containment;
pub mod coverage;
pub mod evidence;
pub mod found;
pub mod freeze;
pub mod hold;
pub mod motion;
pub mod offline;
pub mod outcome;
pub mod run;
pub mod step;
pub mod tools;
pub mod unproved;

pub mod drill;
pub mod schedule;

pub mod anchor;
pub mod approval;
pub mod attested;
pub mod notice;
pub mod order;
pub mod person;
pub mod record;
pub mod retention;
pub mod shown;
pub mod source;
pub mod telling;
