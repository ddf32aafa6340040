//! The held state of one entity: since when, by which runs, until when.

use serde::{Deserialize, Serialize};

use super::entity::Entity;
use super::id::RunId;
use super::moment::Moment;

/// Where an entity stands with us. Only [`EntityState::after`] may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityState {
    /// We hold nothing on it.
    Open,
    /// A write that closes it may have been sent.
    Closing,
    /// It was read back closed.
    Closed,
    /// It was written and could not be read back, or was read open since.
    Unverified,
    /// It is being put back.
    Releasing,
}

/// A fact about an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityEvent {
    /// A run is about to close it.
    Striking,
    /// Two equal reads say it is closed.
    ReadClosed,
    /// The write was refused: nothing was changed.
    NeverStruck,
    /// The reads did not agree in time.
    GaveUpReading,
    /// It reads open although we hold it: someone opened it.
    SeenOpen,
    /// The last hold is being released.
    Releasing,
    /// It was put back.
    Released,
}

/// This cannot happen to an entity in this state: a bug in us, or a damaged record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entity that is {state:?} cannot be {event:?}")]
pub struct IllegalEntityEvent {
    /// Where it stood.
    pub state: EntityState,
    /// What was said to have happened.
    pub event: EntityEvent,
}

impl EntityState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Closing,
        Self::Closed,
        Self::Unverified,
        Self::Releasing,
    ];

    /// The law of change. A kill beats an undo: an entity that is being released may be closed
    /// again at any time.
    pub fn after(self, event: EntityEvent) -> Result<Self, IllegalEntityEvent> {
        use EntityEvent as E;
        use EntityState as S;

        match (self, event) {
            (S::Closed, E::Striking) => Ok(S::Closed),
            (S::Open | S::Closing | S::Unverified | S::Releasing, E::Striking) => Ok(S::Closing),
            (S::Closing | S::Closed | S::Unverified, E::ReadClosed) => Ok(S::Closed),
            // Closed once is not closed for ever: another run may fail to read it back.
            (S::Closing | S::Closed | S::Unverified, E::GaveUpReading)
            | (S::Closed | S::Unverified, E::SeenOpen) => Ok(S::Unverified),
            (S::Closing | S::Closed | S::Unverified | S::Releasing, E::Releasing) => {
                Ok(S::Releasing)
            }
            (S::Releasing, E::Released) | (S::Closing, E::NeverStruck) => Ok(S::Open),
            (state, event) => Err(IllegalEntityEvent { state, event }),
        }
    }

    /// The word for it in JSON and the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Unverified => "unverified",
            Self::Releasing => "releasing",
        }
    }

    /// The state a stored word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// One entity's containment, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containment {
    /// Whose.
    pub entity: Entity,
    /// Where it stands.
    pub state: EntityState,
    /// Since when it is not open.
    pub since: Moment,
    /// The runs that hold it; it opens when the last is released.
    pub held_by: Vec<RunId>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{EntityEvent as E, EntityState as S};

    const EVENTS: [E; 7] = [
        E::Striking,
        E::ReadClosed,
        E::NeverStruck,
        E::GaveUpReading,
        E::SeenOpen,
        E::Releasing,
        E::Released,
    ];

    proptest! {
        /// In every order of events: closed is what was read closed since it was last struck, and
        /// open is what was never struck or was put back.
        #[test]
        fn no_order_of_events_closes_or_opens_unread(
            events in proptest::collection::vec(0..EVENTS.len(), 0..40),
        ) {
            let mut state = S::Open;
            for event in events.into_iter().map(|n| EVENTS[n]) {
                let before = state;
                let Ok(after) = state.after(event) else {
                    continue;
                };
                state = after;
                if state == S::Closed && before != S::Closed {
                    prop_assert_eq!(event, E::ReadClosed);
                    prop_assert!(matches!(before, S::Closing | S::Unverified), "{:?}", before);
                }
                if state == S::Open {
                    let put_back = (before, event) == (S::Releasing, E::Released);
                    prop_assert!(put_back || event == E::NeverStruck);
                }
                prop_assert!(event != E::Striking || matches!(state, S::Closing | S::Closed));
            }
        }
    }

    #[test]
    fn a_kill_beats_an_undo() {
        assert_eq!(S::Releasing.after(E::Striking), Ok(S::Closing));
        assert!(S::Closing.after(E::Released).is_err());
    }

    #[test]
    fn only_reads_make_an_entity_closed() {
        for state in [S::Open, S::Closing, S::Unverified, S::Releasing] {
            assert_ne!(state.after(E::Striking), Ok(S::Closed));
            assert_ne!(state.after(E::GaveUpReading), Ok(S::Closed));
        }
    }

    /// The store keeps the words, so they stay what they are.
    #[test]
    fn every_state_is_read_back_from_its_word() {
        assert_eq!(
            S::ALL.map(S::word),
            ["open", "closing", "closed", "unverified", "releasing"]
        );
        for state in S::ALL {
            assert_eq!(S::from_word(state.word()), Some(state));
        }
        assert_eq!(S::from_word("xyzzy"), None);
    }
}
