//! The loop: a round a second, and whatever is due handed to its far end, one at a time each.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::{Teller, attempt};
use crate::domain::telling::{Telling, Whom};
use crate::store::Error;

/// How often the outbox is looked into.
const EVERY: Duration = Duration::from_secs(1);
/// Every so many rounds pages are looked through for those that are over.
const OVER_EVERY: u64 = 10;

type Attempts = FuturesUnordered<BoxFuture<'static, Whom>>;

/// Tells people until told to stop. What is under way then is tried again at the next start.
pub async fn notify_loop(teller: Teller, stop: CancellationToken) {
    let mut attempts = Attempts::new();
    let mut busy: Vec<Whom> = Vec::new();
    let mut round: u64 = 0;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Some(whom) = attempts.next(), if !attempts.is_empty() => {
                busy.retain(|it| *it != whom);
            }
            () = teller.clock.sleep(EVERY) => {
                round += 1;
                if let Err(error) = look(&teller, round).await {
                    tracing::warn!(%error, "the outbox could not be drained; trying again");
                }
            }
        }
        match teller.store.due_tellings(&busy, teller.clock.now()).await {
            Ok(due) => hand_out(&teller, due, (&mut attempts, &mut busy)),
            Err(error) => tracing::warn!(%error, "what is to be told could not be read"),
        }
    }
}

async fn look(teller: &Teller, round: u64) -> Result<(), Error> {
    teller.drain().await?;
    if round.is_multiple_of(OVER_EVERY) {
        teller.store.resolve_over(teller.clock.now()).await?;
    }
    Ok(())
}

fn hand_out(teller: &Teller, due: Vec<Telling>, (attempts, busy): (&mut Attempts, &mut Vec<Whom>)) {
    for telling in due {
        busy.push(telling.whom.clone());
        let teller = teller.clone();
        attempts.push(Box::pin(async move {
            let whom = telling.whom.clone();
            if let Err(error) = attempt::make(&teller, telling).await {
                tracing::warn!(%error, "what became of a telling could not be stored");
                // Whatever it was, it is due again in a while; a store in need is not hurried.
                teller.clock.sleep(EVERY).await;
            }
            whom
        }));
    }
}
