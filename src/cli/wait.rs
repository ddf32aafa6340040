//! Wait for a run to come to an end, saying how it stands.

use std::time::Duration;

use super::Room;
use super::answers::Failure;
use super::server::Server;
use crate::api::RunShown;
use crate::domain::id::RunId;
use crate::domain::run::Standing;

/// How often the server is asked.
const ASK_EVERY: Duration = Duration::from_millis(250);
/// How often a line is written where there is no terminal.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// What waiting came to.
pub(super) enum Waited {
    /// It ended, waits for a person, or the time is over: how it stands now.
    Stands(Box<RunShown>),
    /// A person pressed Ctrl-C.
    Interrupted,
}

pub(super) async fn show(server: &Server, run: RunId) -> Result<RunShown, Failure> {
    server.get(&format!("/v1/runs/{run}")).await
}

/// Asks until the run has ended or needs a person, at most for `limit`.
pub(super) async fn wait(
    room: &mut Room,
    server: &Server,
    run: RunId,
    limit: Duration,
) -> Result<Waited, Failure> {
    let begun = room.clock.elapsed();
    let mut said = begun;
    loop {
        let shown = show(server, run).await?;
        let waited = room.clock.elapsed().saturating_sub(begun);
        if shown.run.state.standing() != Standing::AtWork || waited >= limit {
            room.terminal.progress_over();
            return Ok(Waited::Stands(Box::new(shown)));
        }
        let words = in_words(&shown, waited);
        room.terminal.progress(&words);
        if room.clock.elapsed().saturating_sub(said) >= SAY_EVERY && !room.terminal.can_ask() {
            said = room.clock.elapsed();
            room.terminal.say(&words);
        }
        if pause(room, ASK_EVERY).await == Pause::Interrupted {
            room.terminal.progress_over();
            return Ok(Waited::Interrupted);
        }
    }
}

fn in_words(shown: &RunShown, waited: Duration) -> String {
    let ended = shown.steps.iter().filter(|step| step.state.has_ended());
    format!(
        "  {}  {} of {} steps  {:.1} s",
        shown.run.state,
        ended.count(),
        shown.steps.len(),
        waited.as_secs_f64()
    )
}

/// How a pause ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    Over,
    Interrupted,
}

pub(super) async fn pause(room: &Room, span: Duration) -> Pause {
    tokio::select! {
        () = room.clock.sleep(span) => Pause::Over,
        _ = tokio::signal::ctrl_c() => Pause::Interrupted,
    }
}
