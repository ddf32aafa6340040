//! The emergency stop for AI agents in Microsoft Entra, as one binary.

fn main() {}
