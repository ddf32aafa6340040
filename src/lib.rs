//! estop: the emergency stop for AI agents in Microsoft Entra.

pub mod clock;
pub mod domain;
pub mod entra;
pub mod graph;
pub mod sim;
pub mod transport;
