//! How many turns were given lately.
//!
//! A sliding window, not a token bucket: a bucket that allows the whole budget as a burst gives
//! nearly twice the budget in the window that follows, and Graph counts windows.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Budget, Priority};

/// One part in this many is kept for containing, where the budget is large enough to be split; and as
/// much of what is expected for containing is left to others.
const RESERVE: u32 = 5;
/// What containing will want in a window is told from what it took in this part of one.
const LATELY: u32 = 10;
/// One part in this many more than that is kept, as no two moments are alike.
const MARGIN: u32 = 8;
/// Whoever waits for containing to want less looks again after this part of a window.
const LOOK_AGAIN: u32 = 50;

#[derive(Debug)]
pub(super) struct Window {
    budget: Budget,
    given: VecDeque<Given>,
    sum: u32,
    /// Of these, what was not for containing.
    others: u32,
}

/// What was given at one moment.
#[derive(Clone, Copy, Debug)]
struct Given {
    at: Duration,
    turns: u32,
    others: u32,
}

impl Window {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            given: VecDeque::new(),
            sum: 0,
            others: 0,
        }
    }

    /// How long until so many turns are free; zero when they are. More than there ever are count
    /// as all.
    pub(super) fn wait(&mut self, now: Duration, priority: Priority, wanted: u32) -> Duration {
        self.forget(now);
        let all = self.share(priority);
        let wait = self.until(now, (self.sum, all - wanted.min(all)), |given| given.turns);
        if priority == Priority::Contain || !wait.is_zero() {
            return wait;
        }
        let left = self.left_by_containing(now);
        let most = left - wanted.min(left);
        let wait = self.until(now, (self.others, most), |given| given.others);
        wait.min(self.budget.window / LOOK_AGAIN)
    }

    /// How long until no more than `most` of `left` is in the window.
    fn until(
        &self,
        now: Duration,
        (mut left, most): (u32, u32),
        of: impl Fn(&Given) -> u32,
    ) -> Duration {
        for given in &self.given {
            if left <= most {
                break;
            }
            left -= of(given);
            if left <= most {
                return (given.at + self.budget.window).saturating_sub(now);
            }
        }
        Duration::ZERO
    }

    /// Counts turns given now.
    pub(super) fn give(&mut self, now: Duration, priority: Priority, turns: u32) {
        let others = if priority == Priority::Contain {
            0
        } else {
            turns
        };
        self.sum += turns;
        self.others += others;
        match self.given.back_mut() {
            Some(given) if given.at == now => {
                given.turns += turns;
                given.others += others;
            }
            Some(_) | None => self.given.push_back(Given {
                at: now,
                turns,
                others,
            }),
        }
    }

    /// Takes back turns that were counted and not needed, the latest first.
    pub(super) fn take_back(&mut self, turns: u32) {
        let mut left = turns.min(self.sum);
        self.sum -= left;
        for given in self.given.iter_mut().rev() {
            let taken = left.min(given.turns);
            given.turns -= taken;
            left -= taken;
            let too_many = given.others.saturating_sub(given.turns);
            given.others -= too_many;
            self.others -= too_many;
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

    /// What others may have in a window, if containing goes on as it did lately. Without it they
    /// would use up at the beginning of a window what containing needs at its end.
    fn left_by_containing(&self, now: Duration) -> u32 {
        let all = self.budget.turns.max(1);
        let lately = now.saturating_sub(self.budget.window / LATELY);
        let latest = self
            .given
            .iter()
            .rev()
            .take_while(|given| given.at > lately);
        let took: u32 = latest.map(|given| given.turns - given.others).sum();
        let expected = took.saturating_mul(LATELY);
        let kept = expected.saturating_add(expected / MARGIN);
        all.saturating_sub(kept).max(all / RESERVE).max(1)
    }

    fn forget(&mut self, now: Duration) {
        while let Some(given) = self.given.front() {
            if given.at + self.budget.window > now {
                break;
            }
            self.sum -= given.turns;
            self.others -= given.others;
            self.given.pop_front();
        }
    }
}
