//! What looks at the tenant and at the senders by itself, built for a service.

use std::sync::Arc;

use super::tenant::Workshop;
use super::{Service, StartError};
use crate::gate::Keeper;
use crate::signature::Secret;
use crate::transport::Transport;
use crate::watch::{
    Heart, Listened, Pull, Pulses, Watch, heart_loop, pull_loop, pulse_loop, watch_loop,
};

impl Service {
    /// What refreshes the inventory, where one is wanted.
    pub fn watch(&self) -> Option<Watch> {
        Some(Watch {
            store: self.store.clone(),
            graph: self.tenant.as_ref()?.graph.clone(),
            clock: self.clock.clone(),
            every: self.config.inventory_every?,
            attributes: self.config.inventory_attributes.as_deref().map(Into::into),
        })
    }

    /// Spawns everything that looks by itself.
    pub(super) fn spawn_looking(&mut self, workshop: &Workshop) -> Result<(), StartError> {
        let beating = self.heart()?;
        if let Some(watch) = self.watch() {
            self.spawn_alone(watch, watch_loop);
        }
        if let Some(pull) = self.pull(workshop) {
            self.spawn_alone(pull, pull_loop);
        }
        if let Some(heart) = beating {
            self.spawn_alone(heart, heart_loop);
        }
        self.spawn_alone(self.pulses(), pulse_loop);
        Ok(())
    }

    /// What sends a synthetic detection through our own door, where that is wanted.
    fn heart(&self) -> Result<Option<Heart>, StartError> {
        let Some(config) = &self.config.heartbeat else {
            return Ok(None);
        };
        let key = Secret::from_file(&config.key_file);
        let transport = Transport::over_network()
            .map_err(|error| StartError::config(format!("no network client: {error}")))?;
        Ok(Some(Heart {
            store: self.store.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            transport,
            key: key
                .map(Arc::new)
                .map_err(|error| StartError::config(format!("`heartbeat`: {error}")))?,
            terms: config.terms.clone(),
        }))
    }

    /// What keeps the gate in step, where there is one.
    pub(super) fn keeper(&self) -> Option<Keeper> {
        let role = self.config.role;
        let answers = role.takes_deliveries() || role.works();
        let (config, tools) = (self.config.copilot.as_ref()?, self.gate.as_ref()?);
        if !answers {
            return None;
        }
        Some(Keeper {
            store: self.store.clone(),
            clock: self.clock.clone(),
            tools: Arc::clone(tools),
            named: config.bots.clone(),
            metrics: Arc::clone(&self.metrics),
        })
    }

    /// What asks ID Protection for detections, where that is wanted.
    fn pull(&self, workshop: &Workshop) -> Option<Pull> {
        let terms = &self.config.pull.as_ref()?.terms;
        Some(Pull {
            store: self.store.clone(),
            graph: workshop.tenant.graph.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            terms: terms.clone(),
            wake: Arc::clone(&self.wake_triage),
        })
    }

    /// What notices silence. Who is pulled is not listened to: no detection is a good day.
    fn pulses(&self) -> Pulses {
        let taken = self.config.sources.iter().filter(|(_, it)| it.enabled);
        Pulses {
            store: self.store.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            caps: self.config.caps,
            sources: taken
                .map(|(name, it)| Listened {
                    source: name.clone(),
                    silent_after: it.silent_after,
                })
                .collect(),
        }
    }
}
