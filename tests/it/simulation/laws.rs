//! What must hold at every moment (I1 to I16 of the threat model), and what must hold at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use estop::domain::entity::{Entity, EntityKind, ObjectId};
use estop::domain::moment::Moment;
use estop::domain::run::{RunState, Standing};
use estop::sim::{Aspect, Effect, Entra};
use estop::store::Store;
use uuid::Uuid;

use super::book::{Book, News};
use super::now;
use super::plot::{Cast, HOSTILE};
use super::wire::Sent;

/// The caps as configured: within ten minutes, and what is kept for the rarely wrong.
pub const CAP: usize = 4;
pub const RESERVE: usize = 1;
const WINDOW: Duration = Duration::from_secs(600);
/// How long after a stop a write may still leave, while the process is awake (threat E20).
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// How long ago someone may have opened what is called contained: two reads lie before the word.
const OPENED_SINCE: Duration = Duration::from_secs(90);

/// What another run closed no longer ago than this may still be opened by who did not see it.
const JUST_NOW: Duration = Duration::from_secs(6);

/// A law is broken, and how.
pub type Broken = String;

/// Everything the watchers know.
pub struct Laws {
    pub book: Book,
    cast: Cast,
    users: BTreeMap<Uuid, Uuid>,
    secret: String,
    /// Deliveries that were thanked for, by id.
    pub thanked: BTreeSet<String>,
    /// Orders that were answered.
    pub taken: BTreeSet<String>,
    /// Effects of ours and others on switches, in order, with when by the process's own clock.
    effects: Vec<(Duration, Effect)>,
    /// Since when, awake, writes are stopped.
    stopped: Option<Duration>,
    /// How many records are on the disk for certain.
    pub durable: usize,
    /// Writes that left, with the run they belong to.
    pub wrote: Vec<(Sent, Vec<Uuid>)>,
}

impl Laws {
    pub fn new(cast: Cast, entra: &Entra, secret: String) -> Self {
        let users = entra.tenant().users.into_values();
        Self {
            book: Book::default(),
            cast,
            users: users
                .filter_map(|it| Some((it.id, it.identity_parent_id?)))
                .collect(),
            secret,
            thanked: BTreeSet::new(),
            taken: BTreeSet::new(),
            effects: Vec::new(),
            stopped: None,
            durable: 0,
            wrote: Vec::new(),
        }
    }

    /// Reads what was written down since.
    pub fn catch_up(
        &mut self,
        store: &Store,
        entra: &Entra,
        awake: Duration,
    ) -> Result<(), Broken> {
        let after = self.book.lines.len() as i64;
        let lines = now(store.sealed_lines(after, 10_000));
        for line in lines.map_err(|why| format!("the record cannot be read: {why}"))? {
            if line.line.contains(&self.secret) {
                return Err("I15: a secret stands in the record".to_owned());
            }
            match self.book.read(line)? {
                News::Begun(_) => self.caps_hold()?,
                News::Contained(run) => self.is_contained(run, entra)?,
                News::Nothing => {}
            }
        }
        match (self.book.stops_writes(), self.stopped) {
            (true, None) => self.stopped = Some(awake),
            (false, _) => self.stopped = None,
            (true, Some(_)) => {}
        }
        Ok(())
    }

    /// A new life began on what was left: nothing that was told outside is forgotten.
    pub fn after_start(&mut self, store: &Store) -> Result<(), Broken> {
        let before = std::mem::take(&mut self.book);
        let lines = now(store.sealed_lines(0, 100_000)).map_err(|why| why.to_string())?;
        let same = before.lines.iter().zip(&lines);
        let survived = same.take_while(|(old, new)| old.seal == new.seal).count();
        if survived < self.durable {
            let durable = self.durable;
            return Err(format!(
                "I9: {survived} of {durable} records on disk survived a death"
            ));
        }
        for line in lines {
            self.book.read(line)?;
        }
        for id in &self.thanked {
            let id = id.parse().map_err(|_| format!("no delivery id: {id}"))?;
            if now(store.delivery(id))
                .map_err(|why| why.to_string())?
                .is_none()
            {
                return Err(format!("I1: {id} was thanked for and is lost"));
            }
        }
        for order in &self.taken {
            if !self.book.orders.contains(order) {
                return Err(format!("I1: {order} was taken and is lost"));
            }
        }
        for (sent, targets) in &self.wrote {
            self.was_written_down(sent, targets)?;
        }
        Ok(())
    }

