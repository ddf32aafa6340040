//! One commit: every piece of work under a savepoint of its own.

use super::error::Error;
use super::journal::Committed;
use super::writer::{Asked, Durability, Tx};

/// Performs all of these in one transaction. A piece that fails is rolled back alone. Whoever need
/// not wait for the disk is answered; the others are handed back.
pub(super) async fn commit_together(tx: &mut Tx, pieces: &mut Vec<Asked>) -> Vec<Committed> {
    let mut outcomes = Vec::with_capacity(pieces.len());
    let committed = async {
        tx.begin().await?;
        match pieces.as_mut_slice() {
            // What is alone needs no savepoint: if it fails, everything is rolled back.
            [only] => outcomes.push(Ok(perform(tx, only).await?)),
            several => perform_each(tx, several, &mut outcomes).await?,
        }
        super::hearing::tell_others(tx).await?;
        crate::telemetry::crash_point("store.commit.before");
        let committed = tx.db.commit().await;
        crate::telemetry::crash_point("store.commit.after");
        committed
    }
    .await;
    if committed.is_err() {
        // Nothing of this batch is durable; a half-open transaction must not swallow the next.
        tx.roll_back().await;
    }
    end_where_the_disk_failed(std::iter::once(&committed).chain(&outcomes));
    outcomes.resize(pieces.len(), Ok(()));
    let mut waiting = Vec::new();
    for ((mut piece, durability), outcome) in pieces.drain(..).zip(outcomes) {
        let outcome = committed.clone().and(outcome);
        match durability {
            Durability::Synced if outcome.is_ok() => waiting.push((piece, durability)),
            Durability::Soon | Durability::Beside if outcome.is_ok() => {
                piece.committed();
                waiting.push((piece, durability));
            }
            Durability::Synced
            | Durability::Soon
            | Durability::Beside
            | Durability::WithTheNext => piece.answer(outcome),
        }
    }
    waiting
}

/// Performs each piece under a savepoint of its own. An error here means that the transaction is
/// gone, and every piece with it.
async fn perform_each(
    tx: &mut Tx,
    pieces: &mut [Asked],
    outcomes: &mut Vec<Result<(), Error>>,
) -> Result<(), Error> {
    for piece in pieces {
        tx.db.guide("savepoint piece").await?;
        let head = tx.head;
        let outcome = perform(tx, piece).await;
        if outcome.is_err() {
            tx.head = head;
            tx.db.guide("rollback to piece").await?;
        }
        tx.db.guide("release piece").await?;
        outcomes.push(outcome);
    }
    Ok(())
}

/// Performs one. If a step was started in it, nobody hears of that before it is on disk.
async fn perform(tx: &mut Tx, (piece, durability): &mut Asked) -> Result<(), Error> {
    tx.starts = false;
    piece.perform(tx).await?;
    if tx.starts {
        *durability = Durability::Synced;
    }
    Ok(())
}

fn end_where_the_disk_failed<'a>(ended: impl Iterator<Item = &'a Result<(), Error>>) {
    for one in ended {
        if let Err(failed @ Error::DiskFailed(_)) = one {
            end_the_process(failed);
        }
    }
}

/// After a failed sync the system takes what it could not write for written (threat D09), so that
/// nothing later may be thanked for: the process ends, and its next start reads what is there.
pub(super) fn end_the_process(failed: &Error) -> ! {
    tracing::error!("{failed}; ending, so that a start reads what is there");
    std::process::abort();
}
