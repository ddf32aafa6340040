//! The doors of a service: one for senders, one for people.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use tower_http::catch_panic::CatchPanicLayer;
use url::Url;

use super::senders::Senders;
use super::tenant::Tenant;
use super::{Service, StartError, keys};
use crate::api::{Api, Entrance, Heard, Probes, Scrape};
use crate::command::{Canary, Desk, Drills, Tools};
use crate::domain::guard::Guards;
use crate::entra::{CallerCheck, Issuers};
use crate::graph::{Graph, LaneReport};
use crate::ingress::{Caller, CopilotDoor, Door, Quotas, Tally, copilot_router};
use crate::store::Store;
use crate::telemetry::LaneFigures;

impl Service {
    /// The door for senders. `public_url` begins every address it gives away.
    pub fn ingress(&self, public_url: Url) -> Result<Router, StartError> {
        let senders = self.senders.as_ref().ok_or_else(|| {
            let role = self.config.role;
            StartError::config(format!("role `{role}` has no door for senders"))
        })?;
        let sources = keys::sources(&self.config, &senders.trusted)?;
        let quotas = Quotas::new(sources.names(), self.config.per_second, &self.clock);
        let door = crate::ingress::router(Door {
            sources,
            quotas,
            clock: self.clock.clone(),
            store: self.store.clone(),
            tickets: keys::ticket_key(&self.config.ticket_key, &self.clock)?,
            public_url,
            callback_hosts: self.config.callback_hosts.clone(),
            ahead: self.ahead.clone(),
            wake: Arc::clone(&self.hand_to_triage),
            on_refusal: senders.refusals.teller(),
            hearing: Arc::clone(&senders.hearing),
            traces: self.traces.clone(),
            tally: Arc::new(Tally::into_metrics(Arc::clone(&self.metrics))),
        });
        let door = match self.copilot(senders)? {
            Some(gate) => door.merge(copilot_router(gate)),
            None => door,
        };
        Ok(door.layer(CatchPanicLayer::new()))
    }

    /// The gate of Copilot Studio, where there is one.
    fn copilot(&self, senders: &Senders) -> Result<Option<CopilotDoor>, StartError> {
        let (Some(gate), Some(tools)) = (&self.config.copilot, &self.gate) else {
            return Ok(None);
        };
        let home = self.config.endpoints.cloud.login();
        let issuers = Issuers::new(home, self.config.tenant);
        let callers = CallerCheck::new(gate.callers.clone(), issuers, senders.trusted.clone());
        Ok(Some(CopilotDoor {
            callers: callers
                .map_err(|why| StartError::config(format!("`copilot.verify`: {why}")))?,
            tools: Arc::clone(tools),
            tenant: self.config.tenant,
            environments: gate.environments.clone(),
            cannot_tell: gate.cannot_tell,
            unmapped: gate.unmapped,
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
        }))
    }

    /// What calls back whoever waits for the end of a delivery.
    pub(super) fn caller(&self) -> Caller {
        let here = || format!("http://{}/", self.config.listen).parse().ok();
        Caller {
            store: self.store.clone(),
            transport: self.transport.clone(),
            clock: self.clock.clone(),
            public_url: self.config.public_url.clone().or_else(here),
        }
    }

    /// The tenant as this role reaches it, where it does.
    pub fn graph(&self) -> Option<&Graph> {
        self.tenant.as_ref().map(|tenant| &tenant.graph)
    }

    /// Where people's words are taken; none where the tenant cannot be read.
    pub fn desk(&self) -> Option<Desk> {
        self.tenant.as_ref().map(|tenant| self.desk_of(tenant))
    }

    pub(super) fn desk_of(&self, tenant: &Tenant) -> Desk {
        Desk::new(Tools {
            store: self.store.clone(),
            graph: tenant.graph.clone(),
            tenant: self.config.tenant,
            guards: Arc::clone(&tenant.guards),
            catalog: Arc::clone(&self.catalog),
            activators: Arc::new(self.config.activation.clone()),
            clock: self.clock.clone(),
            wake: Arc::clone(&self.wake_workers),
            wake_triage: Arc::clone(&self.wake_triage),
            caps: self.config.caps,
            token_lifetime: self.config.token_lifetime,
            pause_file: Some(self.config.pause_file.clone()),
        })
    }

