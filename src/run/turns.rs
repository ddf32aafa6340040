//! The turns of a freeze, given as long as there is room.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Bench;

/// How often it is looked whether anyone's turn has come.
const EVERY: Duration = Duration::from_millis(500);
/// Most transactions of turns in one go.
const ROUNDS_MAX: usize = 100;

/// Gives turns until told to stop. Workers find what was made by looking.
pub async fn freeze_loop(bench: Bench, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = bench.clock.sleep(EVERY) => {}
        }
        for _ in 0..ROUNDS_MAX {
            match bench.store.turn_freezes(bench.clock.now()).await {
                Ok(woken) if woken.is_empty() => break,
                Ok(woken) => tracing::info!("{} agent(s) of a freeze have their turn", woken.len()),
                Err(error) => {
                    tracing::warn!(%error, "the turns of a freeze were broken off; trying again");
                    break;
                }
            }
        }
    }
}
