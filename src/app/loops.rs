//! Every loop of the service: built once, spawned here and nowhere else.
//!
//! | what | ingest | worker | console |
//! |---|---|---|---|
//! | the writer of the store | yes | yes | yes |
//! | keys of those who show us tokens, words about refusals | yes | | |
//! | whom the gate refuses | yes | yes | |
//! | our own token, a warm connection, who we are | | yes | yes |
//! | the file and the signal that stop all writes | | yes | yes |
//! | the playbooks in force | | from their folder | from the store |
//! | telling the workers what is stored for them, looking whether any is alive | yes | | yes |
//! | triage, the workers, what keeps house, everything that looks or tells by itself | | yes | |
//!
//! One process that is all of it does all of it. Of several workers one keeps house.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::alone::House;
use super::offline::{Telling, tell_loop};
use super::ourselves;
use super::service::Service;
use super::settle::keep_warm;
use super::tenant::{Tenant, Workshop};
use super::wakes::Woken;
use crate::audit::{anchor_loop, retention_loop, ship_loop};
use crate::command::{Pause, drill_loop, pause_at_start, pause_loop};
use crate::doctor::doctor_loop;
use crate::domain::id::RunId;
use crate::domain::run::Lane;
use crate::evidence::gather_loop;
use crate::gate::gate_loop;
use crate::ingress::callback_loop;
use crate::notify::notify_loop;
use crate::reload::{follow_loop, reload_loop};
use crate::rounds::rounds_loop;
use crate::run::{WorkerName, Workers, freeze_loop, sweep_loop, work_loop};
use crate::triage::{Ahead, Hints, triage_loop};
use crate::watch::{attendance_loop, held_loop};

impl Service {
    /// How many loops only end with the process: the writer; with a tenant, its token and its warm
    /// connection too.
    pub(super) const fn endless(&self) -> usize {
        if self.tenant.is_some() { 3 } else { 1 }
    }

    /// Looks whether all writes are to stop, then begins to work.
    pub(super) async fn begin(&mut self, woken: Woken) -> Result<(), StartError> {
        if let Some(desk) = self.desk() {
            let paused = pause_at_start(&desk, &self.config.pause_file).await;
            paused.map_err(|why| StartError::config(why.to_string()))?;
        }
        let workshop = self.workshop.clone();
        if let Some(workshop) = &workshop {
            self.hold_against_anchors(workshop).await?;
            self.open_house();
        }
        if let Some(tenant) = self.tenant.clone() {
            self.spawn_entry(&tenant);
        }
        match &workshop {
            Some(workshop) => self.spawn_work(workshop, woken),
            None => {
                let telling = self.tell_afar(woken);
                self.loops.spawn(telling);
                let looking = attendance_loop(self.attendance(), self.stop.clone());
                self.loops.spawn(looking);
            }
        }
        if let Some(serving) = self.serve_senders() {
            self.loops.spawn(serving);
        }
        if let Some(workshop) = &workshop {
            self.spawn_housekeeping(workshop);
        }
        self.spawn_lookouts();
        if let Some(workshop) = &workshop {
            self.spawn_keeping(workshop);
            self.spawn_looking(workshop)?;
        }
        if let Some(keeper) = self.keeper() {
            self.loops.spawn(gate_loop(keeper, self.stopping()));
        }
        Ok(())
    }

    /// Keeps the way into the tenant open, and learns who we are there.
    fn spawn_entry(&mut self, tenant: &Tenant) {
        let learning = ourselves::learn(tenant.clone(), self.config.clone(), self.clock.clone());
        let (stop, refused) = (self.stop.clone(), Arc::clone(&self.refused));
        let learning = async move {
            // A token that never comes must not hold up the end.
            if let Some(why) = stop.run_until_cancelled(learning).await {
                let _ = refused.set(why);
                stop.cancel();
            }
        };
        let warming = keep_warm(tenant.graph.clone(), self.clock.clone());
        let loops = &mut self.loops;
        loops.spawn(learning);
        loops.spawn(tenant.tokens.clone().refresh_loop());
        loops.spawn(warming);
    }

    /// What looks for what people write: playbooks, and the file that stops all writes.
    fn spawn_lookouts(&mut self) {
        let Some(desk) = self.desk() else { return };
        if self.workshop.is_none() {
            let following = follow_loop(self.follower(), self.stop.clone());
            self.loops.spawn(following);
        } else if let Some((reloader, heard)) = self.new_reloader() {
            self.reloader = Some(reloader.clone());
            let reloading = reload_loop(reloader, heard, self.stop.clone());
            self.loops.spawn(reloading);
        }
        let (pause, heard) = Pause::new();
        self.pause = Some(pause);
        let file = self.config.pause_file.clone();
        let pausing = pause_loop(desk, file, heard, self.stop.clone());
        self.loops.spawn(pausing);
    }

    /// What is told of an offline journal, what anchors the record and lets old things go.
    fn spawn_keeping(&mut self, workshop: &Workshop) {
        let telling = tell_loop(Telling {
            store: self.store.clone(),
            file: self.config.offline_journal.clone(),
            clock: self.clock.clone(),
            wake: Arc::clone(&self.wake_workers),
            stop: self.stop.clone(),
        });
        self.loops.spawn(telling);
        if let Some(anchoring) = self.anchoring(workshop) {
            self.spawn_alone(anchoring, anchor_loop);
        }
        for ship in self.anchor_ships(workshop) {
            self.spawn_alone(ship, ship_loop);
        }
        self.spawn_alone(self.expiry(workshop), retention_loop);
    }

    /// What decides and carries out.
    fn spawn_work(&mut self, workshop: &Workshop, woken: Woken) {
        let bench = self.bench(workshop);
        let hints = Hints {
            handed: woken.reader,
            stored: woken.triage,
            made: Arc::clone(&self.wake_workers),
            stop: self.stop.clone(),
        };
        let reserved = self.workers("contain", Lane::Contain, woken.contain);
        let others = self.workers("any", Lane::Bulk, woken.any);
        let places = (reserved.places(), others.places());
        let triage = self.triage(workshop, places);
        self.ahead = Ahead::new(triage.clone(), Arc::clone(&self.wake_workers));
        let loops = &mut self.loops;
        loops.spawn(triage_loop(triage, hints));
        loops.spawn(work_loop(bench.clone(), reserved));
        loops.spawn(work_loop(bench, others));
        if self.store.is_shared() {
            let hearing = self.hear_afar();
            self.loops.spawn(hearing);
        }
    }

    /// What follows from what is stored, and what goes round by the clock.
    fn spawn_housekeeping(&mut self, workshop: &Workshop) {
        if let Some(doctor) = self.doctor() {
            let examining = doctor_loop(doctor, self.store.clone(), self.stop.clone());
            self.loops.spawn(examining);
        }
        self.spawn_alone(self.bench(workshop), freeze_loop);
        self.spawn_alone(self.bench(workshop), sweep_loop);
        self.spawn_alone(self.teller(workshop), notify_loop);
        for ship in self.shipping(workshop) {
            self.spawn_alone(ship, ship_loop);
        }
        self.spawn_alone(self.caller(), callback_loop);
        if let Some(held) = self.held() {
            self.spawn_alone(held, held_loop);
        }
        if let Some(gatherer) = self.gatherer(workshop) {
            self.spawn_alone(gatherer, gather_loop);
        }
        self.spawn_alone(self.rounds(workshop), rounds_loop);
        if let Some(drills) = self.drills() {
            self.spawn_alone(drills, drill_loop);
        }
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

    /// Where the database is shared, one of all workers keeps house.
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
