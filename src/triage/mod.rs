//! Decide what a delivery deserves: read it, weigh every playbook, store the answer and its reasons.
//!
//! Knows: readers, playbooks, guards, what a source may ask for.
//! Never: HTTP, how a step is done; Graph only to ask for an alert that a delivery names.
//!
//! Laws
//! * What cannot be understood is kept and told to a person, never dropped and never guessed at.
//! * Every playbook's why and why-not is stored with the decision.
//! * Guards are asked before any run is made.
//! * Whom no detection names is reached by the inventory alone.
//!
//! Read next: `read`, then `settle`, `background`, `reached`, `decide`, `outbreak`, then `look_up` and `ahead`.

mod ahead;
mod background;
mod decide;
mod held;
mod left_alone;
mod look_up;
mod outbreak;
mod reached;
mod read;
mod seat;
mod settle;
mod triage_loop;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

pub use ahead::Ahead;
pub use decide::{Echo, Weighing, decide};
pub use held::Held;
pub use seat::{Seat, Seats};
pub use triage_loop::{Hints, triage_loop};

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::domain::detection::SourceName;
use crate::domain::entity::TenantId;
use crate::domain::guard::Guards;
use crate::domain::source::SourceTerms;
use crate::graph::Graph;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::traces::Traces;

/// What triage needs. Cheap to clone.
#[derive(Clone)]
pub struct Triage {
    /// Where deliveries are, and where decisions go.
    pub store: Store,
    /// The playbooks in force.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// Whom we do not touch.
    pub guards: Arc<ArcSwap<Guards>>,
    /// What holds playbooks back.
    pub restraints: Held,
    /// What is agreed with each source.
    pub sources: Arc<BTreeMap<SourceName, SourceTerms>>,
    /// Our tenant.
    pub tenant: TenantId,
    /// Who may be asked for an alert.
    pub graph: Graph,
    /// Places for deliveries that are being looked up; see [`Triage::places`].
    pub looking_up: Arc<Semaphore>,
    /// Time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who has a place for a run that is to be begun at once.
    pub seats: Seats,
    /// How long it took.
    pub traces: Traces,
}

impl Triage {
    /// The places for [`Triage::looking_up`], shared by every clone.
    pub fn places() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(look_up::AT_ONCE))
    }
}
