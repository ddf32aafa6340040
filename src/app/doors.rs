//! The doors of a service: one for senders, one for people.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use tower_http::catch_panic::CatchPanicLayer;
use url::Url;

use super::{Service, StartError, keys};
use crate::api::{Api, Heard, Scrape};
use crate::command::{Canary, Desk, Drills, Tools};
use crate::domain::guard::Guards;
use crate::entra::{CallerCheck, Issuers};
use crate::graph::LaneReport;
use crate::ingress::{Caller, CopilotDoor, Door, Quotas, Tally, copilot_router};
use crate::store::Store;
use crate::telemetry::LaneFigures;

impl Service {
    /// The door for senders. `public_url` begins every address it gives away.
    pub fn ingress(&self, public_url: Url) -> Result<Router, StartError> {
        let sources = keys::sources(&self.config, &self.senders.trusted)?;
        let quotas = Quotas::new(sources.names(), self.config.per_second, &self.clock);
        let door = crate::ingress::router(Door {
            sources,
            quotas,
            clock: self.clock.clone(),
            store: self.store.clone(),
            tickets: keys::ticket_key(&self.config.ticket_key, &self.clock)?,
            public_url,
            callback_hosts: self.config.callback_hosts.clone(),
            wake: Arc::clone(&self.hand_to_triage),
            on_refusal: self.senders.refusals.teller(),
            hearing: Arc::clone(&self.senders.hearing),
            traces: self.traces.clone(),
            tally: Arc::new(Tally::into_metrics(Arc::clone(&self.metrics))),
        });
        let door = match self.copilot()? {
            Some(gate) => door.merge(copilot_router(gate)),
            None => door,
        };
        Ok(door.layer(CatchPanicLayer::new()))
    }

    /// The gate of Copilot Studio, where there is one.
    fn copilot(&self) -> Result<Option<CopilotDoor>, StartError> {
        let (Some(gate), Some(tools)) = (&self.config.copilot, &self.means.tools) else {
            return Ok(None);
        };
        let home = self.config.endpoints.cloud.login();
        let issuers = Issuers::new(home, self.config.tenant);
        let callers = CallerCheck::new(gate.callers.clone(), issuers, self.senders.trusted.clone());
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

    /// Where people's words are taken.
    pub fn desk(&self) -> Desk {
        Desk::new(Tools {
            store: self.store.clone(),
            graph: self.graph.clone(),
            tenant: self.config.tenant,
            guards: Arc::clone(&self.guards),
            catalog: Arc::clone(&self.catalog),
            activators: Arc::new(self.config.activation.clone()),
            clock: self.clock.clone(),
            wake: Arc::clone(&self.wake_workers),
            wake_triage: Arc::clone(&self.wake_triage),
            caps: self.config.caps,
            token_lifetime: self.config.token_lifetime,
        })
    }

    /// Where drills are taken; they share one loop.
    pub fn drills(&self) -> Drills {
        let canary = self.config.drill.as_ref().map(|drill| Canary {
            id: drill.canary,
            schedule: drill.schedule.clone(),
            max_age: drill.max_age,
            hold: drill.hold,
        });
        Drills {
            desk: self.desk(),
            canary,
            evidence: self.config.evidence_within.is_some(),
            metrics: Arc::clone(&self.metrics),
            wake: Arc::clone(&self.wake_drills),
        }
    }

    /// The door for people.
    pub fn control(&self) -> Router {
        let (store, guards) = (self.store.clone(), Arc::clone(&self.guards));
        crate::api::router(Api {
            desk: self.desk(),
            drills: self.drills(),
            doctor: self.doctor(),
            evidence: self.evidence.clone(),
            catalog: Arc::clone(&self.catalog),
            heard: self.heard(),
            guesses: Arc::default(),
            scrape: self.scrape(),
            ready: Arc::new(move || {
                let (store, guards) = (store.clone(), Arc::clone(&guards));
                Box::pin(async move { fitness(&store, &guards).await })
            }),
        })
        .layer(CatchPanicLayer::new())
    }

    fn heard(&self) -> Heard {
        let (hearing, clock) = (Arc::clone(&self.senders.hearing), self.clock.clone());
        Arc::new(move |after| {
            let (heard, last) = hearing.after(after, clock.elapsed());
            serde_json::json!({ "heard": heard, "last": last })
        })
    }

    fn scrape(&self) -> Scrape {
        let (metrics, graph) = (Arc::clone(&self.metrics), self.graph.clone());
        Arc::new(move || {
            for report in graph.lanes() {
                metrics.lane(report.lane.word(), &figures(&report));
            }
            metrics.text()
        })
    }

    /// Is it fit to act: do we know who we are, and does the store answer?
    pub async fn readiness(&self) -> Result<(), String> {
        fitness(&self.store, &self.guards).await
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

async fn fitness(store: &Store, guards: &ArcSwap<Guards>) -> Result<(), String> {
    if let Some(why) = guards.load().blindness() {
        return Err(why.to_owned());
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
