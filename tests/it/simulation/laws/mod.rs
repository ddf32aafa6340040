//! What must hold at every moment (I1 to I16 of the threat model), and what must hold at the end.
//!
//! Each law has a function named for it. The watchers know the record as it grows, every request
//! that leaves, every change of the tenant, and what senders and people were told.

mod kept;
mod limits;
mod people;
mod secrets;
mod tenant;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use estop::domain::entity::{Entity, EntityKind, ObjectId};
use estop::domain::moment::Moment;
use estop::domain::record::Seal;
use estop::sim::{Effect, Entra};
use estop::store::Store;
use estop::transport::Answer;
use serde_json::Value;
use uuid::Uuid;

use super::agenda::Told;
use super::book::{Book, News};
use super::cast::Cast;
use super::now;
use super::sent::Sent;

pub use limits::{CAP, RESERVE, Sizes};

/// How long after a stop a write may still leave, while the process is awake (threat E20).
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// A law is broken, and how.
pub type Broken = String;

/// Approvals, each with the digest of a plan that was shown for it.
pub type Shown = Arc<Mutex<BTreeSet<(String, String)>>>;

/// What the watchers were told before the play begins.
pub struct Known {
    pub cast: Cast,
    pub tenant: Uuid,
    /// Texts that must not leave by any way.
    pub secrets: Vec<String>,
    /// The sets of playbooks that may be in force.
    pub sets: BTreeSet<String>,
}

/// Everything the watchers know.
pub struct Laws {
    pub book: Book,
    known: Known,
    /// Deliveries that were thanked for, by id.
    pub thanked: BTreeSet<String>,
    /// Letters whose sender was thanked.
    pub thanked_letters: BTreeSet<usize>,
    /// Orders that were answered.
    pub taken: BTreeSet<String>,
    /// Heads of the record that somebody else keeps.
    pub anchored: Vec<(i64, Seal)>,
    /// Effects of ours and others on switches, in order, with when by the process's own clock.
    effects: Vec<(Duration, Effect)>,
    /// Writes that have changed something, with how many effects there were then.
    performed: BTreeMap<(Option<Uuid>, String), usize>,
    /// What people were shown before they said yes.
    pub shown: Shown,
    /// Whom we closed, as far as anybody could see.
    closed: BTreeSet<Uuid>,
    /// Who was told that nothing was done, and has not looked since: the run, and whom it is about.
    told_off: BTreeSet<(Option<Uuid>, Uuid)>,
    /// Since when, awake, writes are stopped.
    stopped: Option<Duration>,
    /// How many records are on the disk for certain.
    pub durable: usize,
    /// Writes that left, with whom they are about.
    wrote: Vec<(Sent, Vec<Uuid>)>,
}

impl Laws {
    pub fn new(known: Known) -> Self {
        Self {
            book: Book::default(),
            known,
            thanked: BTreeSet::new(),
            thanked_letters: BTreeSet::new(),
            taken: BTreeSet::new(),
            anchored: Vec::new(),
            effects: Vec::new(),
            performed: BTreeMap::new(),
            shown: Shown::default(),
            closed: BTreeSet::new(),
            told_off: BTreeSet::new(),
            stopped: None,
            durable: 0,
            wrote: Vec::new(),
        }
    }

