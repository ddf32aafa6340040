//! What each loop works with, put together from what the service holds.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::service::Service;
use super::tenant::Workshop;
use super::{keys, wakes};
use crate::act::Means;
use crate::clock::Clock;
use crate::config::Config;
use crate::entra::TokenSource;
use crate::foundry::Foundry;
use crate::reload::{Cause, Follower, Reloader};
use crate::rounds::Rounds;
use crate::run::{Bench, Limits, Places};
use crate::transport::Transport;
use crate::triage::{Held, Triage};

impl Service {
    pub(super) fn bench(&self, workshop: &Workshop) -> Bench {
        Bench {
            store: self.store.clone(),
            graph: workshop.tenant.graph.clone(),
            guards: Arc::clone(&workshop.tenant.guards),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            limits: Limits {
                caps: self.config.caps,
                token_lifetime: self.config.token_lifetime,
            },
            means: Arc::clone(&workshop.means),
            board: self.board.clone(),
            traces: self.traces.clone(),
            leases: workshop.leases.clone(),
            early: workshop.early.clone(),
        }
    }

    /// What finds by the clock, and calls.
    pub(super) fn rounds(&self, workshop: &Workshop) -> Rounds {
        Rounds {
            store: self.store.clone(),
            graph: workshop.tenant.graph.clone(),
            catalog: Arc::clone(&self.catalog),
            clock: self.clock.clone(),
            wake: Arc::clone(&self.wake_triage),
        }
    }

    /// With the places of the reserved worker and of the other.
    pub(super) fn triage(&self, workshop: &Workshop, places: (Places, Places)) -> Triage {
        Triage {
            store: self.store.clone(),
            catalog: Arc::clone(&self.catalog),
            guards: Arc::clone(&workshop.tenant.guards),
            restraints: Held::new(self.config.activation.required),
            sources: Arc::new(keys::terms(&self.config)),
            tenant: self.config.tenant,
            graph: workshop.tenant.graph.clone(),
            looking_up: Triage::places(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            seats: wakes::seats(places, self.bench(workshop)),
            traces: self.traces.clone(),
        }
    }

    /// What takes the playbooks that a worker has put in force.
    pub(super) fn follower(&self) -> Follower {
        Follower {
            store: self.store.clone(),
            clock: self.clock.clone(),
            catalog: Arc::clone(&self.catalog),
        }
    }

    /// What takes changed playbooks, where they lie in a folder.
    pub(super) fn new_reloader(&self) -> Option<(Reloader, mpsc::Receiver<Cause>)> {
        let (reloader, heard) = Reloader::new(
            self.config.playbooks.clone()?,
            (self.store.clone(), self.clock.clone()),
            Arc::clone(&self.catalog),
            self.config.activation.required,
        );
        Some((reloader.trying(self.loops.trials()), heard))
    }
}

/// What the acts may do here, and with what.
pub(super) fn means(
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
        tools: config.copilot.is_some().then(Arc::default),
    }
}
