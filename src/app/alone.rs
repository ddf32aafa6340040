//! What one service alone must do where several share a database: one of them keeps house, and
//! another takes over once it is gone.
//!
//! Whoever loses the house may still be in the middle of something. That is why every loop that is
//! kept here may do a thing twice, as after a crash, and none may do it wrong.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::{KEEPS_MILLIS, Store};

/// How often the right is taken again.
const TAKE_EVERY: Duration = Duration::from_secs(5);
/// Without a word from the database for so long, another may have it.
const SURE_FOR: Duration = Duration::from_millis(KEEPS_MILLIS as u64 * 2 / 3);

/// Whether it is us, and until when.
#[derive(Clone, Debug)]
pub(super) struct House(watch::Receiver<Option<CancellationToken>>);

/// Who tells.
pub(super) struct Keeping {
    store: Store,
    clock: Clock,
    stop: CancellationToken,
    told: watch::Sender<Option<CancellationToken>>,
}

impl House {
    /// Nobody keeps it yet.
    pub(super) fn of(store: &Store, clock: &Clock, stop: &CancellationToken) -> (Self, Keeping) {
        let (told, house) = watch::channel(None);
        let keeping = Keeping {
            store: store.clone(),
            clock: clock.clone(),
            stop: stop.clone(),
            told,
        };
        (Self(house), keeping)
    }

    /// Does this whenever we keep house, each time anew, until told to stop.
    pub(super) async fn keep<F: Future<Output = ()>>(
        mut self,
        stop: CancellationToken,
        work: impl Fn(CancellationToken) -> F,
    ) {
        loop {
            let until = match stop
                .run_until_cancelled(self.0.wait_for(Option::is_some))
                .await
            {
                Some(Ok(ours)) => ours.clone(),
                Some(Err(_)) | None => return,
            };
            if let Some(until) = until.filter(|until| !until.is_cancelled()) {
                work(until.clone()).await;
                // What has nothing to do ends at once, and is not begun again for that.
                until.cancelled().await;
            } else {
                // It is lost, and that is told in a moment.
                let _ = stop.run_until_cancelled(self.0.changed()).await;
            }
        }
    }
}

impl Keeping {
    /// Takes the right, keeps it, and says so, until told to stop.
    pub(super) async fn keep_loop(self) {
        let holder = self.clock.uuid().to_string();
        let mut last = self.clock.elapsed();
        while !self.stop.is_cancelled() {
            let asked = self.clock.elapsed();
            match self
                .store
                .keep_house(holder.clone(), self.clock.now())
                .await
            {
                Ok(true) => {
                    last = asked;
                    self.begin(&holder);
                }
                Ok(false) => self.end("another service keeps house"),
                Err(_) if self.clock.elapsed().saturating_sub(last) < SURE_FOR => {}
                Err(error) => self.end(&error.to_string()),
            }
            let pause = self.clock.sleep(TAKE_EVERY);
            self.stop.run_until_cancelled(pause).await;
        }
        if let Err(error) = self.store.leave_house(holder).await {
            tracing::debug!(%error, "the house is left when its time is over");
        }
    }

    fn begin(&self, holder: &str) {
        self.told.send_if_modified(|until| {
            let begins = until.is_none();
            if begins {
                tracing::info!("this service keeps house, as {holder}");
                *until = Some(self.stop.child_token());
            }
            begins
        });
    }

    fn end(&self, why: &str) {
        self.told.send_if_modified(|until| {
            let ended = until.take();
            if let Some(until) = &ended {
                tracing::warn!("this service keeps house no more: {why}");
                until.cancel();
            }
            ended.is_some()
        });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::House;

    async fn breathe() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_ends_by_itself_is_begun_once_each_time_we_keep_house() {
        let (stop, ours) = (CancellationToken::new(), CancellationToken::new());
        let (told, heard) = watch::channel(Some(ours.clone()));
        let begun = Cell::new(0);

        let keeping = House(heard).keep(stop.clone(), |_| {
            begun.set(begun.get() + 1);
            std::future::ready(())
        });
        let living = async {
            breathe().await;
            let once = begun.get();
            told.send_replace(None);
            ours.cancel();
            breathe().await;
            told.send_replace(Some(stop.child_token()));
            breathe().await;
            stop.cancel();
            once
        };
        let ((), once) = tokio::join!(keeping, living);

        assert_eq!((once, begun.get()), (1, 2));
    }
}
