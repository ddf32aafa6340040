//! Every order of what may happen to one entity, tried on a small model that moves by the laws of
//! this folder and by those of runs and entities, and by nothing else (threats E04, E13 to E15).
//!
//! A write is two events: it leaves, and it lands, with anything in between. Reads are replicas of
//! the moment. A restart forgets what is in the hand of a worker and nothing that is stored.

use std::collections::BTreeSet;

use super::super::{Answer, Drifted, Ending, Over, OverBy, Seen};
use crate::domain::containment::{EntityEvent, EntityState};
use crate::domain::playbook::HoldThen;
use crate::domain::run::{RunEvent, RunState};

/// What may happen, each at most once or twice in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Event {
    /// A run strikes: the write leaves.
    Strike(usize),
    /// Its write lands, and is read back.
    Land(usize),
    /// A person undoes the run: the word is stored.
    Undo(usize),
    /// The undo's write leaves, if nobody else holds the entity, and lands.
    Back(usize),
    /// The time of the run's hold is over.
    Expire(usize),
    /// A person keeps what the run contained, asked or before anyone asked.
    Keep(usize),
    /// Someone enables it in the portal.
    PortalOn,
    /// Someone disables it in the portal.
    PortalOff,
    /// What is held is looked at.
    Look,
    /// The process dies and another takes up what is stored.
    Restart,
}

/// Who wrote the switch last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Writer {
    Nobody,
    Us,
    Portal,
}

/// How much of someone else's closing could be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Portal {
    Quiet,
    SeenOpen,
    ClosedUnseen,
    ClosedSeen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct OneRun {
    state: RunStateWord,
    /// Does it hold the entity?
    holds: bool,
    /// What the first of our runs saw before us, once this one has looked.
    before: Option<bool>,
    /// Its write is on its way.
    in_flight: bool,
    /// The end of its hold was acted on.
    over: bool,
    /// A person was asked about it.
    asked: bool,
    /// A person kept it.
    kept: bool,
    /// Who asked for the undo.
    undo_by: Option<By>,
}

/// `RunState` has no order; the model needs one to remember what it has seen.
type RunStateWord = &'static str;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum By {
    Person,
    Machine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct World {
    on: bool,
    /// What it was when we last began to hold it.
    first: bool,
    last: Writer,
    runs: [OneRun; 2],
    entity: &'static str,
    /// How it was answered that it is open, where that is not over.
    drift: Option<&'static str>,
    closed_by_someone: bool,
    closed_again: u32,
    /// A write that closes it again is on its way, by this run.
    again: Option<usize>,
    /// What anyone who looked could know of the portal's last word, kept apart from the laws.
    portal: Portal,
    /// What a machine wrote against the newest word that it could know. Must stay empty.
    broke: Option<&'static str>,
}

const REASSERT_MAX: u32 = 1;

impl World {
    fn new(on: bool) -> Self {
        let run = OneRun {
            state: RunState::Running.word(),
            holds: false,
            before: None,
            in_flight: false,
            over: false,
            asked: false,
            kept: false,
            undo_by: None,
        };
        Self {
            on,
            first: on,
            last: Writer::Nobody,
            runs: [run; 2],
            entity: EntityState::Open.word(),
            drift: None,
            closed_by_someone: false,
            closed_again: 0,
            again: None,
            portal: Portal::Quiet,
            broke: None,
        }
    }

    fn run(&self, run: usize) -> RunState {
        RunState::from_word(self.runs[run].state).unwrap()
    }

    fn entity(&self) -> EntityState {
        EntityState::from_word(self.entity).unwrap()
    }

    fn answered(&self) -> Option<Answer> {
        self.drift.and_then(Answer::from_word)
    }

    fn held(&self) -> bool {
        self.runs.iter().any(|run| run.holds)
    }

    fn move_run(&mut self, run: usize, event: RunEvent) -> Option<()> {
        self.runs[run].state = self.run(run).after(event).ok()?.word();
        Some(())
    }

    fn move_entity(&mut self, event: EntityEvent) -> Option<()> {
        self.entity = self.entity().after(event).ok()?.word();
        Some(())
    }

    fn write(&mut self, on: bool, by: Writer) {
        self.portal = match (by, on, self.portal) {
            (Writer::Us, _, _) => Portal::Quiet,
            (_, false, Portal::SeenOpen) => Portal::ClosedUnseen,
            (_, true, Portal::ClosedUnseen | Portal::ClosedSeen) => Portal::Quiet,
            (_, _, portal) => portal,
        };
        (self.on, self.last) = (on, by);
    }

    /// What whoever looks now could know.
    fn looked(&mut self) {
        self.portal = match (self.on, self.portal) {
            (true, _) => Portal::SeenOpen,
            (false, Portal::ClosedUnseen) => Portal::ClosedSeen,
            (false, portal) => portal,
        };
    }