    /// Where drills are taken; they share one loop.
    pub fn drills(&self) -> Option<Drills> {
        let canary = self.config.drill.as_ref().map(|drill| Canary {
            id: drill.canary,
            schedule: drill.schedule.clone(),
            max_age: drill.max_age,
            hold: drill.hold,
        });
        Some(Drills {
            desk: self.desk()?,
            canary,
            evidence: self.config.evidence_within.is_some(),
            metrics: Arc::clone(&self.metrics),
            wake: Arc::clone(&self.wake_drills),
        })
    }

    /// The door for people; where none come, the probes alone.
    pub fn control(&self) -> Router {
        let door = match self.api() {
            Some(api) => crate::api::router(api),
            None => crate::api::probes(self.probes()),
        };
        door.layer(CatchPanicLayer::new())
    }

    fn api(&self) -> Option<Api> {
        Some(Api {
            desk: self.desk()?,
            drills: self.drills()?,
            doctor: self.doctor()?,
            evidence: self.evidence.clone()?,
            catalog: Arc::clone(&self.catalog),
            heard: self.heard(),
            probes: self.probes(),
        })
    }

    fn probes(&self) -> Probes {
        let (store, guards) = (self.store.clone(), self.guards());
        Probes {
            entrance: Entrance::new(self.store.clone(), self.clock.clone()),
            scrape: self.scrape(),
            ready: Arc::new(move || {
                let (store, guards) = (store.clone(), guards.clone());
                Box::pin(async move { fitness(&store, guards.as_deref()).await })
            }),
        }
    }

    fn heard(&self) -> Option<Heard> {
        let (hearing, clock) = (&self.senders.as_ref()?.hearing, self.clock.clone());
        let hearing = Arc::clone(hearing);
        Some(Arc::new(move |after| {
            let (heard, last) = hearing.after(after, clock.elapsed());
            serde_json::json!({ "heard": heard, "last": last })
        }))
    }

    fn scrape(&self) -> Scrape {
        let metrics = Arc::clone(&self.metrics);
        let graph = self.tenant.as_ref().map(|tenant| tenant.graph.clone());
        Arc::new(move || {
            let reports = graph.iter().flat_map(Graph::lanes);
            for report in reports {
                metrics.lane(report.lane.word(), &figures(&report));
            }
            metrics.text()
        })
    }

    fn guards(&self) -> Option<Arc<ArcSwap<Guards>>> {
        let tenant = self.tenant.as_ref()?;
        Some(Arc::clone(&tenant.guards))
    }

    /// Is it fit for what it is there for: does the store answer, and where we enter the tenant, do
    /// we know who we are?
    pub async fn readiness(&self) -> Result<(), String> {
        fitness(&self.store, self.guards().as_deref()).await
    }
}

fn figures(report: &LaneReport) -> LaneFigures {
    let causes = report.causes.iter();
    LaneFigures {
        waiting: report.waiting.iter().sum(),
        turns: report.turns,
        crowded: report.crowded,
        throttled: report.throttled,
        spent: report.spent,
        paused: report.paused,
        limit_share: report.limit_share,
        causes: causes
            .map(|(it, count)| ([it.whose, it.calls, it.what], *count))
            .collect(),
    }
}

async fn fitness(store: &Store, guards: Option<&ArcSwap<Guards>>) -> Result<(), String> {
    let blind = guards.and_then(|guards| guards.load().blindness().map(str::to_owned));
    if let Some(why) = blind {
        return Err(why);
    }
    let asked = async {
        if store.is_shared() {
            // A server that only follows would answer, and store nothing.
            store.synced().await?;
        }
        store.standing().await
    };
    asked.await.map(drop).map_err(|error| error.to_string())
}
