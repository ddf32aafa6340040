//! estop: the emergency stop for AI agents in Microsoft Entra.
//!
//! A signed delivery comes in by [`ingress`] and is stored before we say thank you. [`triage`]
//! reads it against the [`catalog`] of playbooks and decides. [`run`] carries the playbook out,
//! remembering every step in the [`store`]; each step is one [`act`], spoken to the tenant through
//! [`graph`]. [`notify`] tells people what happened, and the record chain proves it; [`evidence`] is gathered beside it. People order
//! and take back by `command`, through the control API or the command line. [`sim`] is a model
//! tenant, [`rehearse`] tries a playbook on it, and [`reload`] takes changed ones. They all share the words in [`domain`].
//!
//! # Layers
//!
//! A module imports lower layers only, never a higher one, never a neighbour; `tests/it/layers.rs`
//! reads the syntax trees and holds us to it. Neighbours talk through the store; a wake-up may be
//! passed by the roof, but only as a hint.
//!
//! | layer | modules | what they are |
//! |---|---|---|
//! | roof | `cli`, [`app`], [`config`], `main` | builds every module once, spawns every loop, decides nothing |
//! | doors | [`ingress`], `api` | machines and people; they parse, call one verb, render |
//! | change | [`reload`] | a changed folder of playbooks, taken whole or not at all |
//! | rehearsal | [`rehearse`] | a playbook tried on the simulated tenant, or by looking only |
//! | heart | [`run`], [`offline`] | claim, step, record, retry, recover, undo; the break-glass |
//! | orders | `command` | a person's word: plan, compare digests, check, store |
//! | verbs | [`triage`], [`act`], [`notify`], `audit`, [`watch`], [`rounds`], [`doctor`], [`evidence`], [`gate`] | one thing done well |
//! | adapters | [`store`], [`graph`], [`sentinel`], [`pager`], [`foundry`], [`arm`], [`catalog`], [`sim`] | one outside thing each |
//! | keys | [`entra`], [`listener`], [`traces`], [`vault`] | tokens we hold and tokens we believe, sockets we serve, spans we send, bodies closed at rest |
//! | gauges | [`clock`], [`telemetry`], [`transport`], [`signature`] | time and chance, what is seen, the way out, HMAC |
//! | ground | [`domain`] | nouns and laws: no async, no I/O |
//!
//! One process is all of it, or on PostgreSQL a part: a door for senders, a worker, a console
//! ([`domain::role`]). What each of them runs stands in `app/loops.rs`; they meet in the [`store`] alone.
//!
//! Two seams are decided once. [`clock`] owns now, sleep and chance, so that tests move time and
//! repeat themselves. [`transport`] is the way out: a network client, or a function such as the
//! simulated tenant's, so that a rehearsal needs no socket.
//!
//! # Laws
//!
//! 1. Nothing is believed before it is verified; nobody is thanked before it is stored.
//!    [`ingress::VerifiedDelivery`] has one way in, and whatever the store takes of a sender it answers
//!    after its commit.
//! 2. A change of state, its notice and its record are one transaction, or none.
//! 3. Look, write down, act, write down. What was there before is stored before anything is
//!    touched, so every step may be tried twice and undo knows the way back.
//! 4. A failed step undoes nothing. Undo is a person's word, and restores what *was*, and only if
//!    it is still as we left it.
//! 5. Protected entities are checked in [`triage`] and again in [`act`], at the last moment.
//! 6. One run, one lease with an epoch; every write of a worker names its epoch.
//! 7. Unknown action, state, version or answer: stop, tell a person, change nothing. *Unknown* is
//!    never *failed* and never *done*.
//! 8. Everything has a limit, named at the top of its file.
//! 9. A sender learns only: taken, refused, or try later.
//! 10. Time, chance and environment come in through the roof.
//! 11. Secrets cannot be printed, compared early, or serialized.
//! 12. In observe mode everything runs and [`act`] alone stands still.
//! 13. We disable, never delete an entity; what may be deleted is a list in [`graph`].
//!
//! # Following one alert
//!
//! `ingress/receive.rs` → `triage/ahead.rs` → `domain/reading/sentinel` → `triage/settle.rs` →
//! `triage/decide.rs` → `store/triaged.rs` → `run/worker.rs` → `run/forward.rs` → `run/step.rs` →
//! `act/disable_agent.rs` → `graph/agents.rs`. What cannot be decided at once takes a longer way:
//! `store/deliveries.rs` → `triage/triage_loop.rs` → `triage/read.rs` → `triage/settle.rs`.

pub mod act;
pub mod api;
pub mod app;
pub mod arm;
pub mod audit;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod doctor;
pub mod domain;
pub mod entra;
pub mod evidence;
pub mod foundry;
pub mod gate;
pub mod graph;
pub mod ingress;
pub mod listener;
pub mod notify;
pub mod offline;
pub mod pager;
pub mod rehearse;
pub mod reload;
pub mod rounds;
pub mod run;
pub mod sentinel;
pub mod signature;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod traces;
pub mod transport;
pub mod triage;
pub mod vault;
pub mod watch;
