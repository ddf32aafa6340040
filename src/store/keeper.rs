//! Which of several services does what one alone must do, and how the one before on a file ended.

use super::Store;
use super::error::Error;
use super::lock::{LastEnd, Lock};
use super::sql::query;
use crate::domain::moment::Moment;

/// How long the right to keep house lasts unless it is taken again.
pub const KEEPS_MILLIS: i64 = 15_000;

impl Store {
    /// How the service before on this file ended, where it is a file.
    pub fn last_end(&self) -> Option<LastEnd> {
        Some(self.lock.as_ref()?.last_end())
    }

    /// From now on an end that does not [`Store::end_in_order`] is one by which we were cut off.
    pub fn begin_work(&self) {
        self.mark_with(Lock::mark);
    }

    /// The work on it has ended in order.
    pub fn end_in_order(&self) {
        self.mark_with(Lock::clear);
    }

    fn mark_with(&self, mark: fn(&Lock) -> std::io::Result<()>) {
        let Some(Err(error)) = self.lock.as_deref().map(mark) else {
            return;
        };
        // Nothing rests on it but how soon a delivery is read after the next start.
        tracing::warn!(%error, "the lock beside the store could not be marked");
    }

    /// May other services work on it at the same time?
    pub const fn is_shared(&self) -> bool {
        self.shared
    }

    /// Takes or keeps the right to do what one service alone does, by the one clock they share.
    /// False while another has it.
    pub async fn keep_house(&self, holder: String, at: Moment) -> Result<bool, Error> {
        self.write(move |tx| {
            Box::pin(async move {
                let now = tx.now(at).as_millis();
                let taken = query(
                    "insert into keeper (what, holder, until) values ('house', $1, $2) \
                     on conflict (what) do update set holder = $1, until = $2 \
                     where keeper.holder = $1 or keeper.until <= $3",
                )
                .bind(holder)
                .bind(now + KEEPS_MILLIS)
                .bind(now)
                .execute(&mut tx.db)
                .await?;
                Ok(taken.rows_affected() == 1)
            })
        })
        .await
    }

    /// Gives it up, so that another need not wait.
    pub async fn leave_house(&self, holder: String) -> Result<(), Error> {
        self.write(move |tx| {
            Box::pin(async move {
                query("delete from keeper where what = 'house' and holder = $1")
                    .bind(holder)
                    .execute(&mut tx.db)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}
