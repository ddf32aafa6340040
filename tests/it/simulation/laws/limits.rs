//! What has a limit: I5, I12.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Broken, Laws};

/// The caps as configured: within ten minutes, and what is kept for the rarely wrong.
pub const CAP: usize = 4;
pub const RESERVE: usize = 1;
const WINDOW: Duration = Duration::from_secs(600);
/// Most tasks of the process, and most that is under way outside it.
const TASKS_MAX: usize = 160;
const UNDER_WAY_MAX: usize = 600;
/// Most lines of everything that is counted.
const METRICS_MAX: usize = 1_500;

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub tasks: usize,
    pub under_way: usize,
    pub metrics: usize,
}

impl Laws {
    /// I5: no more agents are stopped by itself than the caps say, within any window.
    pub(super) fn i5_no_more_than_the_caps(&self) -> Result<(), Broken> {
        let Some((last, _)) = self.book.begun.last() else {
            return Ok(());
        };
        let since = last.minus(WINDOW);
        let begun = self.book.begun.iter();
        let within = begun.filter(|(at, _)| *at > since && at <= last);
        let entities: BTreeSet<_> = within.map(|(_, entity)| *entity).collect();
        match entities.len() > CAP + RESERVE {
            true => Err(format!(
                "I5: {} entities within ten minutes",
                entities.len()
            )),
            false => Ok(()),
        }
    }

    /// I12: nothing grows with what comes in.
    pub fn i12_nothing_piles_up(&self, sizes: Sizes) -> Result<(), Broken> {
        let much = sizes.tasks > TASKS_MAX
            || sizes.under_way > UNDER_WAY_MAX
            || sizes.metrics > METRICS_MAX;
        match much {
            true => Err(format!("I12: it piles up: {sizes:?}")),
            false => Ok(()),
        }
    }
}
