//! A run: one playbook being carried out for one entity of one detection.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use super::detection::SourceName;
use super::entity::Entity;
use super::id::{DetectionId, OrderId, RunId};
use super::moment::Moment;
use super::playbook::{Mode, PlaybookName};

/// Attempts a run may die in before it is set aside for a person.
pub const POISONED_AFTER: u32 = 3;

/// Where a run stands. Only [`RunState::after`] may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Decided, not begun.
    Queued,
    /// Everything ran and `act` stood still.
    Observed,
    /// Held for a person: over a cap, or until enough people approve.
    Waiting,
    /// Steps are being carried out.
    Running,
    /// Every required entity was read back closed.
    Contained,
    /// Some required entities are closed, some are not.
    Partial,
    /// Nothing required was closed.
    Failed,
    /// Writes were sent whose effect could not be read back.
    Unknown,
    /// A person asked for what was; it is being put back.
    Undoing,
    /// What was is back.
    Undone,
    /// Neither forward nor back: a person must look.
    Stuck,
    /// Nobody released it in time.
    Expired,
    /// A person stopped it.
    Stopped,
}

/// A fact about a run, stored before anyone acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEvent {
    /// A worker holds it and begins, or begins again after someone died trying.
    Begun,
    /// It needs a person's release first.
    Held,
    /// A person released it.
    Resumed,
    /// Nobody released it in time.
    ReleaseTimedOut,
    /// A person keeps what it contained provisionally: what was held back goes out now.
    Kept,
    /// Someone opened what it closed; it closes it again.
    Reopened,
    /// Someone opened what it closed, and it stays so until a person decides.
    LeftOpen,
    /// Everything ran and nothing was touched.
    EndedObserved,
    /// Everything required was read back closed.
    EndedContained,
    /// Some of it was.
    EndedPartial,
    /// None of it was.
    EndedFailed,
    /// It was sent and could not be read back.
    EndedUnknown,
    /// A person asked for it to be put back.
    UndoAsked,
    /// It was put back and read back.
    UndoEnded,
    /// It cannot be put back without a person.
    UndoStuck,
    /// It kept dying and was set aside.
    Poisoned,
    /// A person stopped it.
    Stopped,
}

/// This cannot happen to a run in this state: a bug in us, or a damaged record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {state} cannot be {event:?}")]
pub struct IllegalEvent {
    /// Where it stood.
    pub state: RunState,
    /// What was said to have happened.
    pub event: RunEvent,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 13] = [
        Self::Queued,
        Self::Observed,
        Self::Waiting,
        Self::Running,
        Self::Contained,
        Self::Partial,
        Self::Failed,
        Self::Unknown,
        Self::Undoing,
        Self::Undone,
        Self::Stuck,
        Self::Expired,
        Self::Stopped,
    ];

    /// The law of change. What is not written here cannot happen, and the run stops rather than
    /// guesses.
    ///
    /// A failed step undoes nothing: containment stays in place until a person says the detection
    /// was false. An unknown run may still be read back later.
    pub fn after(self, event: RunEvent) -> Result<Self, IllegalEvent> {
        use RunEvent as E;
        use RunState as S;

        match (self, event) {
            // A run may begin twice: the second time, someone died trying.
            (S::Queued | S::Running, E::Begun) => Ok(S::Running),

            (S::Queued | S::Running, E::Held) => Ok(S::Waiting),
            (S::Waiting, E::Resumed) => Ok(S::Queued),
            (S::Waiting, E::ReleaseTimedOut) => Ok(S::Expired),

            (S::Contained | S::Partial | S::Unknown, E::Kept | E::Reopened) => Ok(S::Queued),
            (S::Contained, E::LeftOpen) => Ok(S::Partial),

            (S::Running, E::EndedObserved) => Ok(S::Observed),
            (S::Running | S::Unknown, E::EndedContained) => Ok(S::Contained),
            (S::Running | S::Unknown, E::EndedPartial) => Ok(S::Partial),
            (S::Running, E::EndedFailed) => Ok(S::Failed),
            (S::Running, E::EndedUnknown) => Ok(S::Unknown),

            (
                S::Contained | S::Partial | S::Failed | S::Unknown | S::Stopped | S::Stuck,
                E::UndoAsked,
            ) => Ok(S::Undoing),
            // So may an undo.
            (S::Undoing, E::Begun) => Ok(S::Undoing),
            (S::Undoing, E::UndoEnded) => Ok(S::Undone),
            (S::Undoing, E::UndoStuck) => Ok(S::Stuck),

            (S::Queued | S::Running | S::Undoing, E::Poisoned) => Ok(S::Stuck),
            (S::Queued | S::Waiting | S::Running, E::Stopped) => Ok(S::Stopped),

            (state, event) => Err(IllegalEvent { state, event }),
        }
    }

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Observed => "observed",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Contained => "contained",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::Stuck => "stuck",
            Self::Expired => "expired",
            Self::Stopped => "stopped",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// What a worker, a sweeper or a sender is still waiting for.
    pub const fn standing(self) -> Standing {
        match self {
            Self::Queued | Self::Running | Self::Undoing => Standing::AtWork,
            Self::Waiting => Standing::NeedsPerson,
            Self::Observed
            | Self::Contained
            | Self::Partial
            | Self::Failed
            | Self::Unknown
            | Self::Undone
            | Self::Stuck
            | Self::Expired
            | Self::Stopped => Standing::Ended,
        }
    }
}

