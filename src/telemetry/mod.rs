//! What people and machines see of a running service from outside.
//!
//! Knows: log lines, counters, crash points.
//! Never: what is decided.
//!
//! Laws
//! * A stranger can never cause an `error` line.
//! * No token, body, name or mail address is ever logged or counted.

mod crash;
mod lanes;
mod logs;
mod metrics;
mod sources;

#[cfg(debug_assertions)]
pub use crash::arm_crash_point;
pub use crash::{POINTS, crash_point};
pub use lanes::{LaneFigures, OfCause, OfLane};
pub use logs::{LogForm, start_logging};
pub use metrics::{Became, Edge, FromSource, MEDIA_TYPE, Metrics, OfAction};
pub use sources::{OfCap, OfGate, OfList, OfQueue, OfSource, Sources};