    /// The world after an event; `None` where it cannot happen now.
    fn after(mut self, event: Event) -> Option<Self> {
        match event {
            Event::Strike(run) => self.strike(run)?,
            Event::Land(run) => self.land(run)?,
            Event::Undo(run) => self.undo(run)?,
            Event::Back(run) => self.back(run)?,
            Event::Expire(run) => self.expire(run)?,
            Event::Keep(run) => self.keep(run)?,
            Event::PortalOn => self.write(true, Writer::Portal),
            Event::PortalOff => self.write(false, Writer::Portal),
            Event::Look => self.look()?,
            Event::Restart => self.restart(),
        }
        Some(self)
    }

    /// Look, store with the hold, write.
    fn strike(&mut self, run: usize) -> Option<()> {
        let fresh = self.run(run) == RunState::Running && self.runs[run].before.is_none();
        if !fresh {
            return None;
        }
        let first = self
            .runs
            .iter()
            .filter(|it| it.holds)
            .find_map(|it| it.before);
        if self.entity() == EntityState::Open {
            (self.first, self.portal) = (self.on, Portal::Quiet);
        }
        self.runs[run].before = Some(first.unwrap_or(self.on));
        self.move_entity(EntityEvent::Striking)?;
        self.runs[run].holds = true;
        self.runs[run].in_flight = true;
        Some(())
    }

    /// The write arrives. What was off before us is not written.
    fn land(&mut self, run: usize) -> Option<()> {
        if self.again == Some(run) {
            self.again = None;
            if self.runs[run].undo_by.is_some() {
                self.broke = Some("it is closed again after a word to put it back");
            }
            self.write(false, Writer::Us);
            self.move_run(run, RunEvent::Begun)?;
            self.move_run(run, RunEvent::EndedContained)?;
            (self.drift, self.closed_by_someone) = (None, false);
            return self.move_entity(EntityEvent::ReadClosed);
        }
        if !self.runs[run].in_flight {
            return None;
        }
        self.runs[run].in_flight = false;
        if self.runs[run].before == Some(true) {
            self.write(false, Writer::Us);
        }
        if self.run(run) != RunState::Running {
            return Some(());
        }
        let closed = !self.on;
        self.move_run(
            run,
            match closed {
                true => RunEvent::EndedContained,
                false => RunEvent::EndedUnknown,
            },
        )?;
        self.move_entity(match closed {
            true => EntityEvent::ReadClosed,
            false => EntityEvent::GaveUpReading,
        })
    }

    fn undo(&mut self, run: usize) -> Option<()> {
        self.move_run(run, RunEvent::UndoAsked)?;
        (self.runs[run].undo_by, self.runs[run].asked) = (Some(By::Person), false);
        Some(())
    }

    /// The undo waits until nothing of this run is on its way (threat E04), then lets go of the
    /// hold, and writes only where nobody else holds it.
    fn back(&mut self, run: usize) -> Option<()> {
        let waits = self.runs[run].in_flight || self.again == Some(run);
        if self.run(run) != RunState::Undoing || waits {
            return None;
        }
        self.runs[run].holds = false;
        if !self.held() {
            self.move_entity(EntityEvent::Releasing)?;
            if self.runs[run].before == Some(true) {
                self.write(true, Writer::Us);
            }
            self.move_entity(EntityEvent::Released)?;
            (self.drift, self.closed_by_someone) = (None, false);
        }
        self.move_run(run, RunEvent::UndoEnded)
    }

    /// A yes keeps it for the same time again, whose end comes anew.
    fn keep(&mut self, run: usize) -> Option<()> {
        if !at_rest(self.run(run)) || !self.runs[run].holds {
            return None;
        }
        self.runs[run].kept = true;
        (self.runs[run].over, self.runs[run].asked) = (false, false);
        Some(())
    }

    fn expire(&mut self, run: usize) -> Option<()> {
        if !at_rest(self.run(run)) || !self.runs[run].holds || self.runs[run].over {
            return None;
        }
        self.runs[run].over = true;
        let other = 1 - run;
        let ending = Ending {
            then: HoldThen::Undo,
            run: self.run(run),
            another: self.runs[other]
                .holds
                .then(|| crate::domain::id::RunId::from_uuid(uuid::Uuid::nil())),
            kept: self.runs[run].kept,
            closed_by_someone: self.closed_by_someone,
        };
        match ending.over() {
            Over::Stays => {}
            Over::Asked { .. } => self.runs[run].asked = true,
            Over::PutBack => {
                if self.portal == Portal::ClosedSeen && self.first {
                    self.broke = Some("a machine opens what someone was seen to have closed");
                }
                if self.runs[run].kept {
                    self.broke = Some("a machine opens what a person has kept");
                }
                if self.runs[other].holds {
                    self.broke = Some("a machine opens what another run holds");
                }
                self.move_run(run, RunEvent::UndoAsked)?;
                self.runs[run].undo_by = Some(By::Machine);
            }
        }
        Some(())
    }