    /// A request is about to leave the process.
    pub fn on_sent(
        &mut self,
        sent: Sent,
        (store, at): (&Store, Moment),
        awake: Duration,
    ) -> Result<(), Broken> {
        if !sent.writes() {
            return Ok(());
        }
        if sent.path.contains(HOSTILE) || sent.body.contains(HOSTILE) {
            return Err(format!("I11: outside text left in {sent:?}"));
        }
        let targets = targets(&sent);
        for target in &targets {
            if self.cast.untouchable.contains(target) || self.is_of_protected(*target) {
                return Err(format!("I4: a write to what nobody touches: {sent:?}"));
            }
        }
        if let Some(since) = self.stopped
            && awake.saturating_sub(since) > STOPPED_WITHIN
        {
            return Err(format!(
                "E20: a write left although writes are stopped: {sent:?}"
            ));
        }
        self.was_written_down(&sent, &targets)?;
        if sent.body.contains("\"accountEnabled\":true") {
            self.may_open(&sent, &targets, (store, at))?;
        } else {
            self.may_close(&sent)?;
        }
        self.wrote.push((sent, targets));
        Ok(())
    }

    /// I2: what was there before, and why it is touched, is written down first.
    fn was_written_down(&self, sent: &Sent, targets: &[Uuid]) -> Result<(), Broken> {
        let own = sent.correlation.as_deref().and_then(|it| it.parse().ok());
        let known = own.is_some_and(|run: Uuid| self.book.runs.contains_key(&run));
        let runs = || self.book.runs.values();
        let struck = |id: &Uuid| {
            runs().any(|run| run.strikes(*id) || (run.entity == *id && !run.steps.is_empty()))
        };
        match known && targets.iter().all(struck) {
            true => Ok(()),
            false => Err(format!(
                "I2: a write that nothing was written down for: {sent:?}"
            )),
        }
    }

    fn may_close(&self, sent: &Sent) -> Result<(), Broken> {
        let own: Option<Uuid> = sent.correlation.as_deref().and_then(|it| it.parse().ok());
        let Some(run) = own.and_then(|run| self.book.runs.get(&run)) else {
            return Ok(());
        };
        if run.mode == "observe" {
            return Err(format!("law 12: a run that observes writes: {sent:?}"));
        }
        if run.mode == "ask" && run.approved_by.is_empty() {
            return Err(format!("I10: nobody approved {sent:?}"));
        }
        Ok(())
    }

    /// I8: nothing is opened that another run holds, or that we never closed.
    fn may_open(
        &self,
        sent: &Sent,
        targets: &[Uuid],
        (store, at): (&Store, Moment),
    ) -> Result<(), Broken> {
        let own: Option<Uuid> = sent.correlation.as_deref().and_then(|it| it.parse().ok());
        let state = own
            .and_then(|run| self.book.runs.get(&run))
            .map(|run| run.state);
        if state != Some(RunState::Undoing) {
            return Err(format!("I8: {sent:?} opens, and nobody asked for an undo"));
        }
        for target in targets {
            let held = now(store.containment(self.entity(*target)));
            let held = held.map_err(|why| why.to_string())?;
            let others = held.into_iter().flat_map(|held| held.held_by);
            // Who struck a moment ago will find it open, and close it.
            let long_held = |run: &Uuid| {
                let told = self
                    .book
                    .runs
                    .get(run)
                    .and_then(|told| told.struck(*target));
                told.is_some_and(|struck| at.since(struck) > JUST_NOW)
            };
            let mut others = others.map(|it| it.uuid()).filter(|it| Some(*it) != own);
            if let Some(other) = others.find(long_held) {
                return Err(format!("I8: {sent:?} opens what {other} holds"));
            }
        }
        Ok(())
    }

    /// The tenant has changed.
    pub fn on_effects(
        &mut self,
        effects: &[Effect],
        sent: Option<&Sent>,
        at: Duration,
    ) -> Result<(), Broken> {
        for effect in effects {
            let ours = is_ours(effect);
            if ours && effect.aspect == Aspect::AccountEnabled {
                let opens = effect.to["accountEnabled"] == true;
                self.is_fit(effect, sent, opens)?;
            }
            self.effects.push((at, effect.clone()));
        }
        Ok(())
    }

    fn is_fit(&self, effect: &Effect, sent: Option<&Sent>, opens: bool) -> Result<(), Broken> {
        let id = effect.entity;
        if self.cast.untouchable.contains(&id) || self.is_of_protected(id) {
            return Err(format!("I4: {id} was touched"));
        }
        if sent.is_some_and(|sent| !targets(sent).contains(&id)) {
            return Err(format!("I4: {id} was touched by a write to another"));
        }
        let ours = |(_, it): &&(Duration, Effect)| {
            it.entity == id && it.aspect == Aspect::AccountEnabled && is_ours(it)
        };
        let closed = self
            .effects
            .iter()
            .filter(ours)
            .any(|(_, it)| it.to["accountEnabled"] == false);
        if opens && !closed {
            return Err(format!("I8: {id} was opened, and we never closed it"));
        }
        let own = sent.and_then(|sent| sent.correlation.as_deref()?.parse::<Uuid>().ok());
        let run = own.and_then(|run| self.book.runs.get(&run));
        if !opens && run.is_some_and(|run| run.put_back(id)) {
            let mut others = self
                .book
                .runs
                .iter()
                .filter(|(other, _)| Some(**other) != own);
            if !others.any(|(_, other)| other.strikes(id) && !other.put_back(id)) {
                return Err(format!("I7: a kill of {id} landed after its undo"));
            }
        }
        Ok(())
    }

