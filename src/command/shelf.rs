//! The plans that were shown, for as long as they may be carried out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::find::Target;
use super::plan::Shown;
use crate::domain::moment::Moment;

/// Most plans kept at a time; the one that ends first makes room.
const PLANS_MAX: usize = 1000;

/// Plans by digest. Lost with the process: then a person is shown the plan again.
#[derive(Default)]
pub(super) struct Shelf(Mutex<BTreeMap<String, Kept>>);

/// A plan that was shown, and what was asked.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) shown: Shown,
    pub(super) target: Target,
}

impl Shelf {
    pub(super) fn keep(&self, shown: Shown, target: Target, now: Moment) {
        let mut plans = self.plans();
        plans.retain(|_, kept| now < kept.shown.expires_at);
        if plans.len() >= PLANS_MAX {
            let first = plans.iter().min_by_key(|(_, kept)| kept.shown.expires_at);
            if let Some(digest) = first.map(|(digest, _)| digest.clone()) {
                plans.remove(&digest);
            }
        }
        plans.insert(shown.plan_digest.clone(), Kept { shown, target });
    }

    pub(super) fn find(&self, digest: &str, now: Moment) -> Option<Kept> {
        let kept = self.plans().get(digest).cloned()?;
        (now < kept.shown.expires_at).then_some(kept)
    }

    fn plans(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        // Nothing here can be half done, so a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
