//! Which of several services does what one alone must do.

use super::Store;
use super::error::Error;
use super::sql::query;
use crate::domain::moment::Moment;

/// How long the right to keep house lasts unless it is taken again.
pub const KEEPS_MILLIS: i64 = 15_000;

impl Store {
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
