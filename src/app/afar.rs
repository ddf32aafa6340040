//! Hints between the parts of one service: from a door to the workers, by way of the database.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Service;
use super::wakes::Woken;
use crate::domain::run::Lane;
use crate::store::{Due, TOLD_MAX};

impl Service {
    /// Tells the workers of whatever nobody here carries out, until told to stop.
    pub(super) fn tell_afar(&self, woken: Woken) -> impl Future<Output = ()> + Send + use<> {
        let (store, stop) = (self.store.clone(), self.stopping());
        async move {
            let mut woken = woken;
            while let Some(Some(first)) = stop.run_until_cancelled(next(&mut woken)).await {
                let mut due = vec![first];
                while due.len() < TOLD_MAX
                    && let Some(more) = at_hand(&mut woken)
                {
                    due.push(more);
                }
                if let Err(error) = store.tell_workers(&due).await {
                    tracing::debug!(%error, "the workers are not told, and find it by looking");
                }
            }
        }
    }

    /// Hears what other parts have stored, and wakes whoever is to do it, until told to stop.
    pub(super) fn hear_afar(&self) -> impl Future<Output = ()> + Send + use<> {
        let (store, stop) = (self.store.clone(), self.stopping());
        let wake_triage = Arc::clone(&self.wake_triage);
        let wake_workers = Arc::clone(&self.wake_workers);
        async move {
            while let Some(due) = stop.run_until_cancelled(store.due_elsewhere()).await {
                for one in due {
                    match one {
                        Due::Delivery(id) => wake_triage(id),
                        Due::Run(run, lane) => wake_workers(run, lane),
                    }
                }
            }
        }
    }
}

async fn next(woken: &mut Woken) -> Option<Due> {
    tokio::select! {
        biased;
        Some(run) = woken.contain.recv() => Some(Due::Run(run, Lane::Contain)),
        Some(delivery) = woken.reader.recv() => Some(Due::Delivery(delivery.id)),
        Some(id) = woken.triage.recv() => Some(Due::Delivery(id)),
        Some(run) = woken.any.recv() => Some(Due::Run(run, Lane::Bulk)),
        else => None,
    }
}

/// The next one that waits already.
fn at_hand(woken: &mut Woken) -> Option<Due> {
    fn of<T>(from: &mut mpsc::Receiver<T>, due: impl FnOnce(T) -> Due) -> Option<Due> {
        from.try_recv().ok().map(due)
    }
    of(&mut woken.contain, |run| Due::Run(run, Lane::Contain))
        .or_else(|| of(&mut woken.reader, |delivery| Due::Delivery(delivery.id)))
        .or_else(|| of(&mut woken.triage, Due::Delivery))
        .or_else(|| of(&mut woken.any, |run| Due::Run(run, Lane::Bulk)))
}
