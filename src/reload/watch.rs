//! The loop: woken by the file system or a signal, and looking by itself where neither can be
//! relied on.

use std::time::Duration;

use ::notify::event::{AccessKind, AccessMode};
use ::notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::attempt::Trials;
use super::swap::{Cause, Reloaded, Reloader};

/// How often the folder is looked at when nothing wakes us: network file systems and swapped links
/// tell nothing.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// How long files must lie still before they are read.
const STILL: Duration = Duration::from_millis(500);
/// Looks at files that never lie still.
const LOOKS_MAX: usize = 60;

/// Looks at the folder until told to stop.
pub async fn reload_loop(
    reloader: Reloader,
    mut heard: mpsc::Receiver<Cause>,
    stop: CancellationToken,
) {
    let _watching = match reloader.trials() {
        Trials::Apart => watching(&reloader),
        Trials::Here => None,
    };
    loop {
        let cause = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Some(cause) = heard.recv() => cause,
            () = reloader.clock().sleep(LOOK_EVERY) => Cause::Files,
        };
        if cause == Cause::Files && !reloader.is_due().await {
            continue;
        }
        let looked = stop.run_until_cancelled(look(&reloader, cause)).await;
        if looked.is_none() {
            return;
        }
    }
}

/// Waits until the files lie still, then tries them.
async fn look(reloader: &Reloader, cause: Cause) {
    let mut seen = reloader.files();
    for _ in 0..LOOKS_MAX {
        reloader.clock().sleep(STILL).await;
        let now = reloader.files();
        if now == seen {
            break;
        }
        seen = now;
    }
    let folder = reloader.folder().display();
    match reloader.reload(cause).await {
        Ok(Reloaded::Same | Reloaded::InForce { .. }) => {}
        Ok(Reloaded::Refused { why }) => {
            tracing::warn!("the playbooks of {folder} were refused: {why}");
        }
        Err(error) => {
            tracing::warn!(%error, "the playbooks of {folder} could not be recorded; trying again");
        }
    }
}

/// Knocks whenever something in the folder changes, for as long as it lives. Without it the loop
/// looks by itself.
fn watching(reloader: &Reloader) -> Option<RecommendedWatcher> {
    // Only the way to knock: its thread may outlive the service by a moment.
    let knock = reloader.knocker();
    let told = move |event: ::notify::Result<Event>| {
        if let Ok(event) = event {
            tell(&knock, event.kind);
        }
    };
    let begun = ::notify::recommended_watcher(told).and_then(|mut watcher| {
        watcher.watch(reloader.folder(), RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    begun
        .inspect_err(|error| {
            tracing::warn!(%error, "the folder of playbooks cannot be watched; it is looked at");
        })
        .ok()
}

/// A knock that waits already is enough: the room that is left is for whoever asks.
fn tell(knock: &mpsc::Sender<Cause>, kind: EventKind) {
    let nobody_waits = knock.capacity() == knock.max_capacity();
    if nobody_waits && is_change(kind) {
        let _ = knock.try_send(Cause::Files);
    }
}

/// Reading is no change: we read ourselves.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    }
}

#[cfg(test)]
mod tests {
    use ::notify::EventKind;
    use tokio::sync::mpsc;

    use super::tell;
    use crate::reload::swap::{Cause, KNOCKS_MAX};

    #[tokio::test]
    async fn however_often_files_change_whoever_asks_is_heard() {
        let (knock, mut heard) = mpsc::channel(KNOCKS_MAX);

        for _ in 0..10 {
            tell(&knock, EventKind::Any);
        }
        let asked = knock.try_send(Cause::Signal);

        assert!(asked.is_ok());
        assert_eq!(heard.recv().await, Some(Cause::Files));
        assert_eq!(heard.recv().await, Some(Cause::Signal));
    }
}