    /// Notes a text that must not leave by any way.
    pub fn keep_secret(&mut self, secret: String) {
        self.known.secrets.push(secret);
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
        for line in lines.map_err(|why| format!("I9: the record cannot be read: {why}"))? {
            self.i15_no_secret_in("the record", &line.line)?;
            match self.book.read(line)? {
                News::Begun => self.i5_no_more_than_the_caps()?,
                News::Contained(run) => self.contained_is_closed(run, entra)?,
                News::Voted(approval) => self.i10_a_yes_is_to_what_was_asked(&approval)?,
                News::Set(digest) => self.i16_a_set_is_in_force_whole(&digest)?,
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
        self.i9_the_record_survives(&before.lines, &lines)?;
        for line in lines {
            self.book.read(line)?;
        }
        self.i1_what_was_thanked_for_is_there(store)?;
        self.wrote
            .iter()
            .try_for_each(|(sent, targets)| self.i2_it_was_written_down(sent, targets))
    }

    /// A request is about to leave the process.
    pub fn on_sent(
        &mut self,
        sent: Sent,
        (store, at): (&Store, Moment),
        awake: Duration,
    ) -> Result<(), Broken> {
        self.i15_nothing_leaves_with_a_secret(&sent)?;
        if !sent.writes() {
            return Ok(());
        }
        let targets = sent.targets();
        self.i11_words_stay_words(&sent)?;
        self.i13_the_tenant_is_ours(&sent)?;
        self.i4_nobody_touches_the_untouchable(&sent, &targets)?;
        if self
            .stopped
            .is_some_and(|since| awake.saturating_sub(since) > STOPPED_WITHIN)
        {
            return Err(format!(
                "E20: a write left although writes are stopped: {sent}"
            ));
        }
        self.i2_it_was_written_down(&sent, &targets)?;
        match sent.opens() {
            true => self.i8_it_may_open(&sent, &targets, (store, at))?,
            false => self.i10_somebody_agreed(&sent)?,
        }
        self.wrote.push((sent, targets));
        Ok(())
    }

    /// A request was answered, whether or not anybody hears it. Where an owner closed it between our
    /// look and our write, a write that was taken counts as ours: nobody can see the difference. But
    /// who was told that nothing was done has to look again first; a challenge is answered at once. What
    /// reads closed in that look may be ours as well: the way may have doubled the write.
    ///
    /// Answers who is still open because of it.
    pub fn on_answer(&mut self, sent: &Sent, told: &Told) -> Vec<Uuid> {
        if !sent.writes() {
            for (id, enabled) in told.as_ref().map(switches_read).unwrap_or_default() {
                if self.told_off.remove(&(sent.run, id)) && !enabled {
                    self.closed.insert(id);
                }
            }
            return Vec::new();
        }
        let turned_down = told.as_ref().is_ok_and(|told| {
            let status = told.status();
            let later = told.headers().contains_key("retry-after");
            later || (status.is_client_error() && status != http::StatusCode::UNAUTHORIZED)
        });
        let mut open = sent.targets();
        open.retain(|_| sent.closes());
        if turned_down {
            self.told_off.extend(open.iter().map(|id| (sent.run, *id)));
            return open;
        }
        open.retain(|id| !self.told_off.contains(&(sent.run, *id)));
        self.closed.extend(open);
        Vec::new()
    }

    /// The process is gone: whoever takes over was told nothing.
    pub fn on_death(&mut self) {
        self.told_off.clear();
    }

    /// The tenant has changed.
    pub fn on_effects(
        &mut self,
        effects: &[Effect],
        sent: Option<&Sent>,
        at: Duration,
    ) -> Result<(), Broken> {
        if let Some(sent) = sent {
            self.i3_again_changes_nothing(sent, effects)?;
        }
        for effect in effects {
            if tenant::turns_a_switch(effect) {
                self.i4_it_reached_whom_it_named(effect, sent)?;
                self.i8_it_opened_what_we_closed(effect)?;
                self.i7_no_kill_after_its_undo(effect, sent)?;
                self.note_closed(effect);
            }
            self.effects.push((at, effect.clone()));
        }
        if let Some(sent) = sent.filter(|_| !effects.is_empty()) {
            self.performed.insert(sent.intent(), self.effects.len());
        }
        Ok(())
    }

    /// What must hold once everything is whole again and nobody is at work.
    pub fn at_the_end(&self, store: &Store, entra: &Entra) -> Result<(), Broken> {
        self.i1_everything_was_read_and_i14_ended(store)?;
        let users = self.known.cast.users.keys();
        for id in self.known.cast.agents.iter().chain(users) {
            self.stands_as_wished(*id, store, entra)?;
        }
        Ok(())
    }

    /// The same, as the service names it.
    fn entity(&self, id: Uuid) -> Entity {
        let kind = match self.known.cast.users.contains_key(&id) {
            true => EntityKind::AgentUser,
            false => EntityKind::Agent,
        };
        Entity {
            kind,
            id: ObjectId::from_uuid(id),
        }
    }
}

/// Whose switches an answer shows, and how they stand.
fn switches_read(answer: &Answer) -> Vec<(Uuid, bool)> {
    let shown: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let listed = shown["value"].as_array().cloned();
    let one = |of: &Value| {
        Some((
            of["id"].as_str()?.parse().ok()?,
            of["accountEnabled"].as_bool()?,
        ))
    };
    listed
        .unwrap_or_else(|| vec![shown])
        .iter()
        .filter_map(one)
        .collect()
}
