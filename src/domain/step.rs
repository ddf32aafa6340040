//! A step: one action on one entity, and what is known about it.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use super::outcome::{Outcome, UndoOutcome};

use super::entity::{Entity, ObjectId};
use super::found::Found;
use super::moment::Moment;
use super::plan::PlanStep;

/// Where a step stands. Only [`StepState::after`] may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not tried.
    Pending,
    /// An attempt is counted; nothing was touched yet.
    Running,
    /// What was there before is stored; the write may have been sent.
    Sent,
    /// It took effect, or was so already.
    Ok,
    /// Nothing was to be done.
    Skipped,
    /// It did not take effect.
    Failed,
    /// It may have taken effect.
    Unknown,
}

/// A fact about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepEvent {
    /// One more attempt is counted, before it is made.
    Tried,
    /// What was there before is stored; from here on the write may have been sent.
    Started,
    /// What was sent surely did not take effect: it is looked at anew before the next attempt.
    NotStruck,
    /// It ended.
    Ended(Outcome),
    /// It took effect, and someone took the effect away: it is tried again from what was stored.
    Reopened,
}

/// This cannot happen to a step in this state: a bug in us, or a damaged record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a step that is {state} cannot be {event:?}")]
pub struct IllegalStep {
    /// Where it stood.
    pub state: StepState,
    /// What was said to have happened.
    pub event: StepEvent,
}

impl StepState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Running,
        Self::Sent,
        Self::Ok,
        Self::Skipped,
        Self::Failed,
        Self::Unknown,
    ];

    /// The law of change. What was there before is stored once: a second attempt after a crash
    /// finds the step `sent` and keeps it so, because what it would see now may be our own doing.
    /// Only where we heard that nothing was done is it stored anew, as it is by then.
    pub fn after(self, event: StepEvent) -> Result<Self, IllegalStep> {
        use StepEvent as E;
        use StepState as S;

        match (self, event) {
            (S::Pending | S::Running, E::Tried) => Ok(S::Running),
            (S::Sent, E::Tried) => Ok(S::Sent),
            (S::Sent, E::NotStruck) => Ok(S::Running),
            (S::Running, E::Started) | (S::Ok | S::Unknown, E::Reopened) => Ok(S::Sent),
            // An unknown step may be proved later; an unbegun one may be denied or found idle.
            (S::Pending | S::Running | S::Sent | S::Unknown, E::Ended(outcome)) => {
                Ok(outcome.leaves())
            }
            (state, event) => Err(IllegalStep { state, event }),
        }
    }

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Sent => "sent",
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Is nothing left to try?
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Sent => false,
            Self::Ok | Self::Skipped | Self::Failed | Self::Unknown => true,
        }
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What was there before us. Stored before anything is touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Before {
    /// `accountEnabled` of each object the step is about. Empty when there is none.
    Switches {
        /// One for each object.
        switches: Vec<Switch>,
    },
    /// What an action found that is no switch.
    Found {
        /// What it found.
        found: Found,
    },
    /// Nothing that could be put back.
    Nothing,
    /// One switch was written while it was read (look and strike together), and the read has not
    /// ended yet, or said *disabled*: us, or someone a moment before us. Undo asks a person.
    Unproven {
        /// Whose.
        id: ObjectId,
    },
}

/// A person's word on what a switch was where [`Before`] is unproven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriorWord {
    /// It was on, so undo turns it on again.
    Enabled,
    /// It was off before us, so undo leaves it off.
    Disabled,
}

impl PriorWord {
    /// The word for it in the store and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }

    /// What a word says.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Enabled, Self::Disabled]
            .into_iter()
            .find(|prior| prior.word() == word)
    }
}

/// One object's `accountEnabled`, as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Whose.
    pub id: ObjectId,
    /// What it was.
    pub account_enabled: bool,
}

/// A step as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the plan, from 0.
    pub position: u16,
    /// What to do, to whom.
    #[serde(flatten)]
    pub plan: PlanStep,
    /// Where it stands.
    pub state: StepState,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
    /// Attempts counted so far.
    pub attempts: u32,
    /// What was there before, once it was read.
    pub before: Option<Before>,
    /// For people: the call and its answer, or why it failed. No tokens, no bodies.
    pub evidence: Option<String>,
    /// When the first attempt was counted.
    pub begun_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// What became of putting it back.
    pub undo: Option<UndoOutcome>,
}

