//! One running service: its store, its loops, its doors.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::examine::{self, AskAzure};
use super::settle::{keep_warm, settle_in};
use super::{Parts, StartError, keys, ourselves};
use crate::act::Means;
use crate::arm::Arm;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::command::drill_loop;
use crate::config::Config;
use crate::doctor::{Board, doctor_loop};
use crate::domain::guard::Guards;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::run::Lane;
use crate::entra::TokenSource;
use crate::evidence::{Binder, gather_loop};
use crate::foundry::Foundry;
use crate::graph::{Graph, Link};
use crate::run::{Bench, Limits, WorkerName, Workers, freeze_loop, sweep_loop, work_loop};
use crate::store::{Entry, Store};
use crate::telemetry::Metrics;
use crate::transport::Transport;
use crate::triage::{Hints, Triage, triage_loop};
use crate::watch::{held_loop, watch_loop};

/// Hints that may wait; a lost one is found by looking.
const HINTS_MAX: usize = 8192;

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
    means: Arc<Means>,
    /// Wakes the workers for a run: a hint.
    pub wake_workers: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
    pub(super) tokens: TokenSource,
    pub(super) arm: Option<Arm>,
    pub(super) board: Board,
    pub(super) evidence: Binder,
    pub(super) wake_drills: Arc<Notify>,
    pub(super) wake_triage: Arc<dyn Fn(DeliveryId) + Send + Sync>,
    stop: CancellationToken,
    refused: Arc<OnceLock<String>>,
    loops: JoinSet<()>,
}

