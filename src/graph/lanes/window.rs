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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Budget, Duration, Priority, RESERVE, Window};

    const LENGTH: Duration = Duration::from_secs(10);

    /// Someone asks, so many milliseconds after the one before.
    #[derive(Clone, Copy, Debug)]
    struct Ask {
        after_millis: u64,
        priority: Priority,
        turns: u32,
    }

    fn asks() -> impl Strategy<Value = Vec<Ask>> {
        let ask = (0..700_u64, 0..Priority::ALL.len(), 1..6_u32);
        let ask = ask.prop_map(|(after_millis, priority, turns)| Ask {
            after_millis,
            priority: Priority::ALL[priority],
            turns,
        });
        proptest::collection::vec(ask, 0..200)
    }

    /// Each takes its turns where they are free and goes away where not: what was given, and when.
    fn given(window: &mut Window, asks: &[Ask]) -> (Vec<(Duration, Ask)>, Duration) {
        let (mut given, mut now) = (Vec::new(), Duration::ZERO);
        for ask in asks {
            now += Duration::from_millis(ask.after_millis);
            if window.wait(now, ask.priority, ask.turns).is_zero() {
                window.give(now, ask.priority, ask.turns);
                given.push((now, *ask));
            }
        }
        (given, now)
    }

    fn window(turns: u32) -> Window {
        Window::new(Budget {
            turns,
            window: LENGTH,
        })
    }

    proptest! {
        /// No window of its length holds more than the budget, and what is not for containing stays
        /// out of the reserve.
        #[test]
        fn g17_no_window_holds_more_than_the_budget(turns in 6..60_u32, asks in asks()) {
            let (given, _) = given(&mut window(turns), &asks);
            for (last, ask) in &given {
                let in_window = given.iter().filter(|(at, _)| at <= last && *at + LENGTH > *last);
                let all: u32 = in_window.clone().map(|(_, ask)| ask.turns).sum();
                prop_assert!(all <= turns, "{all} of {turns} at {last:?}");
                if ask.priority != Priority::Contain {
                    let upto = in_window.filter(|(at, _)| at < last);
                    let before: u32 = upto.map(|(_, ask)| ask.turns).sum();
                    prop_assert!(before + ask.turns <= turns - turns / RESERVE, "{ask:?} took of the reserve");
                }
            }
        }

        /// However many others ask, the reserve is free at once for who contains: as long as nobody
        /// asks for more than all that others may have.
        #[test]
        fn others_never_use_what_is_kept_for_containing(turns in 6..60_u32, asks in asks()) {
            let mut window = window(turns);
            let others: Vec<Ask> = asks.into_iter().filter(|ask| ask.priority != Priority::Contain).collect();
            let (_, now) = given(&mut window, &others);
            prop_assert_eq!(window.wait(now, Priority::Contain, turns / RESERVE), Duration::ZERO);
        }

        /// Whoever waits and is first gets its turn within two windows once nobody contains, whatever
        /// was before: it looks again as it is told to.
        #[test]
        fn nobody_who_is_first_waits_longer_than_two_windows(
            turns in 1..60_u32, asks in asks(), wanted in 1..6_u32, priority in 0..Priority::ALL.len(),
        ) {
            let mut window = window(turns);
            let (_, began) = given(&mut window, &asks);
            let (mut now, priority) = (began, Priority::ALL[priority]);
            loop {
                let wait = window.wait(now, priority, wanted);
                if wait.is_zero() {
                    break;
                }
                now += wait;
                prop_assert!(now <= began + LENGTH * 2, "waits since {began:?}");
            }
        }

        /// What is taken back is given again, and no more than was given.
        #[test]
        fn what_is_taken_back_is_free_again(turns in 6..60_u32, asks in asks(), back in 0..80_u32) {
            let mut window = window(turns);
            let (_, now) = given(&mut window, &asks);
            let spent = window.spent(now);
            window.take_back(back);
            prop_assert_eq!(window.spent(now), spent.saturating_sub(back));
            prop_assert_eq!(window.given.iter().map(|it| it.turns).sum::<u32>(), window.sum);
            prop_assert_eq!(window.given.iter().map(|it| it.others).sum::<u32>(), window.others);
        }
    }
}
