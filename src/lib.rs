//! estop: the emergency stop for AI agents in Microsoft Entra.

pub mod catalog;
pub mod clock;
pub mod domain;
pub mod transport;