/// Who has the next word on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A worker.
    AtWork,
    /// A person.
    NeedsPerson,
    /// Nobody, unless a person asks for an undo.
    Ended,
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Which workers may take a run. A kill never waits behind bulk work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Enforced runs and undos: reserved workers.
    Contain,
    /// Observe runs.
    Bulk,
}

impl Lane {
    /// As the store orders them: smaller is sooner.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Contain => 0,
            Self::Bulk => 1,
        }
    }

    /// The lane of a mode.
    pub const fn of(mode: Mode) -> Self {
        match mode {
            Mode::Observe => Self::Bulk,
            Mode::Ask | Mode::Provisional | Mode::Enforce => Self::Contain,
        }
    }
}

/// The right to work on a run for a time. Every write of a worker names the epoch, so that a
/// worker that lost it can change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLease {
    /// Which run.
    pub run: RunId,
    /// Rises by one with every claim.
    pub epoch: i64,
}

/// A run as the store keeps it, without its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The detection that asked for it, if a sensor did.
    pub detection: Option<DetectionId>,
    /// The order that asked for it, if a person did.
    pub order: Option<OrderId>,
    /// Who sent the detection.
    pub source: Option<SourceName>,
    /// Which playbook it carries out.
    pub playbook: PlaybookName,
    /// Whom it is about.
    pub entity: Entity,
    /// How far it may go, with every cap applied.
    pub mode: Mode,
    /// Where it stands.
    pub state: RunState,
    /// Why it stands there, for people.
    pub because: Option<String>,
    /// What words about it bind to.
    pub plan_digest: String,
    /// When the delivery or order was taken.
    pub received_at: Moment,
    /// When a worker first began.
    pub begun_at: Option<Moment>,
    /// When the first write of a containing step was accepted.
    pub struck_at: Option<Moment>,
    /// When everything required was read back closed.
    pub contained_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Which doors are closed and which are not, and how that is known. The store fills in what can
    /// be said of a run that did not come to its proof.
    pub coverage: Option<Coverage>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{IllegalEvent, Lane, Mode, RunEvent as E, RunState as S, Standing};

    const EVENTS: [E; 17] = [
        E::Begun,
        E::Held,
        E::Resumed,
        E::ReleaseTimedOut,
        E::Kept,
        E::Reopened,
        E::LeftOpen,
        E::EndedObserved,
        E::EndedContained,
        E::EndedPartial,
        E::EndedFailed,
        E::EndedUnknown,
        E::UndoAsked,
        E::UndoEnded,
        E::UndoStuck,
        E::Poisoned,
        E::Stopped,
    ];

    #[test]
    fn a_run_goes_from_queue_to_containment_and_back() {
        let history = [
            E::Begun,
            E::EndedContained,
            E::UndoAsked,
            E::Begun,
            E::UndoEnded,
        ];

        let end = history
            .into_iter()
            .try_fold(S::Queued, |state, event| state.after(event));

        assert_eq!(end, Ok(S::Undone));
    }

    #[test]
    fn a_run_may_begin_again_after_a_crash() {
        assert_eq!(S::Running.after(E::Begun), Ok(S::Running));
        assert_eq!(S::Undoing.after(E::Begun), Ok(S::Undoing));
    }

    /// The law once more, from where it leads to: what is not here cannot happen.
    const LAW: [(S, &[(S, E)]); 13] = [
        (
            S::Queued,
            &[
                (S::Waiting, E::Resumed),
                (S::Contained, E::Kept),
                (S::Contained, E::Reopened),
                (S::Partial, E::Kept),
                (S::Partial, E::Reopened),
                (S::Unknown, E::Kept),
                (S::Unknown, E::Reopened),
            ],
        ),
        (S::Running, &[(S::Queued, E::Begun), (S::Running, E::Begun)]),
        (S::Waiting, &[(S::Queued, E::Held), (S::Running, E::Held)]),
        (S::Expired, &[(S::Waiting, E::ReleaseTimedOut)]),
        (S::Observed, &[(S::Running, E::EndedObserved)]),
        (
            S::Contained,
            &[
                (S::Running, E::EndedContained),
                (S::Unknown, E::EndedContained),
            ],
        ),
        (
            S::Partial,
            &[
                (S::Contained, E::LeftOpen),
                (S::Running, E::EndedPartial),
                (S::Unknown, E::EndedPartial),
            ],
        ),
        (S::Failed, &[(S::Running, E::EndedFailed)]),
        (S::Unknown, &[(S::Running, E::EndedUnknown)]),
        (
            S::Undoing,
            &[
                (S::Contained, E::UndoAsked),
                (S::Partial, E::UndoAsked),
                (S::Failed, E::UndoAsked),
                (S::Unknown, E::UndoAsked),
                (S::Stopped, E::UndoAsked),
                (S::Stuck, E::UndoAsked),
                (S::Undoing, E::Begun),
            ],
        ),
        (S::Undone, &[(S::Undoing, E::UndoEnded)]),
        (
            S::Stuck,
            &[
                (S::Undoing, E::UndoStuck),
                (S::Queued, E::Poisoned),
                (S::Running, E::Poisoned),
                (S::Undoing, E::Poisoned),
            ],
        ),
        (
            S::Stopped,
            &[
                (S::Queued, E::Stopped),
                (S::Waiting, E::Stopped),
                (S::Running, E::Stopped),
            ],
        ),
    ];

    #[test]
    fn what_may_follow_is_this_and_nothing_else() {
        for state in S::ALL {
            for event in EVENTS {
                let leads = LAW.iter().find(|(_, ways)| ways.contains(&(state, event)));
                let due = leads.map(|(after, _)| *after);
                let due = due.ok_or(IllegalEvent { state, event });
                assert_eq!(state.after(event), due);
            }
        }
    }

    #[test]
    fn a_kill_never_waits_behind_what_only_observes() {
        for mode in [Mode::Ask, Mode::Provisional, Mode::Enforce] {
            assert_eq!(Lane::of(mode), Lane::Contain, "{mode:?}");
        }
        assert_eq!(Lane::of(Mode::Observe), Lane::Bulk);
        assert_eq!([Lane::Contain, Lane::Bulk].map(Lane::rank), [0, 1]);
    }

    #[test]
    fn nothing_becomes_contained_without_having_run() {
        for state in S::ALL {
            let may = matches!(state, S::Running | S::Unknown);

            assert_eq!(state.after(E::EndedContained).is_ok(), may, "{state}");
        }
    }

    #[test]
    fn an_ended_run_moves_only_by_undo_late_proof_drift_or_a_person_who_keeps_it() {
        for state in S::ALL
            .into_iter()
            .filter(|state| state.standing() == Standing::Ended)
        {
            for event in EVENTS {
                let moved = state.after(event).is_ok();
                let late_proof =
                    state == S::Unknown && matches!(event, E::EndedContained | E::EndedPartial);

                let by_person = matches!(event, E::UndoAsked | E::Kept);

                let drift = matches!(event, E::Reopened | E::LeftOpen);

                assert!(
                    !moved || by_person || late_proof || drift,
                    "{state} {event:?}"
                );
            }
        }
    }

    /// What a run has been through, told beside the law.
    #[derive(Default)]
    struct Past {
        begun: bool,
        put_back_asked: bool,
        held: bool,
    }

    proptest! {
        /// Whatever is said to have happened, in whatever order: what is not the law changes
        /// nothing, and what is keeps to what a person was told of it.
        #[test]
        fn no_order_of_events_leaves_the_law(events in proptest::collection::vec(0..EVENTS.len(), 0..40)) {
            let (mut state, mut past) = (S::Queued, Past::default());
            for event in events.into_iter().map(|n| EVENTS[n]) {
                let before = state;
                match state.after(event) {
                    Ok(after) => state = after,
                    Err(illegal) => {
                        prop_assert_eq!(illegal, IllegalEvent { state, event });
                        continue;
                    }
                }
                past.begun |= event == E::Begun;
                past.put_back_asked |= event == E::UndoAsked;
                past.held |= event == E::Held;

                let touched = matches!(state, S::Contained | S::Partial | S::Failed | S::Unknown | S::Observed);
                prop_assert!(!touched || past.begun, "{state} without having begun");
                let back = matches!(state, S::Undoing | S::Undone);
                prop_assert!(!back || past.put_back_asked, "{state} on nobody's word");
                prop_assert!(state != S::Expired || past.held, "expired, and never waited");
                let over = matches!(before, S::Observed | S::Undone | S::Expired);
                prop_assert!(!over, "{before} is the end, and became {state}");
                prop_assert!(before != S::Stuck || event == E::UndoAsked, "unstuck by {event:?}");
                prop_assert!(event != E::Stopped || before.standing() != Standing::Ended);
            }
        }
    }

    /// No state is a word only, and none but the ends is without a way on.
    #[test]
    fn every_state_is_reached_and_only_three_are_the_end() {
        let mut reached = vec![S::Queued];
        let mut next = 0;
        while let Some(state) = reached.get(next).copied() {
            for after in EVENTS
                .into_iter()
                .filter_map(|event| state.after(event).ok())
            {
                if !reached.contains(&after) {
                    reached.push(after);
                }
            }
            next += 1;
        }

        assert_eq!(reached.len(), S::ALL.len(), "{reached:?}");
        let ends = S::ALL
            .into_iter()
            .filter(|state| EVENTS.iter().all(|event| state.after(*event).is_err()));
        assert_eq!(
            ends.collect::<Vec<_>>(),
            [S::Observed, S::Undone, S::Expired]
        );
    }

    /// The store keeps the words, so they stay what they are.
    #[test]
    fn every_state_is_read_back_from_its_word() {
        assert_eq!(
            S::ALL.map(S::word),
            [
                "queued",
                "observed",
                "waiting",
                "running",
                "contained",
                "partial",
                "failed",
                "unknown",
                "undoing",
                "undone",
                "stuck",
                "expired",
                "stopped"
            ]
        );
        for state in S::ALL {
            assert_eq!(S::from_word(state.word()), Some(state));
            assert_eq!(state.to_string(), state.word());
        }
        assert_eq!(S::from_word("xyzzy"), None);
    }
}
