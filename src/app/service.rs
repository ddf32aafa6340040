//! One running service: its store, its loops, its doors.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::alone::House;
use super::ground::Loops;
use super::secrets::secrets_apart;
use super::senders::Senders;
use super::settle::settle_in;
use super::spans::traces;
use super::tenant::{Tenant, Workshop};
use super::{Parts, StartError, keys, wakes};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::command::Pause;
use crate::config::Config;
use crate::doctor::Board;
use crate::domain::delivery::Delivery;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::run::Lane;
use crate::domain::tools::Tools;
use crate::evidence::Binder;
use crate::reload::Reloader;
use crate::store::{Entry, Store, Workplace};
use crate::telemetry::Metrics;
use crate::traces::Traces;
use crate::transport::Transport;
use crate::triage::Ahead;

/// The store of this configuration, and its writer's life.
async fn open(
    config: &Config,
    place: (Clock, Workplace),
) -> Result<(Store, impl Future<Output = ()> + Send + 'static), StartError> {
    let entry = (Entry::Service, keys::vault(config)?);
    let opened = Store::open_at(&config.store, entry, place).await;
    opened.map_err(|error| StartError::config(error.to_string()))
}

/// A running service, or the part of one that its role says. Dropping it ends its loops at once;
/// [`Service::stop`] ends them in order.
pub struct Service {
    /// Where everything stands.
    pub store: Store,
    /// The playbooks in force; a door for senders knows none.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Time and chance.
    pub clock: Clock,
    /// What a deployment has set.
    pub config: Config,
    /// None for a door for senders.
    pub(super) tenant: Option<Tenant>,
    /// None but for a worker.
    pub(super) workshop: Option<Arc<Workshop>>,
    /// None where no people come.
    pub(super) evidence: Option<Binder>,
    /// None where no senders come.
    pub(super) senders: Option<Senders>,
    /// What the gate of Copilot Studio answers from, where one is configured.
    pub(super) gate: Option<Arc<Tools>>,
    /// Wakes the workers for a run: a hint.
    pub wake_workers: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
    pub(super) transport: Transport,
    pub(super) board: Board,
    pub(super) traces: Traces,
    pub(super) wake_drills: Arc<Notify>,
    /// Stops all writes without a credential.
    pub pause: Option<Pause>,
    /// Takes changed playbooks, where they lie in a folder.
    pub reloader: Option<Reloader>,
    pub(super) wake_triage: Arc<dyn Fn(DeliveryId) + Send + Sync>,
    pub(super) hand_to_triage: Arc<dyn Fn(Delivery) + Send + Sync>,
    /// None where others share the store, or nothing is decided here.
    pub(super) ahead: Option<Ahead>,
    pub(super) stop: CancellationToken,
    pub(super) refused: Arc<OnceLock<String>>,
    /// Who does what one service alone must do; none where there is no other.
    pub(super) house: Option<House>,
    pub(super) loops: Loops,
}

impl Service {
    /// Opens the store, reads the keys, spawns the loops. Doors are opened by whoever serves.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        secrets_apart(&parts.config)?;
        let traces = traces(&parts)?;
        let gate = parts.config.copilot.is_some().then(Arc::default);
        let tenant = Tenant::of(&parts, traces.clone());
        let workshop = Workshop::of(&parts, tenant.as_ref(), gate.as_ref())?;
        let senders = Senders::of(&parts)?;
        let Parts {
            config,
            clock,
            transport,
            catalog,
            ground,
            ..
        } = parts;
        let (store, writing) = open(&config, (clock.clone(), ground.workplace())).await?;
        let evidence = config.role.takes_orders().then(|| {
            let key = keys::evidence_key(&config.evidence_key, &clock)?;
            Ok(Binder::new(store.clone(), key, clock.clone()))
        });
        let mut loops = Loops::on(ground);
        loops.spawn(writing);
        settle_in(&store, &config, &catalog, &clock).await?;
        let (wakes, woken) = wakes::channels();
        let mut service = Self {
            tenant,
            workshop: workshop.map(Arc::new),
            evidence: evidence.transpose()?,
            senders,
            gate,
            traces,
            catalog: Arc::new(ArcSwap::from_pointee(catalog)),
            metrics: Arc::new(Metrics::default()),
            transport,
            board: Board::default(),
            wake_drills: Arc::default(),
            pause: None,
            reloader: None,
            wake_triage: wakes.triage,
            hand_to_triage: wakes.reader,
            wake_workers: wakes.workers,
            store,
            clock,
            config,
            ahead: None,
            stop: CancellationToken::new(),
            refused: Arc::default(),
            house: None,
            loops,
        };
        service.begin(woken).await?;
        service.store.begin_work();
        Ok(service)
    }

    /// Why we stop ourselves: our token carries rights we must not have. `None` as it should be.
    pub fn refused(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }

    /// Cancelled when the service is asked to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Asks every loop to end, and waits at most `limit` for what is in flight.
    pub async fn stop(mut self, limit: Duration) {
        self.stop.cancel();
        let clock = self.clock.clone();
        let endless = self.endless();
        let Self { loops, store, .. } = &mut self;
        // The writer and the loops that never end are cut when the rest is done.
        let rest = loops.until_left(endless);
        if clock.within(limit, rest).await.is_err() {
            tracing::warn!("work in flight was cut; it is taken up at the next start");
        }
        store.end_in_order();
        let traces = self.traces.clone();
        // It blocks until the collector has the last spans, or its time is over.
        let _ = tokio::task::spawn_blocking(move || traces.end()).await;
    }
}
