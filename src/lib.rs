//! estop: the emergency stop for AI agents in Microsoft Entra.

pub mod act;
pub mod api;
pub mod app;
pub mod audit;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
pub mod domain;
pub mod entra;
pub mod graph;
pub mod ingress;
pub mod listener;
pub mod notify;
pub mod run;
pub mod signature;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod transport;
pub mod triage;
