//! What reaches into the tenant, by role: a door for senders has none of it, a console reads, and
//! a worker holds everything that changes something, with the keys of whom it tells.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::examine::{self, AskAzure};
use super::keeping::Keeping;
use super::ourselves;
use super::telling::Told;
use super::tools::means;
use super::{Parts, StartError};
use crate::act::Means;
use crate::arm::Arm;
use crate::domain::guard::Guards;
use crate::domain::tools::Tools;
use crate::entra::TokenSource;
use crate::graph::{Graph, Link};
use crate::run::{EarlyLooks, Leases};
use crate::traces::Traces;

/// The tenant, as far as this role may go. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tenant {
    /// Sealed where the role only reads.
    pub(super) graph: Graph,
    pub(super) tokens: TokenSource,
    /// Whom we do not touch.
    pub(super) guards: Arc<ArcSwap<Guards>>,
}

impl Tenant {
    /// None where the role holds no credential, whatever there is in its configuration.
    pub(super) fn of(parts: &Parts, traces: Traces) -> Option<Self> {
        let role = parts.config.role;
        let tokens = parts.tokens.clone().filter(|_| role.enters_tenant())?;
        let link = Link {
            endpoints: parts.config.endpoints.clone(),
            transport: parts.transport.clone(),
            tokens: tokens.clone(),
            clock: parts.clock.clone(),
            budgets: parts.budgets,
        };
        let graph = if role.works() {
            Graph::traced(link, traces)
        } else {
            Graph::sealed(link, traces)
        };
        Some(Self {
            graph,
            tokens,
            guards: Arc::new(ArcSwap::from_pointee(ourselves::unknown_yet())),
        })
    }
}

/// What only a worker has.
pub(super) struct Workshop {
    pub(super) tenant: Tenant,
    pub(super) means: Arc<Means>,
    pub(super) arm: Option<Arm>,
    pub(super) told: Told,
    pub(super) keeping: Keeping,
    /// Of all its worker loops.
    pub(super) leases: Leases,
    /// What these look at before a run is stored.
    pub(super) early: EarlyLooks,
}

impl Workshop {
    /// Reads the keys of everyone a worker speaks to, so that one that is missing is told at once.
    pub(super) fn of(
        parts: &Parts,
        tenant: Option<&Tenant>,
        gate: Option<&Arc<Tools>>,
    ) -> Result<Option<Self>, StartError> {
        let Some(tenant) = tenant.filter(|_| parts.config.role.works()) else {
            return Ok(None);
        };
        let Parts {
            config,
            clock,
            transport,
            ..
        } = parts;
        let means = Means {
            tools: gate.cloned(),
            ..means(config, parts.foundry_tokens.clone(), (transport, clock))
        };
        let ask = AskAzure {
            tokens: parts.azure_tokens.clone(),
            transport,
            clock,
        };
        Ok(Some(Self {
            tenant: tenant.clone(),
            means: Arc::new(means),
            arm: examine::arm(config, ask)?,
            told: Told::of(parts)?,
            keeping: Keeping::of(parts)?,
            leases: Leases::default(),
            early: EarlyLooks::default(),
        }))
    }
}
