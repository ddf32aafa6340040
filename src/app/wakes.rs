//! Who wakes whom: from the door to triage, from triage to the workers. Hints only; what is lost
//! is found by looking. Where nobody works here, they go on to those who do (`afar`).

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::delivery::Delivery;
use crate::domain::id::{DeliveryId, RunId};
use crate::domain::run::Lane;
use crate::run::{Bench, Places};
use crate::triage::Seats;

/// Hints that may wait.
const HINTS_MAX: usize = 8192;
/// Whole deliveries that may wait in memory; the others go by name.
const HANDED_MAX: usize = 256;
/// Largest body that may, in bytes.
const HANDED_BODY_MAX: usize = 64 * 1024;

/// The waking ends.
pub(super) struct Wakes {
    /// A delivery by its name.
    pub(super) triage: Arc<dyn Fn(DeliveryId) + Send + Sync>,
    /// A delivery as it was stored.
    pub(super) reader: Arc<dyn Fn(Delivery) + Send + Sync>,
    /// A run.
    pub(super) workers: Arc<dyn Fn(RunId, Lane) + Send + Sync>,
}

/// The ends of those who are woken.
pub(super) struct Woken {
    pub(super) triage: mpsc::Receiver<DeliveryId>,
    pub(super) reader: mpsc::Receiver<Delivery>,
    pub(super) contain: mpsc::Receiver<RunId>,
    pub(super) any: mpsc::Receiver<RunId>,
}

/// Both ends.
pub(super) fn channels() -> (Wakes, Woken) {
    let (to_triage, triage) = mpsc::channel(HINTS_MAX);
    let (to_reader, reader) = mpsc::channel(HANDED_MAX);
    let (to_contain, contain) = mpsc::channel(HINTS_MAX);
    let (to_any, any) = mpsc::channel(HINTS_MAX);
    let by_name = to_triage.clone();
    let wakes = Wakes {
        triage: Arc::new(move |id| {
            // A full channel loses a hint, never a delivery.
            let _ = to_triage.try_send(id);
        }),
        reader: Arc::new(move |delivery: Delivery| {
            let (id, small) = (delivery.id, delivery.body.len() <= HANDED_BODY_MAX);
            if !small || to_reader.try_send(delivery).is_err() {
                let _ = by_name.try_send(id);
            }
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
        reader,
        contain,
        any,
    };
    (wakes, woken)
}

/// Places for runs that are begun where they are made: the reserved worker's for kills.
pub(super) fn seats((reserved, others): (Places, Places), bench: Bench) -> Seats {
    Arc::new(move |lane| {
        let places = match lane {
            Lane::Contain => &reserved,
            Lane::Bulk => &others,
        };
        places.seat(&bench)
    })
}
