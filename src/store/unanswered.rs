//! Who waits for an answer of the store, counted, so that it is known when nobody does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many wait. Cheap to clone; every clone counts the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Unanswered(Arc<AtomicUsize>);

impl Unanswered {
    pub(super) fn is_nobody(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// One of them, for as long as this lives.
pub(super) struct Waits(Unanswered);

impl Waits {
    pub(super) fn among(all: &Unanswered) -> Self {
        all.0.fetch_add(1, Ordering::AcqRel);
        Self(all.clone())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}
