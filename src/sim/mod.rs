//! A model of an Entra tenant that answers as Microsoft Graph and Entra's token endpoints do.
//!
//! Promise: what the real tenant refuses, this one refuses; what it may do to us on a bad day
//! (lose a reply, show an old state, throttle, change under our hands) a test can ask for.
//!
//! Knows: the published paths, permissions, id kinds, limits and errors of the calls estop makes.
//! Never: our Graph client, playbooks, runs, real time, the network.
//!
//! Laws
//! * A tenant is plain data; every call is answered by one function over it, whichever face it
//!   came in by.
//! * Everything that changes is written down with who changed it, so that effects can be counted.
//! * Faults happen only where somebody asked for them.
//! * What is not modelled is refused, never quietly accepted.
//!
//! Read next: `tenant`, then `calls`, then `faults`, then `face`.

mod admin;
mod belongings;
mod calls;
mod cases;
mod changes;
mod contoso;
mod entra;
mod face;
mod faults;
mod issuer;
mod journal;
mod limits;
mod logs;
mod premises;
mod risk;
mod state;
mod tenant;

#[cfg(test)]
mod tests;

pub use admin::{ForeignChange, ForeignWrite, When};
pub use belongings::{Item, Shelf};
pub use cases::{Casebook, Roles, SentinelIncident};
pub use changes::{Aspect, Switch};
pub use contoso::INVOICE_BOT;
pub use entra::Entra;
pub use faults::{Fault, Garbage, Lag, On, RetryAfter, What};
pub use issuer::{AppToken, TokenVersion};
pub use journal::{Arrival, Effect, Ending};
pub use limits::{Family, Limit, Limits};
pub use logs::SignInLine;
pub use premises::Premises;
pub use risk::{Risk, RiskDetection, RiskPolicy, UnknownIds};
pub use tenant::{
    Agent, Blueprint, BlueprintIds, Client, Kind, Principal, Registered, Tenant, User,
};