impl Step {
    /// The entities this step closes: those whose switch it read before it struck. Empty until
    /// then, and for actions that contain nothing.
    pub fn closes(&self) -> Vec<Entity> {
        let Some(kind) = self.plan.action.closes() else {
            return Vec::new();
        };
        match &self.before {
            Some(Before::Switches { switches }) => switches
                .iter()
                .map(|switch| Entity {
                    kind,
                    id: switch.id,
                })
                .collect(),
            Some(Before::Unproven { id }) => vec![Entity { kind, id: *id }],
            Some(Before::Found { .. } | Before::Nothing) | None => Vec::new(),
        }
    }

    /// Did the tenant accept what this step asked, or was it so already?
    pub fn took_effect(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Done | Outcome::AlreadyDone))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use uuid::Uuid;

    use super::{
        Before, IllegalStep, Outcome, PriorWord, Step, StepEvent as E, StepState as S, Switch,
    };
    use crate::domain::action::Action;
    use crate::domain::entity::{Entity, EntityKind, ObjectId};
    use crate::domain::plan::PlanStep;

    const EVENTS: [E; 12] = [
        E::Tried,
        E::Started,
        E::NotStruck,
        E::Reopened,
        E::Ended(Outcome::Done),
        E::Ended(Outcome::AlreadyDone),
        E::Ended(Outcome::Observed),
        E::Ended(Outcome::NotFound),
        E::Ended(Outcome::Partial),
        E::Ended(Outcome::Refused),
        E::Ended(Outcome::Failed),
        E::Ended(Outcome::Unknown),
    ];

    proptest! {
        /// What was there before is stored once in every order of events, and once a write may have
        /// left, no step is as if it had not.
        #[test]
        fn no_order_of_events_forgets_that_a_write_may_have_left(
            events in proptest::collection::vec(0..EVENTS.len(), 0..40),
        ) {
            let (mut state, mut started, mut tried) = (S::Pending, 0, false);
            let mut taken = false;
            for event in events.into_iter().map(|n| EVENTS[n]) {
                // Nobody says so of a step that took effect once, whatever was sent after that.
                if event == E::NotStruck && taken {
                    continue;
                }
                let before = state;
                let Ok(after) = state.after(event) else {
                    continue;
                };
                state = after;
                started += u32::from(event == E::Started);
                started -= u32::from(event == E::NotStruck);
                tried |= event == E::Tried;
                taken |= event == E::Reopened;
                prop_assert!(started <= 1, "stored twice");
                prop_assert!(event != E::Started || tried, "started before it was counted");
                let untouched = matches!(state, S::Pending | S::Running);
                prop_assert!(!untouched || started == 0, "{before} became {state}");
                let ended = matches!(before, S::Skipped | S::Failed);
                prop_assert!(!ended, "{before} is the end, and became {state}");
            }
        }
    }

    /// The law once more, from where it leads to: what is not here cannot happen.
    #[test]
    fn what_may_follow_is_this_and_nothing_else() {
        let tried = [
            (S::Pending, E::Tried, S::Running),
            (S::Running, E::Tried, S::Running),
            (S::Sent, E::Tried, S::Sent),
            (S::Running, E::Started, S::Sent),
            (S::Sent, E::NotStruck, S::Running),
            (S::Ok, E::Reopened, S::Sent),
            (S::Unknown, E::Reopened, S::Sent),
        ];
        let left = [
            (Outcome::Done, S::Ok),
            (Outcome::AlreadyDone, S::Ok),
            (Outcome::Observed, S::Skipped),
            (Outcome::Denied, S::Skipped),
            (Outcome::NotFound, S::Failed),
            (Outcome::Unsupported, S::Failed),
            (Outcome::Refused, S::Failed),
            (Outcome::Failed, S::Failed),
            (Outcome::Partial, S::Unknown),
            (Outcome::Unknown, S::Unknown),
        ];
        let open = [S::Pending, S::Running, S::Sent, S::Unknown];
        let ended = open.into_iter().flat_map(|state| {
            let ways = left.into_iter();
            ways.map(move |(outcome, after)| (state, E::Ended(outcome), after))
        });
        let law: Vec<_> = tried.into_iter().chain(ended).collect();
        let all = Outcome::ALL.into_iter().map(E::Ended);
        let all = all.chain([E::Tried, E::Started, E::NotStruck, E::Reopened]);

        for event in all {
            for state in S::ALL {
                let due = law
                    .iter()
                    .find(|(from, by, _)| (*from, *by) == (state, event));
                let due = due.map(|(.., after)| *after);
                let due = due.ok_or(IllegalStep { state, event });
                assert_eq!(state.after(event), due);
            }
        }
    }

    #[test]
    fn only_what_can_be_tried_no_more_has_ended() {
        let open = S::ALL.into_iter().filter(|state| !state.has_ended());

        assert_eq!(open.collect::<Vec<_>>(), [S::Pending, S::Running, S::Sent]);
    }

    fn id(number: u128) -> ObjectId {
        ObjectId::from_uuid(Uuid::from_u128(number))
    }

    fn step(action: Action, before: Option<Before>) -> Step {
        Step {
            position: 0,
            plan: PlanStep {
                action,
                entity: Entity::agent(id(1)),
                optional: false,
            },
            state: S::Pending,
            outcome: None,
            attempts: 0,
            before,
            evidence: None,
            begun_at: None,
            ended_at: None,
            undo: None,
        }
    }

    /// Coverage and undo go by it: what was not read is not ours to call closed, or to open.
    #[test]
    fn a_step_closes_the_switches_it_read_and_no_others() {
        let switch = |number, account_enabled| Switch {
            id: id(number),
            account_enabled,
        };
        let read = Before::Switches {
            switches: vec![switch(2, true), switch(3, false)],
        };
        let user = |number| Entity {
            kind: EntityKind::AgentUser,
            id: id(number),
        };
        let closes = |action, before| step(action, before).closes();

        assert_eq!(
            closes(Action::DisableAgentUser, Some(read.clone())),
            [user(2), user(3)]
        );
        let unproven = Some(Before::Unproven { id: id(1) });
        assert_eq!(
            closes(Action::DisableAgent, unproven),
            [Entity::agent(id(1))]
        );
        assert_eq!(closes(Action::ConfirmCompromised, Some(read)), []);
        assert_eq!(closes(Action::DisableAgent, Some(Before::Nothing)), []);
        assert_eq!(closes(Action::DisableAgent, None), []);
    }

    #[test]
    fn only_what_the_tenant_accepted_or_had_so_took_effect() {
        let took = Outcome::ALL.into_iter().filter(|outcome| {
            let mut step = step(Action::DisableAgent, None);
            step.outcome = Some(*outcome);
            step.took_effect()
        });

        assert_eq!(
            took.collect::<Vec<_>>(),
            [Outcome::Done, Outcome::AlreadyDone]
        );
        assert!(!step(Action::DisableAgent, None).took_effect());
    }

    #[test]
    fn what_was_before_is_stored_only_once() {
        let sent = S::Pending
            .after(E::Tried)
            .and_then(|state| state.after(E::Started));

        assert_eq!(sent, Ok(S::Sent));
        assert!(S::Sent.after(E::Started).is_err());
        assert_eq!(S::Sent.after(E::Tried), Ok(S::Sent));
    }

    #[test]
    fn an_unknown_outcome_is_neither_ok_nor_failed() {
        assert_eq!(S::Sent.after(E::Ended(Outcome::Unknown)), Ok(S::Unknown));
        assert_eq!(S::Sent.after(E::Ended(Outcome::Partial)), Ok(S::Unknown));
    }

    #[test]
    fn an_ended_step_stays_ended() {
        for state in [S::Ok, S::Skipped, S::Failed] {
            for event in [E::Tried, E::Started, E::Ended(Outcome::Done)] {
                assert!(state.after(event).is_err(), "{state} {event:?}");
            }
        }
    }

    /// The store keeps the words, so they stay what they are.
    #[test]
    fn every_state_is_read_back_from_its_word() {
        assert_eq!(
            S::ALL.map(S::word),
            [
                "pending", "running", "sent", "ok", "skipped", "failed", "unknown"
            ]
        );
        for state in S::ALL {
            assert_eq!(S::from_word(state.word()), Some(state));
            assert_eq!(state.to_string(), state.word());
        }
        assert_eq!(S::from_word("xyzzy"), None);

        let priors = [PriorWord::Enabled, PriorWord::Disabled];
        assert_eq!(priors.map(PriorWord::word), ["enabled", "disabled"]);
        assert_eq!(
            priors.map(|prior| PriorWord::from_word(prior.word())),
            priors.map(Some)
        );
        assert_eq!(PriorWord::from_word("xyzzy"), None);
    }
}
