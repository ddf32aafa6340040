//! The tenant, through Microsoft Graph: read it, change it, and know what is not known.
//!
//! Knows: paths, bodies, limits and error shapes of the calls it makes.
//! Never: why something is asked, what a playbook wants, who approved.
//!
//! Laws
//! * A path is constant text and object ids, never text from outside (threat W21).
//! * A write whose answer was lost is *unknown*, never failed and never done.
//! * One limit family, one lane; a lane lets the more urgent go first and delays nobody needlessly.
//! * A DELETE names something on the list of `delete`, never an entity.
//! * A token goes to the configured host only: no redirects, no next page elsewhere.
//! * Nothing is tried twice here, but for one forced token after a claims challenge.
//!
//! Read next: `agents`, then `call`, then `lanes`.

mod endpoints;
mod error;
mod lanes;

mod answer;
mod call;
mod leave;
mod page;
mod place;
mod shape;

mod agents;
mod alerts;
mod managers;
mod people;
mod principals;
mod risk;
mod risks;
mod rolls;
mod users;

mod credentials;
mod delete;
mod held;
mod incidents;
mod logs;
mod registry;
mod roles;

mod coalesce;

mod batch;
mod policies;
mod premises;
mod spans;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

pub use agents::{AgentRead, BlueprintRead};
pub use delete::Removable;
pub use endpoints::{BadEndpoint, Cloud, Endpoints};
pub use error::{Error, Receipt};
pub use incidents::{DefenderIncident, Judgement};
pub use lanes::{Budget, Budgets, Cause, Lane, LaneReport, Priority, TenantSize};
pub use logs::{ChangesOf, SignInsOf};
pub use policies::{Policies, Policy, RiskStop};
pub use premises::Probe;
pub use principals::{PrincipalKind, PrincipalRead, Tag};
pub use risks::Risks;
pub use rolls::{Registered, Roll, RollPage, Wanted};
pub use shape::Enabled;
pub use users::AgentUserRead;

use crate::clock::Clock;
use crate::entra::TokenSource;
use crate::traces::Traces;
use crate::transport::Transport;

/// Who asks: how urgent it is, and the id that ties Microsoft's logs to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its place in the lane.
    pub priority: Priority,
    /// Sent as `client-request-id`.
    pub correlation: Uuid,
}

/// What a [`Graph`] is made of.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where Graph is.
    pub endpoints: Endpoints,
    /// The way there.
    pub transport: Transport,
    /// What lets us in.
    pub tokens: TokenSource,
    /// Time and chance.
    pub clock: Clock,
    /// How much may be asked of it.
    pub budgets: Budgets,
}

/// The tenant we act in. Cheap to clone; all clones share the same lanes.
#[derive(Clone, Debug)]
pub struct Graph(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    link: Link,
    /// How long its answers took.
    traces: Traces,
    lanes: lanes::Lanes,
    verdicts: risk::Verdicts,
    policies: policies::Kept,
    writes_stopped: AtomicBool,
    /// Sealed for good: nothing opens the gate again.
    sealed: bool,
}

/// Can writes leave at all?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Opens,
    Sealed,
}

impl Graph {
    /// Opens no connection yet; see [`Graph::warm`].
    pub fn new(link: Link) -> Self {
        Self::traced(link, Traces::off())
    }

    /// The same, and how long its answers take is told to a collector.
    pub fn traced(link: Link, traces: Traces) -> Self {
        Self::with_gate((link, traces), Gate::Opens)
    }

    /// A tenant that can only be read: every write is refused before it waits for anything, and
    /// nothing can change that.
    pub fn sealed(link: Link, traces: Traces) -> Self {
        Self::with_gate((link, traces), Gate::Sealed)
    }

    fn with_gate((link, traces): (Link, Traces), gate: Gate) -> Self {
        let sealed = gate == Gate::Sealed;
        let lanes = lanes::Lanes::new(&link.clock, &link.budgets);
        Self(Arc::new(Inner {
            link,
            traces,
            lanes,
            verdicts: risk::Verdicts::default(),
            policies: policies::Kept::default(),
            writes_stopped: AtomicBool::new(sealed),
            sealed,
        }))
    }

    /// From now on no write leaves, not even one that waits for its turn already. What is under
    /// way stays under way.
    pub fn stop_writes(&self) {
        self.0.writes_stopped.store(true, Ordering::Relaxed);
    }

    /// Writes may leave again, unless the tenant is [`Graph::sealed`].
    pub fn allow_writes(&self) {
        self.0
            .writes_stopped
            .store(self.0.sealed, Ordering::Relaxed);
    }

    /// Must no write leave, by whichever way?
    pub fn writes_are_stopped(&self) -> bool {
        self.0.writes_stopped.load(Ordering::Relaxed)
    }

    /// Fetches the token and opens the connection by one small read, so that the first write waits
    /// for neither. Call it at start and about once a minute: idle connections are closed after 90 s.
    pub async fn warm(&self, ask: Ask) -> Result<Receipt, Error> {
        let answer = self.send(ask, smallest()).await?;
        page::listed(&answer)?;
        Ok(answer.receipt)
    }

    /// How each lane stands, for metrics and for people.
    pub fn lanes(&self) -> Vec<LaneReport> {
        self.0.lanes.reports()
    }
}

/// The smallest read that our permissions allow.
fn smallest() -> call::Call {
    let place = "/servicePrincipals/microsoft.graph.agentIdentity?$select=id&$top=1";
    call::Call::read(place::Place::v1(place))
}

#[cfg(test)]
mod tests;
