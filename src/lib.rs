//! estop: the emergency stop for AI agents in Microsoft Entra.

pub mod clock;
pub mod domain;
pub mod signature;
pub mod transport;
