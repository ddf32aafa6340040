//! estop: the emergency stop for AI agents in Microsoft Entra.

pub mod clock;
pub mod domain;
pub mod sim;
pub mod transport;
