//! What looks at everything a containment needs, built for a service or for one look.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use url::Url;

use super::tenant::{Tenant, Workshop};
use super::{Parts, Service, StartError};
use crate::arm::Arm;
use crate::clock::Clock;
use crate::config::{Config, PageConfig};
use crate::doctor::{Board, Doctor, Patient, Places, Premises};
use crate::domain::playbook::Audience;
use crate::domain::reading::ReaderKind;
use crate::domain::sight::Sight;
use crate::domain::telling::Whom;
use crate::entra::TokenSource;
use crate::evidence::Gatherer;
use crate::graph::Cloud;
use crate::pager::{Takes, Taking};
use crate::store::Store;
use crate::traces::Traces;
use crate::transport::Transport;

/// What Azure is asked with.
pub(super) struct AskAzure<'a> {
    pub(super) tokens: Option<TokenSource>,
    pub(super) transport: &'a Transport,
    pub(super) clock: &'a Clock,
}

/// Where Azure Resource Manager is. A simulated tenant plays it too.
pub(super) fn azure(config: &Config) -> Result<Url, StartError> {
    let graph = config.endpoints.graph();
    if graph.scheme() == "http" {
        return Ok(graph.clone());
    }
    let text = match config.endpoints.cloud {
        Cloud::Global => "https://management.azure.com",
        Cloud::UsGov | Cloud::UsGovDod => "https://management.usgovcloudapi.net",
        Cloud::China => "https://management.chinacloudapi.cn",
    };
    let unfit = |why| StartError::config(format!("{text}: {why}"));
    text.parse().map_err(unfit)
}

/// What a token for it is asked for; a simulated one takes the worldwide cloud's.
pub(super) fn azure_scope(config: &Config) -> Result<String, StartError> {
    let base = azure(config)?;
    let host = match base.scheme() {
        "http" => "https://management.azure.com",
        _ => base.as_str().trim_end_matches('/'),
    };
    Ok(format!("{host}/.default"))
}

pub(super) fn arm(config: &Config, ask: AskAzure<'_>) -> Result<Option<Arm>, StartError> {
    let Some(tokens) = ask.tokens.filter(|_| config.subscription.is_some()) else {
        return Ok(None);
    };
    Ok(Some(Arm {
        base: azure(config)?,
        transport: ask.transport.clone(),
        tokens,
        clock: ask.clock.clone(),
    }))
}

fn premises(config: &Config) -> Premises {
    Premises {
        role: config.role,
        tenant: config.tenant,
        cloud: config.endpoints.cloud,
        profile: config.profile,
        protected: config.protected.clone(),
        ourselves: config.ourselves.clone(),
        drill: config.drill.as_ref().map(|it| (it.canary, it.max_age)),
        subscription: config.subscription,
        places: places(config),
        sights: sights(config),
    }
}

/// What this deployment looks at.
fn sights(config: &Config) -> BTreeSet<Sight> {
    let sponsors = takes(config, |takes| takes.sponsors);
    let mut readers = config.sources.values().map(|source| source.terms.reader);
    [
        (Sight::Doctor, true),
        (Sight::Protection, true),
        (Sight::Evidence, config.evidence_within.is_some()),
        (Sight::Drift, config.drift_every.is_some()),
        (Sight::Inventory, config.inventory_every.is_some()),
        (Sight::Attributes, config.inventory_attributes.is_some()),
        (Sight::Pull, config.pull.is_some()),
        (Sight::Triage, readers.any(|it| it == ReaderKind::Sentinel)),
        (Sight::Notices, sponsors),
    ]
    .into_iter()
    .filter_map(|(sight, on)| on.then_some(sight))
    .collect()
}

/// Does any place take it?
fn takes(config: &Config, taking: fn(&Takes) -> Taking) -> bool {
    let mut pages = config.pages.iter();
    pages.any(|page| taking(&page.takes) == Taking::Yes)
}

fn places(config: &Config) -> Places {
    let sponsors = takes(config, |takes| takes.sponsors).then_some(Audience::Sponsors);
    let way_back = config.incidents.sentinel.is_some() || config.incidents.defender.is_some();
    let incident = way_back.then_some(Audience::Incident);
    let paged = |page: &&PageConfig| page.takes.pages == Taking::Yes;
    Places {
        pages: config
            .pages
            .iter()
            .filter(paged)
            .map(|page| Whom::Page(page.name.clone()))
            .collect(),
        audience: sponsors.into_iter().chain(incident).collect(),
    }
}

impl Service {
    /// What gathers evidence beside strikes, where it is wanted.
    pub(super) fn gatherer(&self, workshop: &Workshop) -> Option<Gatherer> {
        Some(Gatherer {
            store: self.store.clone(),
            graph: workshop.tenant.graph.clone(),
            azure: workshop.arm.clone().zip(self.config.subscription),
            clock: self.clock.clone(),
            within: self.config.evidence_within?,
            token_lifetime: self.config.token_lifetime,
        })
    }

    /// What looks at everything this role needs of a tenant; every clone shares one board. None for
    /// a role that needs nothing of one.
    pub fn doctor(&self) -> Option<Doctor> {
        let tenant = self.tenant.as_ref()?;
        let arm = self.workshop.as_ref().and_then(|shop| shop.arm.clone());
        Some(Doctor {
            tenant: Some(Patient {
                graph: tenant.graph.clone(),
                tokens: tenant.tokens.clone(),
                arm,
            }),
            store: Some(self.store.clone()),
            away: None,
            catalog: Arc::clone(&self.catalog),
            premises: premises(&self.config),
            clock: self.clock.clone(),
            board: self.board.clone(),
        })
    }
}

/// A doctor for one look, without a service. Without a store, `away` says why it is not at hand; no
/// word means that there is none yet.
pub fn doctor(
    parts: Parts,
    (store, away): (Option<Store>, Option<String>),
) -> Result<Doctor, StartError> {
    let ask = AskAzure {
        tokens: parts.azure_tokens.clone(),
        transport: &parts.transport,
        clock: &parts.clock,
    };
    let arm = arm(&parts.config, ask)?;
    let tenant = Tenant::of(&parts, Traces::off());
    Ok(Doctor {
        tenant: tenant.map(|tenant| Patient {
            graph: tenant.graph,
            tokens: tenant.tokens,
            arm,
        }),
        store,
        away,
        catalog: Arc::new(ArcSwap::from_pointee(parts.catalog)),
        premises: premises(&parts.config),
        clock: parts.clock,
        board: Board::default(),
    })
}