    fn look(&mut self) -> Option<()> {
        let held = matches!(self.entity(), EntityState::Closed | EntityState::Unverified);
        let holders: Vec<usize> = (0..2).filter(|run| self.runs[*run].holds).collect();
        if !held || holders.is_empty() || !holders.iter().all(|run| at_rest(self.run(*run))) {
            return None;
        }
        self.looked();
        let seen = if self.on { Seen::Open } else { Seen::Closed };
        if seen == Seen::Closed {
            let by = self.answered().map(|answer| match answer {
                Answer::ClosedAgain => OverBy::Us,
                Answer::GivenUp | Answer::Left | Answer::Waits | Answer::Told => OverBy::Someone,
            });
            self.drift = None;
            self.closed_by_someone |= by == Some(OverBy::Someone);
            if self.entity() == EntityState::Unverified {
                self.move_entity(EntityEvent::ReadClosed)?;
            }
            return Some(());
        }
        let drifted = Drifted {
            answered: self.answered(),
            reassert_max: REASSERT_MAX,
            closed_again: self.closed_again,
            stopped: false,
        };
        let Some(answer) = drifted.answer() else {
            return Some(());
        };
        self.drift = Some(answer.word());
        self.move_entity(EntityEvent::SeenOpen)?;
        if answer == Answer::ClosedAgain {
            self.closed_again += 1;
            self.again = Some(holders[0]);
            return self.move_run(holders[0], RunEvent::Reopened);
        }
        for run in holders {
            if self.run(run) == RunState::Contained {
                self.move_run(run, RunEvent::LeftOpen)?;
            }
        }
        Some(())
    }

    /// What left before may still land; whoever takes up a run sends its write again, which is the
    /// same write.
    fn restart(&mut self) {
        for run in &mut self.runs {
            let unfinished = run.state == RunState::Running.word() && run.before.is_some();
            run.in_flight |= unfinished;
        }
    }

    fn check(&self, history: &[Event]) {
        assert_eq!(self.broke, None, "{history:?} {self:?}");
        assert!(self.closed_again <= REASSERT_MAX, "{history:?} {self:?}");
        let quiet = self.again.is_none() && self.runs.iter().all(|run| !run.in_flight);
        let undone = |run: &OneRun| run.state == RunState::Undone.word();
        let struck = self.runs.iter().any(|run| run.before.is_some());
        // Whoever wrote last in the portal is newer than anything of ours that has ended.
        if quiet && struck && !self.held() && self.last == Writer::Us {
            assert_eq!(self.on, self.first, "not as it was: {history:?} {self:?}");
        }
        // What any run holds is never opened by us.
        if quiet && self.held() && self.last == Writer::Us {
            assert!(!self.on, "opened while it was held: {history:?} {self:?}");
        }
        // Contained is said only of what reads closed, or was opened since the last look.
        let contained = |run: &OneRun| run.state == RunState::Contained.word();
        if quiet && self.on && self.runs.iter().any(contained) {
            let unseen = self.last == Writer::Portal && self.portal != Portal::SeenOpen;
            assert!(unseen, "open, and called contained: {history:?} {self:?}");
        }
        for run in self.runs.iter().filter(|run| undone(run)) {
            assert!(!run.holds, "{history:?} {self:?}");
        }
    }
}

const fn at_rest(run: RunState) -> bool {
    matches!(
        run,
        RunState::Contained | RunState::Partial | RunState::Unknown
    )
}

/// Every history over these events, each used at most as often as it is listed.
fn explore(
    world: World,
    left: &[Event],
    history: &mut Vec<Event>,
    seen: &mut BTreeSet<(World, Vec<Event>)>,
) -> usize {
    world.check(history);
    if !seen.insert((world, left.to_vec())) {
        return 0;
    }
    let mut histories = 1;
    let mut tried = BTreeSet::new();
    for (at, event) in left.iter().enumerate() {
        if !tried.insert(*event) {
            continue;
        }
        let Some(next) = world.after(*event) else {
            continue;
        };
        let mut rest = left.to_vec();
        rest.remove(at);
        history.push(*event);
        histories += explore(next, &rest, history, seen);
        history.pop();
    }
    histories
}

#[test]
fn e04_e13_e14_e15_in_no_order_does_a_machine_overrule_a_newer_word() {
    use Event as E;
    let events = [
        E::Strike(0),
        E::Strike(1),
        E::Land(0),
        E::Land(0),
        E::Land(1),
        E::Undo(0),
        E::Back(0),
        E::Undo(1),
        E::Back(1),
        E::Expire(0),
        E::Expire(0),
        E::Expire(1),
        E::Keep(0),
        E::PortalOn,
        E::PortalOff,
        E::PortalOn,
        E::Look,
        E::Look,
        E::Look,
        E::Restart,
    ];

    for on in [true, false] {
        let mut seen = BTreeSet::new();
        let states = explore(World::new(on), &events, &mut Vec::new(), &mut seen);

        assert!(states > 10_000, "{states}");
    }
}
