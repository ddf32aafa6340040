//! Every loop of the service: built once, spawned here and nowhere else.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::alone::House;
use super::offline::{Telling, tell_loop};
use super::ourselves;
use super::service::Service;
use super::settle::keep_warm;
use super::wakes::Woken;
use crate::audit::{anchor_loop, retention_loop, ship_loop};
use crate::command::{Pause, drill_loop, pause_at_start, pause_loop};
use crate::doctor::doctor_loop;
use crate::domain::id::RunId;
use crate::domain::run::Lane;
use crate::entra::TokenSource;
use crate::evidence::gather_loop;
use crate::ingress::callback_loop;
use crate::notify::notify_loop;
use crate::reload::reload_loop;
use crate::rounds::rounds_loop;
use crate::run::{WorkerName, Workers, freeze_loop, sweep_loop, work_loop};
use crate::triage::{Hints, triage_loop};
use crate::watch::held_loop;

/// Loops that only end with the process: the writer, the tokens, the warm connection.
pub(super) const ENDLESS: usize = 3;

impl Service {
    /// Looks whether all writes are to stop, then begins to work.
    pub(super) async fn begin(
        &mut self,
        tokens: TokenSource,
        woken: Woken,
    ) -> Result<(), StartError> {
        let paused = pause_at_start(&self.desk(), &self.config.pause_file).await;
        paused.map_err(|why| StartError::config(why.to_string()))?;
        self.hold_against_anchors().await?;
        self.open_house();
        self.spawn_loops(tokens, woken);
        self.spawn_housekeeping();
        self.spawn_lookouts();
        self.spawn_keeping();
        Ok(())
    }

    /// What anchors the record and lets old things go.
    fn spawn_keeping(&mut self) {
        if let Some(anchoring) = self.anchoring() {
            self.spawn_alone(anchoring, anchor_loop);
        }
        for ship in self.anchor_ships() {
            self.spawn_alone(ship, ship_loop);
        }
        self.spawn_alone(self.expiry(), retention_loop);
    }

    /// What looks for files that people write: playbooks, the pause, the offline journal.
    fn spawn_lookouts(&mut self) {
        let reloading = self.new_reloader().map(|(reloader, heard)| {
            self.reloader = Some(reloader.clone());
            reload_loop(reloader, heard, self.stop.clone())
        });
        let (pause, heard) = Pause::new();
        self.pause = Some(pause);
        let file = self.config.pause_file.clone();
        let pausing = pause_loop(self.desk(), file, heard, self.stop.clone());
        let telling = tell_loop(Telling {
            store: self.store.clone(),
            file: self.config.offline_journal.clone(),
            clock: self.clock.clone(),
            wake: Arc::clone(&self.wake_workers),
            stop: self.stop.clone(),
        });
        let loops = &mut self.loops;
        if let Some(reloading) = reloading {
            loops.spawn(reloading);
        }
        loops.spawn(pausing);
        loops.spawn(telling);
    }

    fn spawn_loops(&mut self, tokens: TokenSource, woken: Woken) {
        let bench = self.bench();
        let hints = Hints {
            handed: woken.reader,
            stored: woken.triage,
            made: Arc::clone(&self.wake_workers),
            stop: self.stop.clone(),
        };
        let reserved = self.workers("contain", Lane::Contain, woken.contain);
        let others = self.workers("any", Lane::Bulk, woken.any);
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
        let serving = self.serve_senders();
        let triage = self.triage((reserved.places(), others.places()));
        let examining = doctor_loop(self.doctor(), self.store.clone(), self.stop.clone());
        let warming = keep_warm(self.graph.clone(), self.clock.clone());
        let loops = &mut self.loops;
        loops.spawn(learning);
        loops.spawn(tokens.refresh_loop());
        loops.spawn(warming);
        loops.spawn(triage_loop(triage, hints));
        loops.spawn(work_loop(bench.clone(), reserved));
        loops.spawn(work_loop(bench, others));
        loops.spawn(serving);
        loops.spawn(examining);
    }

    /// What follows from what is stored, and what goes round by the clock.
    fn spawn_housekeeping(&mut self) {
        self.spawn_alone(self.bench(), freeze_loop);
        self.spawn_alone(self.bench(), sweep_loop);
        self.spawn_alone(self.teller(), notify_loop);
        for ship in self.shipping() {
            self.spawn_alone(ship, ship_loop);
        }
        self.spawn_alone(self.caller(), callback_loop);
        if let Some(held) = self.held() {
            self.spawn_alone(held, held_loop);
        }
        if let Some(gatherer) = self.gatherer() {
            self.spawn_alone(gatherer, gather_loop);
        }
        self.spawn_alone(self.rounds(), rounds_loop);
        self.spawn_alone(self.drills(), drill_loop);
    }

    /// Spawns what one service alone does: at once, unless others share the database.
    pub(super) fn spawn_alone<P, F>(
        &mut self,
        parts: P,
        work: impl Fn(P, CancellationToken) -> F + Send + Sync + 'static,
    ) where
        P: Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        match self.house.clone() {
            None => self.loops.spawn(work(parts, stop)),
            Some(house) => {
                let work = async move {
                    house.keep(stop, |until| work(parts.clone(), until)).await;
                };
                self.loops.spawn(work);
            }
        }
    }

    /// Where the database is shared, one of all services keeps house.
    fn open_house(&mut self) {
        if self.store.is_shared() {
            let (house, keeping) = House::of(&self.store, &self.clock, &self.stop);
            self.house = Some(house);
            self.loops.spawn(keeping.keep_loop());
        }
    }

    fn workers(&self, name: &str, lane: Lane, hints: mpsc::Receiver<RunId>) -> Workers {
        let name = WorkerName(name.to_owned());
        Workers::new((name, lane), hints, self.stop.clone())
    }
}
