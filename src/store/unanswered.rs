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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use crate::store::writer_tests::store;

    #[tokio::test]
    async fn whoever_asked_before_is_answered_once_it_is_quiet_and_quiet_is_not_counted() {
        let (store, begin, _folder) = store().await;
        begin.send(()).unwrap();
        let asked = store.asked();
        for _ in 0..20 {
            let mut write = Box::pin(store.synced());
            let mut read = Box::pin(store.standing());
            // They are on their way, if not answered already.
            let (written, was_read) = ((&mut write).now_or_never(), (&mut read).now_or_never());

            store.quiet().await.unwrap();

            let written = written.or_else(|| write.now_or_never());
            let was_read = was_read.or_else(|| read.now_or_never());
            assert!(written.unwrap().is_ok());
            assert!(was_read.unwrap().is_ok());
        }
        store.quiet().await.unwrap();
        assert_eq!(
            store.asked(),
            asked + 40,
            "what was asked, and nothing more"
        );
    }
}
