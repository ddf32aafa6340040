//! Who wakes whom: from the door to triage, from triage to the workers. Hints only; what is lost
//! is found by looking.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::id::{DeliveryId, RunId};
use crate::domain::run::Lane;

/// Hints that may wait.
const HINTS_MAX: usize = 8192;

/// The waking ends.
pub(super) struct Wakes {
    /// A delivery by its name.
    pub(super) triage: Arc<dyn Fn(DeliveryId) + Send + Sync>,
    /// A run.
    pub(super) workers: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
}

/// The ends of those who are woken.
pub(super) struct Woken {
    pub(super) triage: mpsc::Receiver<DeliveryId>,
    pub(super) contain: mpsc::Receiver<RunId>,
    pub(super) any: mpsc::Receiver<RunId>,
}

/// Both ends.
pub(super) fn channels() -> (Wakes, Woken) {
    let (to_triage, triage) = mpsc::channel(HINTS_MAX);
    let (to_contain, contain) = mpsc::channel(HINTS_MAX);
    let (to_any, any) = mpsc::channel(HINTS_MAX);
    let wakes = Wakes {
        triage: Arc::new(move |id| {
            // A full channel loses a hint, never a delivery.
            let _ = to_triage.try_send(id);
        }),
        workers: Arc::new(move |run, lane| {
            let door = match lane {
                Lane::Contain => &to_contain,
                Lane::Bulk => &to_any,
            };
            let _ = door.try_send(run);
        }),
    };
    let woken = Woken {
        triage,
        contain,
        any,
    };
    (wakes, woken)
}
