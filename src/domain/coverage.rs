//! Which doors a run closed, which it did not, and how that is known.

use serde::{Deserialize, Serialize};

use super::entity::ObjectId;
use super::moment::Moment;

/// One way an agent can act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The agent's own service principal asking for new tokens.
    AgentIdentity,
    /// The blueprint's principal, which mints tokens for all its agents.
    BlueprintPrincipal,
    /// The agent's user account.
    AgentUsers,
    /// Running sessions in Foundry or Copilot Studio.
    Runtime,
    /// Directory and Azure roles the entity still holds.
    Roles,
    /// Access tokens Entra has already issued.
    IssuedTokens,
    /// People the agent acted on behalf of.
    OnBehalfOfUsers,
    /// Keys and secrets the agent uses outside Entra.
    KeysOutsideEntra,
    /// Who can enable it again.
    CanReenable,
}

/// What is known about a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorState {
    /// Read back closed.
    Closed,
    /// Written, not read back.
    Unverified,
    /// Known to be open.
    Open,
    /// It may still work; see `until`.
    MayWork,
    /// There is no such door here.
    Absent,
    /// estop did not look, or cannot.
    NotChecked,
}

impl DoorState {
    /// Its place in the order a person wants to read doors in: closed ones first.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Unverified => 1,
            Self::Open => 2,
            Self::MayWork => 3,
            Self::NotChecked => 4,
            Self::Absent => 5,
        }
    }

    /// The words a person reads.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Closed => "closed, read back",
            Self::Unverified => "written, not read back",
            Self::Open => "open",
            Self::MayWork => "may still work",
            Self::Absent => "none here",
            Self::NotChecked => "not checked",
        }
    }
}

/// One door and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorReport {
    /// Which door.
    pub door: Door,
    /// Whose, where it is one object's.
    pub id: Option<ObjectId>,
    /// What is known.
    pub state: DoorState,
    /// Until when it may work at the latest, where that can be said.
    pub until: Option<Moment>,
    /// How that is known, for people.
    pub proof: String,
}

/// All doors of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coverage {
    /// In the order a person wants to read them: closed ones first.
    pub doors: Vec<DoorReport>,
}

impl Coverage {
    /// Takes in what was read since about doors; the others stay as they are.
    pub fn learn(&mut self, newer: &[DoorReport]) {
        for report in &mut self.doors {
            let said = newer.iter().find(|it| it.door == report.door);
            if let Some(said) = said {
                *report = said.clone();
            }
        }
        self.doors.sort_by_key(|report| report.state.rank());
    }

    /// What still works after containment, and until when: everything not known to be shut.
    pub fn residual(&self) -> impl Iterator<Item = &DoorReport> {
        self.doors
            .iter()
            .filter(|report| !matches!(report.state, DoorState::Closed | DoorState::Absent))
    }
}

#[cfg(test)]
mod tests {
    use super::{Coverage, Door, DoorReport, DoorState};

    fn report(door: Door, state: DoorState, proof: &str) -> DoorReport {
        DoorReport {
            door,
            id: None,
            state,
            until: None,
            proof: proof.to_owned(),
        }
    }

    const STATES: [DoorState; 6] = [
        DoorState::Closed,
        DoorState::Unverified,
        DoorState::Open,
        DoorState::MayWork,
        DoorState::NotChecked,
        DoorState::Absent,
    ];

    #[test]
    fn what_is_read_later_takes_the_place_of_its_own_door_only() {
        let mut coverage = Coverage {
            doors: vec![
                report(Door::AgentIdentity, DoorState::Unverified, "written"),
                report(Door::AgentUsers, DoorState::Closed, "read back"),
            ],
        };

        coverage.learn(&[
            report(Door::AgentUsers, DoorState::Open, "on again"),
            report(Door::Roles, DoorState::Open, "nobody asked"),
        ]);

        assert_eq!(
            coverage.doors,
            [
                report(Door::AgentIdentity, DoorState::Unverified, "written"),
                report(Door::AgentUsers, DoorState::Open, "on again"),
            ]
        );
    }

    #[test]
    fn a_person_reads_closed_doors_first_and_those_that_are_none_last() {
        let mut coverage = Coverage {
            doors: STATES
                .iter()
                .rev()
                .map(|state| report(Door::Roles, *state, ""))
                .collect(),
        };

        coverage.learn(&[]);

        let order: Vec<_> = coverage.doors.iter().map(|door| door.state).collect();
        assert_eq!(order, STATES);
        assert_eq!(
            STATES.map(DoorState::words),
            [
                "closed, read back",
                "written, not read back",
                "open",
                "may still work",
                "not checked",
                "none here"
            ]
        );
    }

    #[test]
    fn whatever_is_not_known_to_be_shut_still_works() {
        let coverage = Coverage {
            doors: STATES.map(|state| report(Door::Roles, state, "")).to_vec(),
        };

        let left: Vec<_> = coverage.residual().map(|door| door.state).collect();

        assert_eq!(left, &STATES[1..5]);
    }
}
