//! Carry a playbook out, one step at a time, and never lose the place.
//!
//! Knows: the store, the acts.
//! Never: HTTP, YAML, chat, who asked.
//!
//! Laws
//! * An attempt is counted before it is made; what was there before is stored before it is touched.
//! * Whoever works on a run holds its lease, and every write names its epoch.
//! * Steps on different entities go out together; no confirm delays a disable.
//! * Nothing is called contained that was not read back closed, and nothing refused that reads so.
//! * A failed step undoes nothing. Undo restores what was, and only if it is as we left it.
//!
//! Read next: `worker`, then `forward`, `step`, `early`, `together`, `failure`, `refused`, `verify`, then
//! `backward`, then `sweep`.

mod backward;
mod company;
mod conclusion;
mod coverage;
mod early;
mod failure;
mod forward;
mod leases;
mod places;
mod put;
mod refused;
mod runtime;
mod step;
mod sweep;
mod together;
mod turns;
mod verify;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

pub use early::EarlyLooks;
pub use leases::Leases;
pub use places::Places;
pub use sweep::sweep_loop;
pub use turns::freeze_loop;
pub use worker::{WorkerName, Workers, work_loop};

use crate::act;
use crate::clock::{Ahead, Clock};
use crate::doctor::Board;
use crate::domain::caps::Caps;
use crate::domain::guard::Guards;
use crate::domain::id::RunId;
use crate::domain::playbook::Mode;
use crate::domain::run::Run;
use crate::graph::Graph;
use crate::store::{Claimed, Store};
use crate::telemetry::Metrics;
use crate::traces::{Origin, Span, Traces};

/// How long a lease lasts unless it is kept.
pub const LEASE: Duration = Duration::from_secs(30);
/// How often leases are kept.
pub const HEARTBEAT: Duration = Duration::from_secs(10);
/// A kill is tried this long before it ends without proof.
pub const CONTAIN_DEADLINE: Duration = Duration::from_secs(24 * 3600);
/// Verification gives up for now after this long; the sweeper looks again.
pub const VERIFY_WITHIN: Duration = Duration::from_secs(60);
/// Two equal reads must lie this far apart.
pub const READS_APART: Duration = Duration::from_millis(500);
/// A pause longer than this is spent in the store, not in memory.
pub const PAUSE_IN_MEMORY: Duration = Duration::from_secs(5);
/// An object that answers 404 may be new and not everywhere yet: it is asked again this long.
pub const NOT_FOUND_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Limits a deployment may set.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The service's caps.
    pub caps: Caps,
    /// How long an access token may live at most, for the residual. Microsoft: 60 to 90 minutes by
    /// default, 24 hours for clients with continuous access evaluation.
    pub token_lifetime: Duration,
}

/// What a worker needs. Cheap to clone.
#[derive(Clone)]
pub struct Bench {
    /// Where the place is kept.
    pub store: Store,
    /// The tenant.
    pub graph: Graph,
    /// Whom we do not touch.
    pub guards: Arc<ArcSwap<Guards>>,
    /// Time and chance.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What a deployment has set.
    pub limits: Limits,
    /// What a deployment has set up for the acts.
    pub means: Arc<act::Means>,
    /// What the doctor found last.
    pub board: Board,
    /// How long it took.
    pub traces: Traces,
    /// The leases of this service.
    pub leases: Leases,
    /// What it looks at before the run is stored.
    pub early: EarlyLooks,
}

/// What became of working on a run for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Progress {
    /// It ended, or waits for a person.
    Ended,
    /// Take it up again when it is due.
    PutDown { due: Ahead, because: String },
}

/// Why the work was broken off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Broken {
    /// Someone else has the word now.
    #[error("the lease is lost")]
    LeaseLost,
    /// A person stopped all writes.
    #[error("writes are stopped: the brake is on, or the service does not enforce")]
    Braked,
    /// The store cannot keep the place right now.
    #[error("{0}")]
    Store(crate::store::Error),
}

impl From<crate::store::Error> for Broken {
    fn from(error: crate::store::Error) -> Self {
        use crate::store::Error as E;
        match error {
            E::LeaseLost => Self::LeaseLost,
            E::Braked => Self::Braked,
            E::Busy(_) | E::InDoubt(_) | E::DiskFailed(_) | E::Refused(_) | E::Damaged(_) => {
                Self::Store(error)
            }
        }
    }
}

impl Bench {
    /// What an act needs to read, or to put back, in one run.
    fn context<'a>(&'a self, guards: &'a Guards, run: RunId) -> act::Context<'a> {
        act::Context {
            graph: &self.graph,
            guards,
            agreed: 0,
            means: &self.means,
            approval: act::Approval::Missing,
            correlation: run.uuid(),
        }
    }

    /// How long it is carried on, in the trace of what it comes from.
    fn span(&self, run: &Run) -> Span {
        let origin = match (run.detection, run.order) {
            (Some(detection), _) => Origin::Delivery(detection.uuid()),
            (None, Some(order)) => Origin::Order(order.uuid()),
            (None, None) => Origin::Order(run.id.uuid()),
        };
        let span = self.traces.run(run.id.uuid(), origin);
        span.say("estop.playbook", || run.playbook.to_string())
            .say("estop.mode", || run.mode.word())
            .say("estop.state", || run.state.word())
            .say("estop.entity", || run.entity.id.to_string())
    }

    /// The same to carry the run out: with people's word for its plan, where it is stored.
    fn forward_context<'a>(&'a self, guards: &'a Guards, claimed: &Claimed) -> act::Context<'a> {
        let agreed = claimed.agreed();
        act::Context {
            agreed,
            approval: match (claimed.run.mode, agreed) {
                (Mode::Observe, _) => act::Approval::Moot,
                (Mode::Ask | Mode::Provisional | Mode::Enforce, 0) => act::Approval::Missing,
                (Mode::Ask | Mode::Provisional | Mode::Enforce, _) => act::Approval::Given,
            },
            ..self.context(guards, claimed.run.id)
        }
    }
}
