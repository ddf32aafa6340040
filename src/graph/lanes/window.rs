//! How many turns were given lately.
//!
//! A sliding window, not a token bucket: a bucket that allows the whole budget as a burst gives
//! nearly twice the budget in the window that follows, and Graph counts windows.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Budget, Priority};

/// One part in this many is kept for containing, where the budget is large enough to be split.
const RESERVE: u32 = 5;

#[derive(Debug)]
pub(super) struct Window {
    budget: Budget,
    given: VecDeque<(Duration, u32)>,
    sum: u32,
}

impl Window {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            given: VecDeque::new(),
            sum: 0,
        }
    }

    /// How long until so many turns are free; zero when they are. More than there ever are count
    /// as all.
    pub(super) fn wait(&mut self, now: Duration, priority: Priority, wanted: u32) -> Duration {
        self.forget(now);
        let all = self.share(priority);
        let most = all - wanted.min(all);
        let mut left = self.sum;
        for (at, turns) in &self.given {
            if left <= most {
                break;
            }
            left -= turns;
            if left <= most {
                return (*at + self.budget.window).saturating_sub(now);
            }
        }
        Duration::ZERO
    }

    /// Counts turns given now.
    pub(super) fn give(&mut self, now: Duration, turns: u32) {
        self.sum += turns;
        match self.given.back_mut() {
            Some((at, given)) if *at == now => *given += turns,
            Some(_) | None => self.given.push_back((now, turns)),
        }
    }

    /// Takes back turns that were counted and not needed, the latest first.
    pub(super) fn take_back(&mut self, turns: u32) {
        let mut left = turns.min(self.sum);
        self.sum -= left;
        for (_, given) in self.given.iter_mut().rev() {
            let taken = left.min(*given);
            *given -= taken;
            left -= taken;
        }
    }

    /// What was given in the window that ends now.
    pub(super) fn spent(&mut self, now: Duration) -> u32 {
        self.forget(now);
        self.sum
    }

    fn share(&self, priority: Priority) -> u32 {
        let all = self.budget.turns.max(1);
        match priority {
            Priority::Contain => all,
            Priority::Verify | Priority::Undo | Priority::Enrich | Priority::Watch => {
                (all - all / RESERVE).max(1)
            }
        }
    }

    fn forget(&mut self, now: Duration) {
        while let Some((at, turns)) = self.given.front() {
            if *at + self.budget.window > now {
                break;
            }
            self.sum -= turns;
            self.given.pop_front();
        }
    }
}
