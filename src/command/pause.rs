//! Stop all writes without a credential: by a file beside the database, or by a signal to the
//! process. Whoever can do either owns the machine; only a person's word allows writes again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::orders::Position;
use super::{Desk, Error, Sort, at_the_machine};
use crate::domain::order::REASON_MAX;
use crate::store::Brake;

/// How often the file is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most of the file that is read, in bytes: its first words are the reason.
const READ_MAX: u64 = 4 * 1024;
/// Signals that may wait: they all mean the same.
const SIGNALS_MAX: usize = 1;

/// Stops all writes at once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pause(mpsc::Sender<()>);

impl Pause {
    /// A way to stop all writes, and the end of it that [`pause_loop`] hears.
    pub fn new() -> (Self, mpsc::Receiver<()>) {
        let (pause, heard) = mpsc::channel(SIGNALS_MAX);
        (Self(pause), heard)
    }

    /// Stops all writes. One that is under way is enough.
    pub fn now(&self) {
        let _ = self.0.try_send(());
    }
}

/// Trips the brake when the signal is heard, and as long as the file is there, until told to stop.
pub async fn pause_loop(
    desk: Desk,
    file: PathBuf,
    mut heard: mpsc::Receiver<()>,
    stop: CancellationToken,
) {
    loop {
        let signal = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Some(()) = heard.recv() => Some("SIGUSR1".to_owned()),
            () = desk.clock().sleep(LOOK_EVERY) => None,
        };
        let asked = match signal {
            Some(reason) => Some(("signal", reason)),
            None => said(&file).map(|reason| ("pause-file", reason)),
        };
        let Some((by, reason)) = asked else { continue };
        if let Err(error) = trip(&desk, by, &reason).await {
            tracing::warn!(%error, "the brake could not be tripped; trying again");
        }
    }
}

/// Trips the brake before anything else is done, where the file is there at the start.
///
/// # Errors
/// When the store cannot take it; then nothing may start.
pub async fn pause_at_start(desk: &Desk, file: &Path) -> super::Answer<()> {
    match said(file) {
        Some(reason) => trip(desk, "pause-file", &reason).await,
        None => Ok(()),
    }
}

/// Trips it once: a brake that is tripped stays as it is. `by` is the part of us that saw why.
pub async fn trip(desk: &Desk, by: &str, reason: &str) -> super::Answer<()> {
    if desk.standing().await?.brake == Brake::On {
        return Ok(());
    }
    let who = at_the_machine(by);
    desk.brake(&who, Position::Tripped, reason).await?;
    tracing::error!("all writes are stopped, by {by}; allow them with: estop brake reset");
    Ok(())
}

impl Desk {
    /// A reset would hold for the second until the file is looked for again, and what waits would
    /// be written to the tenant in it (threat E20).
    pub(super) fn refuse_beside_the_pause_file(&self) -> super::Answer<()> {
        let file = self.tools.pause_file.as_deref();
        let Some(file) = file.filter(|file| said(file).is_some()) else {
            return Ok(());
        };
        let file = file.display();
        Err(Error::new(
            Sort::Guarded,
            "pause-file",
            format!("all writes are stopped by a file at the service: {file}"),
            &format!("Remove it there, then reset the brake: rm {file}"),
        ))
    }
}

/// Why writes are to stop, where the file is there. What cannot be read stops them, too.
fn said(file: &Path) -> Option<String> {
    use std::io::Read as _;
    let about = std::fs::symlink_metadata(file).ok()?;
    let mut text = Vec::new();
    if about.is_file()
        && let Ok(opened) = std::fs::File::open(file)
    {
        let _ = opened.take(READ_MAX).read_to_end(&mut text);
    }
    let words: String = String::from_utf8_lossy(&text)
        .chars()
        .filter(|c| !c.is_control())
        .take(REASON_MAX)
        .collect();
    let there = format!("{} is there", file.display());
    Some(if words.trim().is_empty() {
        there
    } else {
        words
    })
}
