//! How whoever started us asks us to end: Ctrl-C, or the platform's polite request.

use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits until we are asked to end. It is listened for from the call on, so that what comes before
/// the first wait is not the system's to answer: it would leave children and folders behind.
pub(super) fn asked_to_stop() -> impl Future<Output = ()> {
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    async move {
        tokio::select! {
            () = once(interrupt) => {}
            () = once(terminate) => {}
        }
    }
}

async fn once(heard: io::Result<Signal>) {
    match heard {
        Ok(mut signal) => drop(signal.recv().await),
        // The system ends the process by itself, which is as good.
        Err(_) => pending().await,
    }
}
