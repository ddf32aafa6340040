//! The sweeper: every state that waits has a deadline, and someone is told.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Bench;
use crate::domain::notice::Urgency;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(5);
/// A run that waits for a person ends as expired after this long.
const WAITING_LIMIT: Duration = Duration::from_secs(24 * 3600);
/// A kill that has not struck after this long is told to a person.
const SLOW: Duration = Duration::from_secs(60);

/// Sweeps until told to stop.
pub async fn sweep_loop(bench: Bench, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = bench.clock.sleep(EVERY) => {}
        }
        if let Err(error) = sweep(&bench).await {
            tracing::warn!(%error, "sweeping was broken off; trying again");
        }
    }
}

/// A clock that was put back makes nobody wait until it is as late again (threat E09).
async fn put_right(bench: &Bench) -> Result<(), crate::store::Error> {
    let Some(seen) = bench.clock.put_back() else {
        return Ok(());
    };
    let seconds = seen.by.as_secs();
    tracing::warn!("the clock was put back by {seconds} s; what waits by it waits no longer");
    bench.store.due_sooner(seen.by, bench.clock.now()).await?;
    bench.clock.put_right(seen);
    Ok(())
}

async fn sweep(bench: &Bench) -> Result<(), crate::store::Error> {
    put_right(bench).await?;
    let now = bench.clock.now();
    let since = now.minus(WAITING_LIMIT);
    for run in bench.store.expire_waiting(since, now).await? {
        tracing::info!(run.id = %run, "{run} has expired");
    }
    for run in bench.store.expire_approvals(now).await? {
        tracing::info!(run.id = %run, "nobody decided about {run} in time");
    }
    for run in bench.store.expire_holds(now).await? {
        tracing::info!(run.id = %run, "the time of what {run} holds is over");
    }
    bench.store.expire_motions(now).await?;
    for run in bench.store.slow_to_strike(now.minus(SLOW)).await? {
        let text = format!(
            "{run} has not struck after {} s. See: estop runs show {run}",
            SLOW.as_secs()
        );
        bench
            .store
            .tell_once(
                bench
                    .store
                    .notice(now, Urgency::Page, format!("{run} slow"), text),
            )
            .await?;
    }
    Ok(())
}