impl Service {
    /// Opens the store, reads the keys, spawns the loops. Doors are opened by whoever serves.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts {
            config,
            clock,
            transport,
            tokens,
            foundry_tokens,
            azure_tokens,
            budgets,
            catalog,
        } = parts;
        keys::sources(&config)?;
        let opened = Store::open(&config.store, Entry::Service, clock.clone()).await;
        let (store, writing) = opened.map_err(|error| StartError::config(error.to_string()))?;
        // Read again by the door: here it is only made sure of, before any door opens.
        keys::ticket_key(&config.ticket_key, &clock)?;
        let evidence_key = keys::evidence_key(&config.evidence_key, &clock)?;
        let mut loops = JoinSet::new();
        spawn(&mut loops, writing);
        settle_in(&store, &config, &catalog, &clock).await?;
        let means = means(&config, foundry_tokens, (&transport, &clock));
        let ask = AskAzure {
            tokens: azure_tokens,
            transport: &transport,
            clock: &clock,
        };
        let arm = examine::arm(&config, ask)?;
        let link = Link {
            endpoints: config.endpoints.clone(),
            transport,
            tokens: tokens.clone(),
            clock: clock.clone(),
            budgets,
        };
        let (to_triage, stored) = mpsc::channel(HINTS_MAX);
        let (to_contain, contain) = mpsc::channel(HINTS_MAX);
        let (to_any, any) = mpsc::channel(HINTS_MAX);
        let mut service = Self {
            graph: Graph::new(link),
            guards: Arc::new(ArcSwap::from_pointee(ourselves::unknown_yet())),
            catalog: Arc::new(ArcSwap::from_pointee(catalog)),
            metrics: Arc::new(Metrics::default()),
            tokens: tokens.clone(),
            arm,
            board: Board::default(),
            evidence: Binder::new(store.clone(), evidence_key, clock.clone()),
            wake_drills: Arc::default(),
            wake_triage: Arc::new(move |id| {
                // A full channel loses a hint, never a delivery.
                let _ = to_triage.try_send(id);
            }),
            wake_workers: Arc::new(move |run, lane| {
                let door = match lane {
                    Lane::Contain => &to_contain,
                    Lane::Bulk => &to_any,
                };
                let _ = door.try_send(run);
            }),
            store,
            clock,
            config,
            means: Arc::new(means),
            stop: CancellationToken::new(),
            refused: Arc::default(),
            loops,
        };
        service.spawn_loops(tokens, stored, (contain, any));
        Ok(service)
    }

    fn spawn_loops(
        &mut self,
        tokens: TokenSource,
        stored: mpsc::Receiver<DeliveryId>,
        (contain, any): (mpsc::Receiver<RunId>, mpsc::Receiver<RunId>),
    ) {
        let bench = self.bench();
        let hints = Hints {
            stored,
            made: Arc::clone(&self.wake_workers),
            stop: self.stop.clone(),
        };
        let reserved = self.workers("contain", Lane::Contain, contain);
        let others = self.workers("any", Lane::Bulk, any);
        let learning = ourselves::learn(
            tokens.clone(),
            self.config.clone(),
            Arc::clone(&self.guards),
            self.clock.clone(),
        );
        let (stop, refused) = (self.stop.clone(), Arc::clone(&self.refused));
        let learning = async move {
            // A token that never comes must not hold up the end.
            if let Some(why) = stop.run_until_cancelled(learning).await {
                let _ = refused.set(why);
                stop.cancel();
            }
        };
        let telling = crate::notify::notify_loop(
            self.store.clone(),
            self.clock.clone(),
            Arc::clone(&self.metrics),
            self.stop.clone(),
        );
        let watching = self
            .watch()
            .map(|watch| watch_loop(watch, self.stop.clone()));
        let guarding = self.held().map(|held| held_loop(held, self.stop.clone()));
        let gathering = self
            .gatherer()
            .map(|gatherer| gather_loop(gatherer, self.stop.clone()));
        let triage = self.triage();
        let drilling = drill_loop(self.drills(), self.stop.clone());
        let examining = doctor_loop(self.doctor(), self.store.clone(), self.stop.clone());
        let warming = keep_warm(self.graph.clone(), self.clock.clone());
        let loops = &mut self.loops;
        spawn(loops, learning);
        spawn(loops, tokens.refresh_loop());
        spawn(loops, warming);
        spawn(loops, triage_loop(triage, hints));
        spawn(loops, work_loop(bench.clone(), reserved));
        spawn(loops, work_loop(bench.clone(), others));
        spawn(loops, freeze_loop(bench.clone(), self.stop.clone()));
        spawn(loops, sweep_loop(bench, self.stop.clone()));
        spawn(loops, telling);
        if let Some(watching) = watching {
            spawn(loops, watching);
        }
        if let Some(guarding) = guarding {
            spawn(loops, guarding);
        }
        if let Some(gathering) = gathering {
            spawn(loops, gathering);
        }
        spawn(loops, drilling);
        spawn(loops, examining);
    }

    fn workers(&self, name: &str, lane: Lane, hints: mpsc::Receiver<RunId>) -> Workers {
        Workers {
            name: WorkerName(name.to_owned()),
            lane,
            hints,
            stop: self.stop.clone(),
        }
    }

    fn bench(&self) -> Bench {
        Bench {
            store: self.store.clone(),
            graph: self.graph.clone(),
            guards: Arc::clone(&self.guards),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            limits: Limits {
                caps: self.config.caps,
                token_lifetime: self.config.token_lifetime,
            },
            means: Arc::clone(&self.means),
            board: self.board.clone(),
        }
    }

    fn triage(&self) -> Triage {
        Triage {
            store: self.store.clone(),
            catalog: Arc::clone(&self.catalog),
            guards: Arc::clone(&self.guards),
            sources: Arc::new(keys::terms(&self.config)),
            tenant: self.config.tenant,
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
        }
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
        let rest = async {
            while loops.len() > ENDLESS {
                loops.join_next().await;
            }
        };
        if clock.within(limit, rest).await.is_err() {
            tracing::warn!("work in flight was cut; it is taken up at the next start");
        }
    }
}

/// Loops that only end with the process: the writer, the tokens, the warm connection.
const ENDLESS: usize = 3;

fn spawn(loops: &mut JoinSet<()>, work: impl Future<Output = ()> + Send + 'static) {
    loops.spawn(work);
}

/// What the acts may do here, and with what.
fn means(
    config: &Config,
    foundry_tokens: Option<TokenSource>,
    (transport, clock): (&Transport, &Clock),
) -> Means {
    let foundry = config.actions.foundry.as_ref().zip(foundry_tokens);
    Means {
        profile: config.profile,
        tag: config.actions.tag.clone(),
        foundry: foundry.map(|(foundry, tokens)| {
            let (transport, clock) = (transport.clone(), clock.clone());
            Foundry::new(foundry.terms.clone(), tokens, transport, clock)
        }),
    }
}
