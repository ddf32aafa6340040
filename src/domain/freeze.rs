//! A freeze: every agent of the tenant but the protected, contained in one go, by two people.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::entity::ObjectId;
use super::id::FreezeId;
use super::moment::Moment;

/// Where a freeze stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeState {
    /// It waits for a second person.
    Proposed,
    /// Its agents are being contained.
    Running,
    /// Every agent has had its turn.
    Frozen,
    /// A person stopped it before every agent had its turn.
    Stopped,
    /// It is being put back.
    Thawing,
    /// Every agent was put back, or a person must look at it.
    Thawed,
    /// Nobody seconded it.
    Dropped,
}

/// A fact about a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreezeEvent {
    /// A second person agreed.
    Seconded,
    /// Nobody did, or one said no.
    Dropped,
    /// Every agent has had its turn.
    AllDone,
    /// A person stopped it.
    Stopped,
    /// Two people asked for everything to be put back.
    ThawAsked,
    /// Everything has had its turn to be put back.
    AllBack,
}

impl FreezeState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Proposed,
        Self::Running,
        Self::Frozen,
        Self::Stopped,
        Self::Thawing,
        Self::Thawed,
        Self::Dropped,
    ];

    /// The law of change; `None` for what cannot happen.
    pub const fn after(self, event: FreezeEvent) -> Option<Self> {
        use FreezeEvent as E;
        use FreezeState as S;

        match (self, event) {
            (S::Proposed, E::Seconded) => Some(S::Running),
            (S::Proposed, E::Dropped) => Some(S::Dropped),
            (S::Running, E::AllDone) => Some(S::Frozen),
            (S::Running, E::Stopped) => Some(S::Stopped),
            (S::Running | S::Frozen | S::Stopped, E::ThawAsked) => Some(S::Thawing),
            (S::Thawing, E::AllBack) => Some(S::Thawed),
            (_, _) => None,
        }
    }

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Running => "running",
            Self::Frozen => "frozen",
            Self::Stopped => "stopped",
            Self::Thawing => "thawing",
            Self::Thawed => "thawed",
            Self::Dropped => "dropped",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// One agent of a freeze, with what decides when its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeTarget {
    /// Object id of the agent identity.
    pub agent: ObjectId,
    /// When a detection last named it, within the last 30 days.
    pub detected_at: Option<Moment>,
    /// Do its tags call it critical?
    pub critical: bool,
    /// How many agents their platforms register on it: how much it is used.
    pub instances: u32,
    /// Does it have user accounts of its own?
    pub users: bool,
}

/// Puts targets into the order of their turns: risk, then critical, then activity.
pub fn in_order(targets: &mut [FreezeTarget]) {
    targets.sort_by_key(|it| {
        (
            Reverse(it.detected_at),
            Reverse(it.critical),
            Reverse(it.instances),
            it.agent,
        )
    });
}

/// How far a freeze has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeTally {
    /// Agents that have not had their turn.
    pub left: u32,
    /// Being contained, or put back.
    pub at_work: u32,
    /// Read back closed.
    pub contained: u32,
    /// Put back.
    pub undone: u32,
    /// Neither: a person must look at these.
    pub other: u32,
}

/// One freeze, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Its name; it shares its letters with the motion that proposed it.
    pub id: FreezeId,
    /// Where it stands.
    pub state: FreezeState,
    /// How many agents it names.
    pub agents: u32,
    /// How far it has come.
    pub tally: FreezeTally,
    /// When it began.
    pub begun_at: Option<Moment>,
    /// When every agent had had its turn.
    pub ended_at: Option<Moment>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{FreezeTarget, in_order};
    use crate::domain::entity::ObjectId;
    use crate::domain::moment::Moment;

    #[test]
    fn risk_comes_before_critical_and_critical_before_activity() {
        let target = |agent, detected: Option<i64>, critical, instances| FreezeTarget {
            agent: ObjectId::from_uuid(Uuid::from_u128(agent)),
            detected_at: detected.map(Moment::from_millis),
            critical,
            instances,
            users: false,
        };
        let mut targets = [
            target(1, None, false, 0),
            target(2, None, false, 9),
            target(3, None, true, 0),
            target(4, Some(1), false, 0),
            target(5, Some(2), false, 0),
        ];

        in_order(&mut targets);

        let order: Vec<u128> = targets.iter().map(|it| it.agent.uuid().as_u128()).collect();
        assert_eq!(order, [5, 4, 3, 2, 1]);
    }
}
