//! Which doors this run closed, which it did not, and how that is known. It never claims more than
//! was read back.

use super::Bench;
use super::verify::Proof;
use crate::domain::action::Action;
use crate::domain::coverage::{Coverage, Door, DoorReport, DoorState};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::moment::Moment;
use crate::domain::playbook::Mode;
use crate::domain::run::Run;
use crate::domain::step::{Before, Step};
use crate::domain::unproved::unseen;

pub(super) fn of(bench: &Bench, run: &Run, steps: &[Step], proofs: &[Proof]) -> Coverage {
    let mut doors = vec![
        switch(Door::AgentIdentity, EntityKind::Agent, run, proofs),
        switch(Door::BlueprintPrincipal, EntityKind::Blueprint, run, proofs),
        agent_users(run, steps, proofs),
        issued_tokens(bench, run, bench.clock.now()),
        super::runtime::door(bench, run, steps),
    ];
    doors.extend(unseen());
    doors.sort_by_key(|report| report.state.rank());
    Coverage { doors }
}

fn switch(door: Door, kind: EntityKind, run: &Run, proofs: &[Proof]) -> DoorReport {
    if let Some(proof) = proofs.iter().find(|proof| proof.entity.kind == kind) {
        return proved(door, proof);
    }
    let by_blueprint = door == Door::AgentIdentity && run.entity.kind == EntityKind::Blueprint;
    let blocked = proofs.iter().find(|proof| proof.closed && by_blueprint);
    match blocked {
        Some(proof) => DoorReport {
            door,
            id: None,
            state: DoorState::Closed,
            until: None,
            proof: format!(
                "every agent of the blueprint is blocked by it; {}",
                proof.evidence
            ),
        },
        None => untouched(door, run),
    }
}

fn agent_users(run: &Run, steps: &[Step], proofs: &[Proof]) -> DoorReport {
    let door = Door::AgentUsers;
    if let Some(proof) = proofs
        .iter()
        .find(|proof| proof.entity.kind == EntityKind::AgentUser)
    {
        return proved(door, proof);
    }
    let looked = steps
        .iter()
        .find(|step| step.plan.action == Action::DisableAgentUser);
    let none = looked.is_some_and(
        |step| matches!(&step.before, Some(Before::Switches { switches }) if switches.is_empty()),
    );
    if none {
        let proof = "looked, and this agent has no user account".to_owned();
        return DoorReport {
            door,
            id: None,
            state: DoorState::Absent,
            until: None,
            proof,
        };
    }
    untouched(door, run)
}

fn proved(door: Door, proof: &Proof) -> DoorReport {
    let state = if proof.closed {
        DoorState::Closed
    } else {
        DoorState::Unverified
    };
    let Entity { id, .. } = proof.entity;
    DoorReport {
        door,
        id: Some(id),
        state,
        until: None,
        proof: proof.evidence.clone(),
    }
}

fn untouched(door: Door, run: &Run) -> DoorReport {
    let proof = if run.mode == Mode::Observe {
        "observe mode: nothing was touched"
    } else {
        "this run did not touch it"
    };
    let state = DoorState::NotChecked;
    DoorReport {
        door,
        id: None,
        state,
        until: None,
        proof: proof.to_owned(),
    }
}

/// No Graph call revokes a token that was issued to a service principal, so it may work until it
/// expires, whatever we did.
fn issued_tokens(bench: &Bench, run: &Run, now: Moment) -> DoorReport {
    let since = run.struck_at.unwrap_or(now);
    DoorReport {
        door: Door::IssuedTokens,
        id: Some(run.entity.id),
        state: DoorState::MayWork,
        until: Some(since.plus(bench.limits.token_lifetime)),
        proof: "Entra cannot take back access tokens it has issued; the time is the configured \
                longest lifetime"
            .to_owned(),
    }
}
