//! The stage of one rehearsal: a store of its own, the simulated tenant, a clock moved by hand, and
//! the real loops of triage and runs, polled in place rather than spawned.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::NotPlayed;
use super::folder::Folder;
use crate::act::Means;
use crate::catalog::Catalog;
use crate::clock::{Clock, Hand};
use crate::doctor::Board;
use crate::domain::caps::Caps;
use crate::domain::detection::SourceName;
use crate::domain::entity::{EntityKind, ObjectId};
use crate::domain::guard::Guards;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::moment::Moment;
use crate::domain::permission::Profile;
use crate::domain::playbook::{Mode, ServiceMode};
use crate::domain::reading::ReaderKind;
use crate::domain::restraint::Activation;
use crate::domain::run::Lane;
use crate::domain::source::{May, SourceTerms};
use crate::entra::{AccessToken, TokenSource};
use crate::graph::{Budgets, Cloud, Endpoints, Graph, Link};
use crate::run::{Bench, EarlyLooks, Leases, Limits, WorkerName, Workers, sweep_loop, work_loop};
use crate::sim::{self, Entra, Tenant};
use crate::store::{Entry, Store};
use crate::telemetry::Metrics;
use crate::traces::Traces;
use crate::triage::{Held, Hints, Triage, triage_loop};
use crate::watch::Watch;

/// When every rehearsal begins, in milliseconds: a Monday noon.
const BEGINS: Moment = Moment::from_millis(1_790_000_000_000);
/// Hints that may wait; a lost one is found by looking.
const HINTS_MAX: usize = 64;
/// What stands as the pace of the inventory, which is listed once.
const LISTED_EVERY: Duration = Duration::from_secs(300);
/// Steps of the clock before the listing of the tenant, or a person's word, is called stuck.
const DOING_TICKS: usize = 2_000;
/// Caps that leave the playbook's own guardrail as the only one.
const CAP: u32 = 10_000;

/// What is on the stage.
pub(super) struct Stage {
    pub(super) entra: Entra,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) hand: Hand,
    pub(super) catalog: Arc<Catalog>,
    pub(super) wake_triage: mpsc::Sender<DeliveryId>,
}

/// Who speaks, and what is tried.
pub(super) struct Setting {
    pub(super) catalog: Catalog,
    pub(super) source: SourceName,
    pub(super) tenant: Tenant,
    /// What the deployment may do.
    pub(super) profile: Profile,
}

/// Sets the stage and plays `act` on it, while the real loops work.
pub(super) async fn on_stage<T>(
    setting: Setting,
    act: impl AsyncFnOnce(&Stage) -> Result<T, NotPlayed>,
) -> Result<T, NotPlayed> {
    let (clock, hand) = Clock::by_hand(BEGINS);
    let entra = Entra::new(clock.clone(), setting.tenant.clone());
    entra.set_limits(sim::Limits::off());
    // The stage's clock repeats its chances; the folder needs one that no other stage has.
    let folder = Folder::make(Clock::system().uuid())?;
    let opened = Store::open(&folder.file("estop.db"), Entry::Service, clock.clone()).await;
    let (store, writing) = opened.map_err(|error| NotPlayed(error.to_string()))?;
    let (wake_triage, stored) = mpsc::channel(HINTS_MAX);
    let Setting {
        catalog,
        source,
        tenant,
        profile,
    } = setting;
    let stage = Stage {
        entra,
        store,
        clock,
        hand,
        catalog: Arc::new(catalog),
        wake_triage,
    };
    let deployed = (source, tenant.id, profile);
    let tokens = tokens(&stage);
    let guards = Arc::new(ArcSwap::from_pointee(guards(&stage, &tokens).await?));
    let loops = loops(&stage, deployed, (tokens, guards), stored)?;
    let played = async {
        stage
            .store
            .configured_mode(ServiceMode::Enforce, stage.clock.now())
            .await?;
        act(&stage).await
    };
    let ended = || NotPlayed("the loops of the rehearsal ended early".to_owned());
    tokio::select! {
        biased;
        () = writing => Err(ended()),
        () = join_all(loops).map(drop) => Err(ended()),
        played = played => played,
    }
}

type Loops = Vec<BoxFuture<'static, ()>>;
type Known = (TokenSource, Arc<ArcSwap<Guards>>);

