//! One commit: the deliveries together, then every piece of work under a savepoint of its own.

use super::deliveries::Taken;
use super::error::Error;
use super::intake;
use super::writer::{Asked, Durability, Tx, Waiting, ended};

/// Everything one commit carries.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) deliveries: Vec<Waiting>,
    pub(super) pieces: Vec<Asked>,
}

/// One transaction for the whole batch: the deliveries together, a savepoint for each piece.
pub(super) async fn commit_together(tx: &mut Tx, batch: &mut Batch) {
    let synced = batch.pieces.iter().any(|(_, it)| *it == Durability::Synced);
    let durability = if synced || !batch.deliveries.is_empty() {
        Durability::Synced
    } else {
        Durability::WithTheNext
    };
    let mut taken = Vec::new();
    let mut outcomes = Vec::with_capacity(batch.pieces.len());
    let committed = async {
        tx.begin(durability).await?;
        taken = take_together(tx, &batch.deliveries).await?;
        match (batch.pieces.as_mut_slice(), taken.is_empty()) {
            // What is alone needs no savepoint: if it fails, everything is rolled back.
            ([(only, _)], true) => outcomes.push(Ok(only.perform(tx).await?)),
            (pieces, _) => perform_each(tx, pieces, &mut outcomes).await?,
        }
        crate::telemetry::crash_point("store.commit.before");
        let committed = tx.commit().await;
        crate::telemetry::crash_point("store.commit.after");
        committed
    }
    .await;
    if committed.is_err() {
        // Nothing of this batch is durable; a half-open transaction must not swallow the next.
        tx.roll_back().await;
    }
    taken.resize(batch.deliveries.len(), Err(ended()));
    for (waiting, outcome) in batch.deliveries.drain(..).zip(taken) {
        // The caller may have gone away; what was committed stays committed.
        let _ = waiting.reply.send(committed.clone().and(outcome));
    }
    outcomes.resize(batch.pieces.len(), Ok(()));
    for ((piece, _), outcome) in batch.pieces.drain(..).zip(outcomes) {
        piece.answer(committed.clone().and(outcome));
    }
}

type Outcomes<T> = Vec<Result<T, Error>>;

/// All deliveries in one go; where that fails, one by one, so that a bad one fails alone.
async fn take_together(tx: &mut Tx, waiting: &[Waiting]) -> Result<Outcomes<Taken>, Error> {
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    match intake::take_all(tx, waiting).await {
        Ok(taken) => return Ok(taken.into_iter().map(Ok).collect()),
        Err(error) => tracing::warn!(%error, "deliveries could not be taken together"),
    }
    // They came first, so nothing else is lost by beginning anew.
    tx.roll_back().await;
    tx.begin(Durability::Synced).await?;
    let mut taken = Vec::with_capacity(waiting.len());
    for one in waiting {
        let mark = tx.chain.mark();
        tx.execute("savepoint piece").await?;
        let outcome = intake::take(tx, &one.new).await;
        if outcome.is_err() {
            tx.chain.back_to(mark);
            tx.execute("rollback to piece").await?;
        }
        tx.execute("release piece").await?;
        taken.push(outcome);
    }
    Ok(taken)
}

/// Performs each piece under a savepoint of its own. An error here means that the transaction is
/// gone, and every piece with it.
async fn perform_each(
    tx: &mut Tx,
    pieces: &mut [Asked],
    outcomes: &mut Outcomes<()>,
) -> Result<(), Error> {
    let mut mark = "savepoint piece";
    for (piece, _) in pieces {
        tx.execute(mark).await?;
        mark = "release piece; savepoint piece";
        let mark = tx.chain.mark();
        let outcome = piece.perform(tx).await;
        if outcome.is_err() {
            tx.chain.back_to(mark);
            tx.execute("rollback to piece").await?;
        }
        outcomes.push(outcome);
    }
    // The commit releases the last one.
    Ok(())
}
