//! The pace of a stage: its clock is moved on as soon as nobody has anything left to do.

use std::time::Duration;

use super::NotPlayed;
use super::stage::Stage;
use crate::domain::id::DeliveryId;
use crate::domain::run::{Run, Standing};
use crate::store::RunFilter;

/// Steps of the clock before a rehearsal is called stuck.
const PATIENCE: usize = 4_000;
/// How far the clock is moved at a time.
const TICK: Duration = Duration::from_millis(100);
/// So many short steps are made first.
const SHORT_TICKS: usize = 100;
/// And once something takes long.
const LONG_TICK: Duration = Duration::from_millis(500);
/// The longest step while a lease is held: leases are kept every ten seconds.
const WORK_TICK: Duration = Duration::from_secs(5);
/// Most steps a moved clock is moved in.
const ADVANCES_MAX: u32 = 500;

impl Stage {
    /// Wakes triage for a delivery that was just stored.
    pub(super) fn wake(&self, delivery: DeliveryId) {
        let _ = self.wake_triage.try_send(delivery);
    }

    /// Moves the clock on until nothing is left to do.
    pub(super) async fn settle(&self) -> Result<(), NotPlayed> {
        if self.settles_within(PATIENCE).await? {
            return Ok(());
        }
        let minutes = self.clock.elapsed().as_secs() / 60;
        Err(NotPlayed(format!(
            "it does not come to an end within {minutes} minutes of the rehearsal's clock; \
             move the clock with `advance`"
        )))
    }

    /// Lets everyone work, and moves the clock on by one step.
    pub(super) async fn tick(&self) -> Result<(), NotPlayed> {
        self.breathe().await?;
        self.hand.advance(TICK);
        Ok(())
    }

    /// Moves the clock on for the first seconds, in which most runs come to their end.
    pub(super) async fn begin(&self) -> Result<(), NotPlayed> {
        self.settles_within(SHORT_TICKS).await.map(drop)
    }

    async fn settles_within(&self, ticks: usize) -> Result<bool, NotPlayed> {
        for n in 0..ticks {
            self.breathe().await?;
            if self.is_settled().await? {
                return Ok(true);
            }
            let tick = if n < SHORT_TICKS { TICK } else { LONG_TICK };
            self.hand.advance(tick);
        }
        Ok(false)
    }

    /// Moves the clock on by `span`, letting everyone work in between.
    pub(super) async fn pass(&self, span: Duration) -> Result<(), NotPlayed> {
        let tick = LONG_TICK.max(span / ADVANCES_MAX);
        let mut left = span;
        while !left.is_zero() {
            // A long step would end the lease of whoever is at work.
            let at_work = self.store.leases_held().await? > 0;
            let step = if at_work { WORK_TICK.min(tick) } else { tick }.min(left);
            self.hand.advance(step);
            left -= step;
            self.breathe().await?;
        }
        Ok(())
    }

    /// Every run, oldest first.
    pub(super) async fn runs(&self) -> Result<Vec<Run>, NotPlayed> {
        let filter = RunFilter {
            limit: crate::store::LIST_MAX,
            ..RunFilter::default()
        };
        let mut runs = self.store.runs(filter).await?;
        runs.reverse();
        Ok(runs)
    }

    /// Lets every loop do what it can at this moment of the clock: until for two rounds nobody
    /// asked the store or the tenant for anything.
    async fn breathe(&self) -> Result<(), NotPlayed> {
        let mut calm = 0;
        while calm < 2 {
            let before = (self.store.asked(), self.entra.journal_len());
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            self.store.quiet().await?;
            let after = (self.store.asked(), self.entra.journal_len());
            calm = if after == before { calm + 1 } else { 0 };
        }
        Ok(())
    }

    async fn is_settled(&self) -> Result<bool, NotPlayed> {
        let later = self.clock.now().plus(Duration::from_secs(1));
        let unread = self.store.unread((later, Duration::ZERO), 1).await?;
        let at_work = |run: &Run| run.state.standing() == Standing::AtWork;
        Ok(unread.is_empty() && !self.runs().await?.iter().any(at_work))
    }
}
