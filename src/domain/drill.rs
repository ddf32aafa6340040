//! A drill: contain and release a canary agent on purpose, and time every hop.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entity::ObjectId;
use super::id::{DrillId, RunId};
use super::moment::Moment;

/// Where a drill stands. Only [`DrillState::after`] may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillState {
    /// Asked for, nothing touched.
    Asked,
    /// Its run contains the canary.
    Containing,
    /// Its run puts the canary back.
    Releasing,
    /// Contained, read back, released, read back.
    Passed,
    /// Something on the way did not go as it should, or the canary is not as it was.
    Failed,
    /// The canary was not fit for it, or writes are stopped: nothing was touched.
    Refused,
}

/// A fact about a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrillEvent {
    /// Its run was made.
    ContainTaken,
    /// Its undo was ordered.
    ReleaseTaken,
    /// The canary reads as it did before.
    Passed,
    /// It did not.
    Failed,
    /// It was not begun.
    Refused,
}

/// This cannot happen to a drill in this state: a bug in us, or a damaged record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a drill that is {state} cannot be {event:?}")]
pub struct IllegalDrill {
    /// Where it stood.
    pub state: DrillState,
    /// What was said to have happened.
    pub event: DrillEvent,
}

impl DrillState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Asked,
        Self::Containing,
        Self::Releasing,
        Self::Passed,
        Self::Failed,
        Self::Refused,
    ];

    /// The law of change. A drill passes only after its release was read back.
    pub fn after(self, event: DrillEvent) -> Result<Self, IllegalDrill> {
        use DrillEvent as E;
        use DrillState as S;

        match (self, event) {
            (S::Asked, E::ContainTaken) => Ok(S::Containing),
            (S::Asked, E::Refused) => Ok(S::Refused),
            (S::Containing, E::ReleaseTaken) => Ok(S::Releasing),
            (S::Releasing, E::Passed) => Ok(S::Passed),
            (S::Asked | S::Containing | S::Releasing, E::Failed) => Ok(S::Failed),
            (state, event) => Err(IllegalDrill { state, event }),
        }
    }

    /// Is something still to be done?
    pub const fn is_open(self) -> bool {
        match self {
            Self::Asked | Self::Containing | Self::Releasing => true,
            Self::Passed | Self::Failed | Self::Refused => false,
        }
    }

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Containing => "containing",
            Self::Releasing => "releasing",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl fmt::Display for DrillState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One stretch of a drill, in the order they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hop {
    /// The drill was asked for.
    Received,
    /// The canary was looked at, and the order was stored with its run.
    Decided,
    /// Graph accepted the write that disables it.
    DisableAccepted,
    /// Two equal reads said that it is disabled.
    ReadBackDisabled,
    /// Entra refused it a new token.
    TokenRefused,
    /// Its release was ordered.
    ReleaseOrdered,
    /// Graph accepted the write that enables it, and the run read it back.
    Released,
    /// A last read of our own says that it is as it was.
    ReadBackEnabled,
}

impl Hop {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Decided => "decided",
            Self::DisableAccepted => "disable accepted",
            Self::ReadBackDisabled => "read back disabled",
            Self::TokenRefused => "token refused",
            Self::ReleaseOrdered => "release ordered",
            Self::Released => "released",
            Self::ReadBackEnabled => "read back enabled",
        }
    }
}

/// When a hop was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Which.
    pub hop: Hop,
    /// When, by our clock.
    pub at: Moment,
}

/// One drill, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Its name.
    pub id: DrillId,
    /// Object id of the canary agent.
    pub canary: ObjectId,
    /// Where it stands.
    pub state: DrillState,
    /// When it was asked for.
    pub asked_at: Moment,
    /// Who asked: an operator, or [`Drill::SCHEDULE`].
    pub asked_by: String,
    /// The run that contains and releases.
    pub run: Option<RunId>,
    /// What is known of its hops so far, in order.
    pub hops: Vec<Passed>,
    /// Why it failed or was refused.
    pub because: Option<String>,
    /// When it ended.
    pub ended_at: Option<Moment>,
}

impl Drill {
    /// Who asks when the schedule does.
    pub const SCHEDULE: &'static str = "schedule";

    /// Each hop with the time since the one before it.
    pub fn legs(&self) -> impl Iterator<Item = (Hop, Duration)> {
        let before = self.hops.iter().map(|passed| passed.at);
        let before = std::iter::once(self.asked_at).chain(before);
        self.hops
            .iter()
            .zip(before)
            .map(|(passed, before)| (passed.hop, passed.at.since(before)))
    }
}

#[cfg(test)]
mod tests {
    use super::{DrillEvent as E, DrillState as S};

    #[test]
    fn a_drill_passes_only_after_its_release() {
        for state in [S::Asked, S::Containing, S::Failed, S::Refused] {
            assert!(state.after(E::Passed).is_err(), "{state}");
        }
        assert_eq!(S::Releasing.after(E::Passed), Ok(S::Passed));
    }

    #[test]
    fn a_drill_that_has_touched_something_can_no_longer_be_refused() {
        for state in [S::Containing, S::Releasing] {
            assert!(state.after(E::Refused).is_err(), "{state}");
            assert_eq!(state.after(E::Failed), Ok(S::Failed));
        }
    }

    #[test]
    fn what_has_ended_stays_ended() {
        let events = [
            E::ContainTaken,
            E::ReleaseTaken,
            E::Passed,
            E::Failed,
            E::Refused,
        ];
        for state in S::ALL.into_iter().filter(|state| !state.is_open()) {
            for event in events {
                assert!(state.after(event).is_err(), "{state} {event:?}");
            }
        }
    }
}
