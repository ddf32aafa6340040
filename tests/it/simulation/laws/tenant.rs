//! What must be so in the tenant: I3, I4, I7, I8, and that it stands as it was asked to.

use std::time::Duration;

use estop::domain::run::RunState;
use estop::sim::{Aspect, Effect, Entra};
use estop::store::Store;
use uuid::Uuid;

use super::super::now;
use super::super::sent::Sent;
use super::{Broken, Laws};

/// How long ago someone may have opened what is called contained: two reads lie before the word.
const OPENED_SINCE: Duration = Duration::from_secs(90);

/// Is it a switch that we have turned?
pub(super) fn turns_a_switch(effect: &Effect) -> bool {
    is_ours(effect) && effect.aspect == Aspect::AccountEnabled
}

fn is_ours(effect: &Effect) -> bool {
    effect.by.starts_with("app ")
}

fn opens(effect: &Effect) -> bool {
    effect.to["accountEnabled"] == true
}

impl Laws {
    /// I3: what is done again changes nothing, as long as nobody else has come between.
    pub(super) fn i3_again_changes_nothing(
        &self,
        sent: &Sent,
        effects: &[Effect],
    ) -> Result<(), Broken> {
        let Some(then) = self.performed.get(&sent.intent()) else {
            return Ok(());
        };
        let about = |effect: &Effect, id: Uuid| {
            effect.entity == id && effect.aspect == Aspect::AccountEnabled
        };
        for id in sent.targets() {
            let between = self.effects[*then..]
                .iter()
                .any(|(_, effect)| about(effect, id));
            if !between && effects.iter().any(|effect| about(effect, id)) {
                return Err(format!("I3: done again, it changed {id}: {sent}"));
            }
        }
        Ok(())
    }

    /// I4: a write reaches whom it names, and nobody who must be spared.
    pub(super) fn i4_it_reached_whom_it_named(
        &self,
        effect: &Effect,
        sent: Option<&Sent>,
    ) -> Result<(), Broken> {
        let id = effect.entity;
        if self.must_be_spared(id, sent.and_then(|sent| sent.run)) {
            return Err(format!("I4: {id} was touched"));
        }
        match sent.is_some_and(|sent| !sent.targets().contains(&id)) {
            true => Err(format!("I4: {id} was touched by a write to another")),
            false => Ok(()),
        }
    }

    /// I7: no kill lands after its undo was done.
    pub(super) fn i7_no_kill_after_its_undo(
        &self,
        effect: &Effect,
        sent: Option<&Sent>,
    ) -> Result<(), Broken> {
        let (id, own) = (effect.entity, sent.and_then(|sent| sent.run));
        let run = own.and_then(|run| self.book.runs.get(&run));
        if opens(effect) || !run.is_some_and(|run| run.put_back(id)) {
            return Ok(());
        }
        let mut others = self
            .book
            .runs
            .iter()
            .filter(|(other, _)| Some(**other) != own);
        match others.any(|(_, other)| other.strikes(id) && !other.put_back(id)) {
            true => Ok(()),
            false => Err(format!("I7: a kill of {id} landed after its undo")),
        }
    }

    /// I8: nothing is opened that we did not close.
    pub(super) fn i8_it_opened_what_we_closed(&self, effect: &Effect) -> Result<(), Broken> {
        let id = effect.entity;
        match opens(effect) && !self.closed.contains(&id) {
            true => Err(format!("I8: {id} was opened, and we never closed it")),
            false => Ok(()),
        }
    }

    /// What we turned off we closed, whatever we were told.
    pub(super) fn note_closed(&mut self, effect: &Effect) {
        if !opens(effect) {
            self.closed.insert(effect.entity);
        }
    }

    /// What is called contained is closed, or somebody has opened it in between.
    pub(super) fn contained_is_closed(&self, run: Uuid, entra: &Entra) -> Result<(), Broken> {
        let Some(told) = self.book.runs.get(&run) else {
            return Ok(());
        };
        let id = told.entity;
        let open = entra.agent(id).is_some_and(|it| it.account_enabled);
        let last = self.effects.last().map(|(at, _)| *at).unwrap_or_default();
        let mut opened = self.effects.iter().rev();
        let opened = opened.any(|(at, it)| {
            it.entity == id && opens(it) && last.saturating_sub(*at) <= OPENED_SINCE
        });
        match open && !opened {
            true => Err(format!("E15: {run} is called contained, and {id} is open")),
            false => Ok(()),
        }
    }

    /// The tenant is as the last word that reached it wants it.
    pub(super) fn stands_as_wished(
        &self,
        id: Uuid,
        store: &Store,
        entra: &Entra,
    ) -> Result<(), Broken> {
        let mut last = self.effects.iter().rev();
        let last = last.find(|(_, it)| it.entity == id && it.aspect == Aspect::AccountEnabled);
        let Some((_, effect)) = last.filter(|(_, it)| is_ours(it)) else {
            return Ok(());
        };
        let held = now(store.containment(self.entity(id))).map_err(|why| why.to_string())?;
        let holders = held.map(|held| held.held_by).unwrap_or_default();
        if self.is_a_persons(id) {
            return Ok(());
        }
        match (opens(effect), holders.is_empty()) {
            (false, true) => Err(format!("E04: {id} is closed, and nobody holds it")),
            (true, false) => {
                let truth = entra.agent(id).map(|it| it.account_enabled);
                Err(format!(
                    "E15: {id} is open ({truth:?}), and {holders:?} hold it"
                ))
            }
            (true, true) | (false, false) => Ok(()),
        }
    }

    /// Is somebody asked to look at it: a run that is stuck, or a step nobody knows the end of?
    fn is_a_persons(&self, id: Uuid) -> bool {
        let mut about = self.book.runs.values().filter(|run| run.strikes(id));
        about.any(|run| {
            let unknown = run.steps.values().any(|step| {
                matches!(step.outcome.as_deref(), Some("unknown" | "partial"))
                    || step.undone.as_deref() == Some("stuck")
            });
            unknown || matches!(run.state, RunState::Stuck | RunState::Stopped)
        })
    }
}