    /// I5: no more than the caps within any window.
    fn caps_hold(&self) -> Result<(), Broken> {
        let Some((last, _)) = self.book.begun.last() else {
            return Ok(());
        };
        let since: Moment = last.minus(WINDOW);
        let within = self
            .book
            .begun
            .iter()
            .filter(|(at, _)| *at > since && at <= last);
        let entities: BTreeSet<_> = within.map(|(_, entity)| *entity).collect();
        match entities.len() > CAP + RESERVE {
            true => Err(format!(
                "I5: {} entities within ten minutes",
                entities.len()
            )),
            false => Ok(()),
        }
    }

    /// What is called contained is closed, or somebody has opened it in between.
    fn is_contained(&self, run: Uuid, entra: &Entra) -> Result<(), Broken> {
        let Some(told) = self.book.runs.get(&run) else {
            return Ok(());
        };
        let open = entra
            .agent(told.entity)
            .is_some_and(|it| it.account_enabled);
        let last = self.effects.last().map(|(at, _)| *at).unwrap_or_default();
        let opened = self.effects.iter().rev().any(|(at, it)| {
            it.entity == told.entity
                && it.to["accountEnabled"] == true
                && last.saturating_sub(*at) <= OPENED_SINCE
        });
        match open && !opened {
            true => Err(format!(
                "{run} is called contained, and {} is open",
                told.entity
            )),
            false => Ok(()),
        }
    }

    /// What must hold once everything is whole again and nobody is at work.
    pub fn at_the_end(&self, store: &Store, entra: &Entra) -> Result<(), Broken> {
        for id in &self.thanked {
            let id = id.parse().map_err(|_| format!("no delivery id: {id}"))?;
            let status = now(store.status_of(id)).map_err(|why| why.to_string())?;
            let status = status.ok_or_else(|| format!("I1: {id} is lost"))?;
            let state = status.delivery_state.word();
            if state == "received" {
                return Err(format!("I1: {id} was never read"));
            }
            for run in status.runs {
                if run.state.standing() == Standing::AtWork {
                    return Err(format!("I14: {} is still {}", run.id, run.state));
                }
            }
        }
        for agent in self.cast.agents.iter().chain(self.users.keys()) {
            self.stands_as_wished(*agent, store, entra)?;
        }
        Ok(())
    }

    /// The tenant is as the last word that reached it wants it.
    fn stands_as_wished(&self, id: Uuid, store: &Store, entra: &Entra) -> Result<(), Broken> {
        let mut last = self.effects.iter().rev();
        let last = last.find(|(_, it)| it.entity == id && it.aspect == Aspect::AccountEnabled);
        let Some((_, effect)) = last.filter(|(_, it)| is_ours(it)) else {
            return Ok(());
        };
        let closed = effect.to["accountEnabled"] == false;
        let held = now(store.containment(self.entity(id))).map_err(|why| why.to_string())?;
        let holders = held.map(|held| held.held_by).unwrap_or_default();
        if closed && holders.is_empty() && !self.is_a_persons(id) {
            return Err(format!("E04: {id} is closed, and nobody holds it"));
        }
        if !closed && !holders.is_empty() && !self.is_a_persons(id) {
            let truth = entra.agent(id).map(|it| it.account_enabled);
            return Err(format!(
                "E15: {id} is open ({truth:?}), and {holders:?} hold it"
            ));
        }
        Ok(())
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

    fn is_of_protected(&self, id: Uuid) -> bool {
        self.users.get(&id) == Some(&self.cast.protected)
    }

    fn entity(&self, id: Uuid) -> Entity {
        let kind = match self.users.contains_key(&id) {
            true => EntityKind::AgentUser,
            false => EntityKind::Agent,
        };
        Entity {
            kind,
            id: ObjectId::from_uuid(id),
        }
    }
}

fn is_ours(effect: &Effect) -> bool {
    effect.by.starts_with("app ")
}

/// Whom a write is about.
pub fn targets(sent: &Sent) -> Vec<Uuid> {
    let words = |text: &str| -> Vec<Uuid> {
        let parts = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
        parts.filter_map(|it| it.parse().ok()).collect()
    };
    match words(&sent.path) {
        named if named.is_empty() => words(&sent.body),
        named => named,
    }
}
