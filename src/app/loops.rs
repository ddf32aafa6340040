//! Every loop of the service: built once, spawned here and nowhere else.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::StartError;
use super::ground::Loops;
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

pub(super) fn spawn(loops: &mut Loops, work: impl Future<Output = ()> + Send + 'static) {
    loops.spawn(work);
}

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
        self.spawn_loops(tokens, woken);
        self.spawn_lookouts();
        self.spawn_keeping();
        Ok(())
    }

    /// What anchors the record and lets old things go.
    fn spawn_keeping(&mut self) {
        if let Some(anchoring) = self.anchoring() {
            spawn(&mut self.loops, anchor_loop(anchoring, self.stop.clone()));
        }
        for ship in self.anchor_ships() {
            spawn(&mut self.loops, ship_loop(ship, self.stop.clone()));
        }
        let keeping = retention_loop(self.expiry(), self.stop.clone());
        spawn(&mut self.loops, keeping);
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
            spawn(loops, reloading);
        }
        spawn(loops, pausing);
        spawn(loops, telling);
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
        let telling = notify_loop(self.teller(), self.stop.clone());
        let shipping = self.shipping();
        let guarding = self.held().map(|held| held_loop(held, self.stop.clone()));
        let gathering = self
            .gatherer()
            .map(|gatherer| gather_loop(gatherer, self.stop.clone()));
        let serving = self.serve_senders();
        let going_round = rounds_loop(self.rounds(), self.stop.clone());
        let triage = self.triage((reserved.places(), others.places()));
        let calling = callback_loop(self.caller(), self.stop.clone());
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
        for ship in shipping {
            spawn(loops, ship_loop(ship, self.stop.clone()));
        }
        spawn(loops, calling);
        if let Some(guarding) = guarding {
            spawn(loops, guarding);
        }
        if let Some(gathering) = gathering {
            spawn(loops, gathering);
        }
        spawn(loops, serving);
        spawn(loops, going_round);
        spawn(loops, drilling);
        spawn(loops, examining);
    }

    fn workers(&self, name: &str, lane: Lane, hints: mpsc::Receiver<RunId>) -> Workers {
        let name = WorkerName(name.to_owned());
        Workers::new((name, lane), hints, self.stop.clone())
    }
}
