//! One running service: its store, its loops, its doors.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::alone::House;
use super::examine::{self, AskAzure};
use super::ground::Loops;
use super::keeping::Keeping;
use super::loops::ENDLESS;
use super::secrets::secrets_apart;
use super::senders::Senders;
use super::settle::settle_in;
use super::spans::traces;
use super::telling::Told;
use super::tools::means;
use super::{Parts, StartError, keys, ourselves, wakes};
use crate::act::Means;
use crate::arm::Arm;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::command::Pause;
use crate::config::Config;
use crate::doctor::Board;
use crate::domain::delivery::Delivery;
use crate::domain::guard::Guards;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::run::Lane;
use crate::entra::TokenSource;
use crate::evidence::Binder;
use crate::graph::{Graph, Link};
use crate::reload::Reloader;
use crate::run::Leases;
use crate::store::{Entry, Store, Workplace};
use crate::telemetry::Metrics;
use crate::traces::Traces;
use crate::transport::Transport;

/// The store of this configuration, and its writer's life.
async fn open(
    config: &Config,
    place: (Clock, Workplace),
) -> Result<(Store, impl Future<Output = ()> + Send + 'static), StartError> {
    let entry = (Entry::Service, keys::vault(config)?);
    let opened = Store::open_at(&config.store, entry, place).await;
    opened.map_err(|error| StartError::config(error.to_string()))
}

/// A running service. Dropping it ends its loops at once; [`Service::stop`] ends them in order.
pub struct Service {
    /// Where everything stands.
    pub store: Store,
    /// The tenant.
    pub graph: Graph,
    /// Whom we do not touch.
    pub guards: Arc<ArcSwap<Guards>>,
    /// The playbooks in force.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Time and chance.
    pub clock: Clock,
    /// What a deployment has set.
    pub config: Config,
    pub(super) means: Arc<Means>,
    pub(super) told: Told,
    pub(super) keeping: Keeping,
    /// Wakes the workers for a run: a hint.
    pub wake_workers: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
    pub(super) tokens: TokenSource,
    pub(super) transport: Transport,
    pub(super) arm: Option<Arm>,
    pub(super) board: Board,
    pub(super) evidence: Binder,
    pub(super) traces: Traces,
    pub(super) senders: Senders,
    pub(super) wake_drills: Arc<Notify>,
    /// Stops all writes without a credential.
    pub pause: Option<Pause>,
    /// Takes changed playbooks, where they lie in a folder.
    pub reloader: Option<Reloader>,
    pub(super) wake_triage: Arc<dyn Fn(DeliveryId) + Send + Sync>,
    pub(super) hand_to_triage: Arc<dyn Fn(Delivery) + Send + Sync>,
    pub(super) leases: Leases,
    pub(super) stop: CancellationToken,
    pub(super) refused: Arc<OnceLock<String>>,
    /// Who does what one service alone must do; none where there is no other.
    pub(super) house: Option<House>,
    pub(super) loops: Loops,
}

impl Service {
    /// Opens the store, reads the keys, spawns the loops. Doors are opened by whoever serves.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let (told, keeping) = (Told::of(&parts)?, Keeping::of(&parts)?);
        let traces = traces(&parts)?;
        let Parts {
            config,
            clock,
            transport,
            tokens,
            foundry_tokens,
            azure_tokens,
            budgets,
            catalog,
            ground,
            ..
        } = parts;
        secrets_apart(&config)?;
        let senders = Senders::new(&config, &transport, &clock)?;
        let (store, writing) = open(&config, (clock.clone(), ground.workplace())).await?;
        // Read again by the door: here it is only made sure of, before any door opens.
        keys::ticket_key(&config.ticket_key, &clock)?;
        let evidence_key = keys::evidence_key(&config.evidence_key, &clock)?;
        let mut loops = Loops::on(ground);
        loops.spawn(writing);
        settle_in(&store, &config, &catalog, &clock).await?;
        let means = means(&config, foundry_tokens, (&transport, &clock));
        let ask = AskAzure::new(azure_tokens, (&transport, &clock));
        let arm = examine::arm(&config, ask)?;
        let link = Link {
            endpoints: config.endpoints.clone(),
            transport: transport.clone(),
            tokens: tokens.clone(),
            clock: clock.clone(),
            budgets,
        };
        let (wakes, woken) = wakes::channels();
        let mut service = Self {
            graph: Graph::traced(link, traces.clone()),
            traces,
            guards: Arc::new(ArcSwap::from_pointee(ourselves::unknown_yet())),
            catalog: Arc::new(ArcSwap::from_pointee(catalog)),
            metrics: Arc::new(Metrics::default()),
            tokens: tokens.clone(),
            transport,
            arm,
            board: Board::default(),
            evidence: Binder::new(store.clone(), evidence_key, clock.clone()),
            senders,
            wake_drills: Arc::default(),
            pause: None,
            reloader: None,
            wake_triage: wakes.triage,
            hand_to_triage: wakes.reader,
            wake_workers: wakes.workers,
            store,
            clock,
            config,
            means: Arc::new(means),
            told,
            keeping,
            leases: Leases::default(),
            stop: CancellationToken::new(),
            refused: Arc::default(),
            house: None,
            loops,
        };
        service.begin(tokens, woken).await?;
        service.spawn_looking().map(|()| service)
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
        let Self { loops, store, .. } = &mut self;
        // The writer and the loops that never end are cut when the rest is done.
        let _ = store;
        let rest = loops.until_left(ENDLESS);
        if clock.within(limit, rest).await.is_err() {
            tracing::warn!("work in flight was cut; it is taken up at the next start");
        }
        let traces = self.traces.clone();
        // It blocks until the collector has the last spans, or its time is over.
        let _ = tokio::task::spawn_blocking(move || traces.end()).await;
    }
}
