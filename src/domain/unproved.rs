//! What can be said of the doors of a run that did not come to its proof: it waits, was stopped,
//! expired, got stuck, or is still at work. Nothing is called closed here, and nothing forgotten.

use super::coverage::{Coverage, Door, DoorReport, DoorState};
use super::entity::EntityKind;
use super::run::{Run, RunState};

/// Every door of such a run.
pub fn unproved(run: &Run) -> Coverage {
    let switches = [
        (Door::AgentIdentity, EntityKind::Agent),
        (Door::BlueprintPrincipal, EntityKind::Blueprint),
        (Door::AgentUsers, EntityKind::AgentUser),
    ];
    let mut doors: Vec<DoorReport> = switches
        .into_iter()
        .map(|(door, kind)| switch(run, door, kind))
        .collect();
    doors.push(DoorReport {
        door: Door::IssuedTokens,
        id: Some(run.entity.id),
        state: DoorState::MayWork,
        until: None,
        proof: "nothing was read back as closed, so new ones may be issued too".to_owned(),
    });
    doors.push(unread(Door::Runtime, "running sessions were not stopped"));
    doors.extend(unseen());
    doors.sort_by_key(|report| report.state.rank());
    Coverage { doors }
}

/// Doors that no step of ours reads; evidence may know more.
pub fn unseen() -> impl Iterator<Item = DoorReport> {
    [
        (
            Door::Roles,
            "directory and Azure roles it holds were not read",
        ),
        (
            Door::OnBehalfOfUsers,
            "people it acted for keep their own sessions",
        ),
        (
            Door::KeysOutsideEntra,
            "keys it may use outside Entra are not visible here",
        ),
        (
            Door::CanReenable,
            "its owners and Entra administrators can enable it again",
        ),
    ]
    .into_iter()
    .map(|(door, proof)| unread(door, proof))
}

fn switch(run: &Run, door: Door, kind: EntityKind) -> DoorReport {
    if run.entity.kind != kind {
        return unread(door, "this run has not read it back");
    }
    let (state, proof) = match run.struck_at {
        Some(at) => (
            DoorState::Unverified,
            format!("a write was taken at {at}, and was not read back"),
        ),
        None => (DoorState::NotChecked, why(run.state).to_owned()),
    };
    DoorReport {
        door,
        id: Some(run.entity.id),
        state,
        until: None,
        proof,
    }
}

/// Why nothing was written, as far as is known.
const fn why(state: RunState) -> &'static str {
    match state {
        RunState::Queued | RunState::Running => "it is being worked on",
        RunState::Waiting => "people are waited for; nothing was written",
        RunState::Expired => "nobody answered in time; nothing was written",
        RunState::Stopped => "it was stopped before a write was taken",
        RunState::Stuck => "it got stuck before a write was known to be taken",
        RunState::Observed
        | RunState::Contained
        | RunState::Partial
        | RunState::Failed
        | RunState::Unknown
        | RunState::Undoing
        | RunState::Undone => "no write is known to have been taken",
    }
}

fn unread(door: Door, proof: &str) -> DoorReport {
    DoorReport {
        door,
        id: None,
        state: DoorState::NotChecked,
        until: None,
        proof: proof.to_owned(),
    }
}
