//! One commit: every piece of work under a savepoint of its own.

use super::writer::{Asked, Durability, Tx};

/// Performs all of these in one transaction, and answers each after the commit. A piece that fails
/// is rolled back alone.
pub(super) async fn commit_together(tx: &mut Tx, pieces: &mut Vec<Asked>) {
    let synced = pieces.iter().any(|(_, it)| *it == Durability::Synced);
    let durability = if synced {
        Durability::Synced
    } else {
        Durability::WithTheNext
    };
    let mut outcomes = Vec::with_capacity(pieces.len());
    let committed = async {
        tx.begin(durability).await?;
        for (piece, _) in pieces.iter_mut() {
            tx.execute("savepoint piece").await?;
            let head = tx.head;
            let outcome = piece.perform(tx).await;
            if outcome.is_err() {
                tx.head = head;
                tx.execute("rollback to piece").await?;
            }
            tx.execute("release piece").await?;
            outcomes.push(outcome);
        }
        crate::telemetry::crash_point("store.commit.before");
        let committed = tx.execute("commit").await;
        crate::telemetry::crash_point("store.commit.after");
        committed
    }
    .await;
    if committed.is_err() {
        // Nothing of this batch is durable; a half-open transaction must not swallow the next.
        tx.roll_back().await;
    }
    outcomes.resize(pieces.len(), Ok(()));
    for ((piece, _), outcome) in pieces.drain(..).zip(outcomes) {
        piece.answer(committed.clone().and(outcome));
    }
}