fn loops(
    stage: &Stage,
    (source, tenant, profile): (SourceName, Uuid, Profile),
    (tokens, guards): Known,
    stored: mpsc::Receiver<DeliveryId>,
) -> Result<Loops, NotPlayed> {
    let (to_workers, hints) = mpsc::channel(HINTS_MAX);
    let stop = CancellationToken::new();
    let name = WorkerName("rehearsal".to_owned());
    let workers = Workers::new((name, Lane::Bulk), hints, stop.clone());
    let places = workers.places();
    let metrics = Arc::new(Metrics::default());
    let graph = graph(stage, tokens)?;
    let bench = Bench {
        board: Board::default(),
        means: Arc::new(Means::of(profile)),
        store: stage.store.clone(),
        graph: graph.clone(),
        guards: Arc::clone(&guards),
        clock: stage.clock.clone(),
        metrics: Arc::clone(&metrics),
        limits: limits(),
        traces: Traces::off(),
        leases: Leases::default(),
        early: EarlyLooks::default(),
    };
    let sitting = bench.clone();
    let triage = Triage {
        store: stage.store.clone(),
        catalog: Arc::new(ArcSwap::new(Arc::clone(&stage.catalog))),
        guards,
        restraints: Held::new(Activation::Optional),
        sources: Arc::new(BTreeMap::from([(source, terms())])),
        tenant: ObjectId::from_uuid(tenant),
        graph,
        looking_up: Triage::places(),
        clock: stage.clock.clone(),
        metrics,
        seats: Arc::new(move |_| places.seat(&sitting)),
        traces: Traces::off(),
    };
    let (_, nothing_handed) = mpsc::channel(1);
    let triage_hints = Hints {
        handed: nothing_handed,
        stored,
        made: Arc::new(move |run: RunId, _: Lane| {
            // A full channel loses a hint, never a run.
            let _ = to_workers.try_send(run);
        }),
        stop: stop.clone(),
    };
    Ok(vec![
        triage_loop(triage, triage_hints).boxed(),
        work_loop(bench.clone(), workers).boxed(),
        sweep_loop(bench, stop).boxed(),
    ])
}

impl Stage {
    /// Lists the simulated tenant, for playbooks that reach further than what a detection names.
    pub(super) async fn stock(&self) -> Result<(), NotPlayed> {
        let watch = Watch {
            store: self.store.clone(),
            graph: graph(self, tokens(self))?,
            clock: self.clock.clone(),
            every: LISTED_EVERY,
            attributes: None,
        };
        let listed = self.meanwhile(watch.refresh()).await?;
        let listed = listed
            .ok_or_else(|| NotPlayed("the simulated tenant could not be listed".to_owned()))?;
        Ok(listed.map(drop)?)
    }

    /// Moves the clock on until this is done; `None` when it does not come to an end.
    pub(super) async fn meanwhile<T>(
        &self,
        doing: impl Future<Output = T>,
    ) -> Result<Option<T>, NotPlayed> {
        // Boxed: these are large, and a rehearsal is played on the stack of a test too.
        let mut doing = Box::pin(doing);
        for _ in 0..DOING_TICKS {
            if let std::task::Poll::Ready(done) = futures_util::poll!(&mut doing) {
                return Ok(Some(done));
            }
            self.tick().await?;
        }
        Ok(None)
    }
}

pub(super) fn limits() -> Limits {
    let caps = Caps {
        tenant: CAP,
        source: CAP,
        // A playbook is tried, not what a deployment allows it.
        automatic_blueprints: true,
        ..Caps::default()
    };
    Limits {
        caps,
        token_lifetime: Duration::from_secs(24 * 3600),
    }
}

fn terms() -> SourceTerms {
    SourceTerms {
        reader: ReaderKind::Estop,
        types: BTreeMap::new(),
        mapping: None,
        may: May {
            entities: EntityKind::ALL.to_vec(),
            mode: Mode::Enforce,
            playbooks: None,
        },
    }
}

pub(super) fn graph(stage: &Stage, tokens: TokenSource) -> Result<Graph, NotPlayed> {
    let endpoints = Endpoints::of(Cloud::Global, None, None);
    Ok(Graph::new(Link {
        endpoints: endpoints.map_err(|error| NotPlayed(error.to_string()))?,
        transport: stage.entra.transport(),
        tokens,
        clock: stage.clock.clone(),
        budgets: Budgets::default(),
    }))
}

/// Tokens as the simulated tenant gives them to us.
pub(super) fn tokens(stage: &Stage) -> TokenSource {
    let (entra, clock) = (stage.entra.clone(), stage.clock.clone());
    TokenSource::fetching(stage.clock.clone(), move |_| {
        let text = entra.access_token().unwrap_or_default();
        let until = clock.now().plus(Duration::from_secs(3600));
        Box::pin(std::future::ready(AccessToken::new(&text.into(), until)))
    })
}

/// We never touch ourselves, on the stage neither.
pub(super) async fn guards(stage: &Stage, tokens: &TokenSource) -> Result<Guards, NotPlayed> {
    let token = tokens.token().await;
    let token = token.map_err(|error| NotPlayed(error.to_string()))?;
    let client = stage.entra.tenant().client;
    let known = token.identity().is_some();
    let own = [client.principal, client.app].map(ObjectId::from_uuid);
    let never = own.map(|id| (id, "our own principal".to_owned()));
    Ok(if known {
        Guards::new(never, [])
    } else {
        Guards::blind("the simulated token cannot be read")
    })
}
