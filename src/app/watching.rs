//! What looks at everything we hold, where that is wanted, and whether anyone works.

use std::sync::Arc;

use super::Service;
use crate::domain::run::Lane;
use crate::watch::{Attendance, Held};

impl Service {
    /// What looks at everything we hold, where that is wanted.
    pub fn held(&self) -> Option<Held> {
        let wake = Arc::clone(&self.wake_workers);
        Some(Held {
            store: self.store.clone(),
            graph: self.tenant.as_ref()?.graph.clone(),
            tenant: self.config.tenant,
            clock: self.clock.clone(),
            every: self.config.drift_every?,
            wake: Arc::new(move |run| wake(run, Lane::Contain)),
        })
    }

    /// What notices that no worker is alive, for a part that is none.
    pub(super) fn attendance(&self) -> Attendance {
        Attendance {
            store: self.store.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
        }
    }
}
