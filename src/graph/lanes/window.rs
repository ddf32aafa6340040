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

    /// How long until a turn is free; zero when one is.
    pub(super) fn wait(&mut self, now: Duration, priority: Priority) -> Duration {
        self.forget(now);
        let most = self.share(priority);
        let mut left = self.sum;
        for (at, turns) in &self.given {
            if left < most {
                break;
            }
            left -= turns;
            if left < most {
                return (*at + self.budget.window).saturating_sub(now);
            }
        }
        Duration::ZERO
    }

    /// Counts one turn given now.
    pub(super) fn give(&mut self, now: Duration) {
        self.sum += 1;
        match self.given.back_mut() {
            Some((at, turns)) if *at == now => *turns += 1,
            Some(_) | None => self.given.push_back((now, 1)),
        }
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
