//! What must be so before a write leaves: I2, I4, I8.

use std::time::Duration;

use estop::domain::moment::Moment;
use estop::domain::run::RunState;
use estop::store::Store;
use uuid::Uuid;

use super::super::now;
use super::super::sent::Sent;
use super::{Broken, Laws};

/// What another run closed no longer ago than this may still be opened by who did not see it.
const JUST_NOW: Duration = Duration::from_secs(6);

impl Laws {
    /// I2: what was there before, and why it is touched, is written down first.
    pub(super) fn i2_it_was_written_down(
        &self,
        sent: &Sent,
        targets: &[Uuid],
    ) -> Result<(), Broken> {
        let known = sent
            .run
            .is_some_and(|run| self.book.runs.contains_key(&run));
        let struck = |id: &Uuid| {
            let mut runs = self.book.runs.values();
            runs.any(|run| run.named(*id) || (run.entity == *id && !run.steps.is_empty()))
        };
        match known && targets.iter().all(struck) {
            true => Ok(()),
            false => Err(format!(
                "I2: a write that nothing was written down for: {sent}"
            )),
        }
    }

    /// I4: no write is about who must be spared.
    pub(super) fn i4_nobody_touches_the_untouchable(
        &self,
        sent: &Sent,
        targets: &[Uuid],
    ) -> Result<(), Broken> {
        match targets.iter().any(|id| self.must_be_spared(*id, sent.run)) {
            true => Err(format!("I4: a write to what nobody touches: {sent}")),
            false => Ok(()),
        }
    }

    /// Must this run leave it alone? What is protected, unless two people have agreed to the run;
    /// whom nobody may touch, whoever agreed.
    pub(super) fn must_be_spared(&self, id: Uuid, run: Option<Uuid>) -> bool {
        let cast = &self.known.cast;
        let told = run.and_then(|run| self.book.runs.get(&run));
        let agreed = told.is_some_and(|run| run.approved_by.len() >= 2);
        cast.is_untouchable(id) && !(agreed && cast.is_protected(id))
    }

    /// I8: nothing is opened that nobody asked to open, or that another run holds.
    pub(super) fn i8_it_may_open(
        &self,
        sent: &Sent,
        targets: &[Uuid],
        (store, at): (&Store, Moment),
    ) -> Result<(), Broken> {
        let own = sent.run.and_then(|run| self.book.runs.get(&run));
        if own.map(|run| run.state) != Some(RunState::Undoing) {
            return Err(format!("I8: {sent} opens, and nobody asked for an undo"));
        }
        for target in targets {
            let held = now(store.containment(self.entity(*target)));
            let held = held.map_err(|why| why.to_string())?;
            let others = held.into_iter().flat_map(|held| held.held_by);
            let mut others = others
                .map(|it| it.uuid())
                .filter(|it| Some(*it) != sent.run);
            // Who struck a moment ago will find it open, and close it.
            let long_held = |run: &Uuid| {
                let told = self.book.runs.get(run);
                let struck = told.and_then(|told| told.struck(*target));
                struck.is_some_and(|struck| at.since(struck) > JUST_NOW)
            };
            if let Some(other) = others.find(long_held) {
                return Err(format!("I8: {sent} opens what {other} holds"));
            }
        }
        Ok(())
    }
}
