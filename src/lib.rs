//! estop: the emergency stop for AI agents in Microsoft Entra.

pub mod clock;
pub mod domain;
pub mod ingress;
pub mod listener;
pub mod signature;
pub mod store;
pub mod transport;
