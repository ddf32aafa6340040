//! The threads of a store in a file.

use std::thread::{Builder, JoinHandle};

use tokio::sync::oneshot;

/// Begins one; none where the system has no more of them, which it says.
pub(super) fn on_a_thread(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Option<JoinHandle<()>> {
    let thread = Builder::new().name(name.to_owned()).spawn(work);
    thread
        .inspect_err(|error| tracing::error!(%error, "the thread {name} could not begin"))
        .ok()
}

/// Whoever drops it waits for the commit in hand, so that a store that is gone writes no more.
pub(super) struct Threads {
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    /// These, in the order in which they end; `stop` tells the first of them.
    pub(super) fn ending_with(
        stop: oneshot::Sender<()>,
        threads: impl Iterator<Item = JoinHandle<()>>,
    ) -> Self {
        Self {
            stop: Some(stop),
            threads: threads.collect(),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        drop(self.stop.take());
        for thread in self.threads.drain(..) {
            // It was told already when it died.
            let _ = thread.join();
        }
    }
}
