//! A plan in sentences. They claim what a switch does, and no more.

use super::find::Looked;
use super::plan::Found;
use crate::domain::action::{Action, Undoing};
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::moment::Moment;
use crate::domain::plan::Plan;
use crate::domain::playbook::Also;
use crate::graph::Enabled;

/// What stops, one sentence each.
pub(super) fn stops(looked: &Looked, also: &[Also]) -> Vec<String> {
    let Found { entity, .. } = looked.found;
    let named = called(&looked.found);
    let family = &looked.family;
    let mut lines = match entity.kind {
        EntityKind::Agent => vec![format!("{named} gets no new tokens")],
        EntityKind::AgentUser => {
            vec![format!(
                "{named} cannot sign in, and its sessions are revoked"
            )]
        }
        EntityKind::Blueprint => {
            let enabled = family.iter().filter(|agent| agent.enabled).count();
            let count = family.len();
            vec![format!(
                "{named}: none of its {count} agent(s) gets a new token ({enabled} enabled now)"
            )]
        }
        EntityKind::ServicePrincipal | EntityKind::User => Vec::new(),
    };
    if also.contains(&Also::AgentUsers) {
        lines.extend(
            family
                .iter()
                .map(|user| format!("{} cannot sign in", called(user))),
        );
    }
    lines
}

/// What does not stop, one sentence each. `until` is when the last token issued so far ends.
pub(super) fn not_stopped(looked: &Looked, also: &[Also], until: Moment) -> Vec<String> {
    let mut lines = vec![format!(
        "access tokens already issued: may still work, until {until} at the latest"
    )];
    let entity = looked.found.entity;
    let users_left = entity.kind == EntityKind::Agent && !also.contains(&Also::AgentUsers);
    if users_left && !looked.family.is_empty() {
        lines.push(format!("{} user account(s) of it", looked.family.len()));
    }
    if entity.kind == EntityKind::AgentUser {
        lines.push("the agent itself, which has a switch of its own".to_owned());
    }
    if entity.kind == EntityKind::Blueprint {
        lines.push("user accounts of its agents, which have switches of their own".to_owned());
    }
    lines.push("sessions in Foundry or Copilot Studio; keys it uses outside Entra".to_owned());
    lines.push("its owners and Entra administrators, who can enable it again".to_owned());
    lines
}

/// The way back, one sentence for each action.
pub(super) fn way_back(plan: &Plan, found: &Found) -> Vec<String> {
    let steps = plan.steps.iter().filter(|step| step.action.contains());
    let exact = steps.count() > 0;
    let mut lines = Vec::new();
    if exact {
        let was = switched(found.enabled.into());
        lines.push(format!(
            "exact: each switch is put back to what it was ({} was {was})",
            called(found)
        ));
    }
    for step in &plan.steps {
        match step.action.can_be_undone() {
            Undoing::ByVerdict => lines.push(format!(
                "{}: you choose what Entra is told: safe, dismiss or leave",
                words(step.action)
            )),
            Undoing::Never => lines.push(format!("{}: cannot be undone", words(step.action))),
            Undoing::Exact | Undoing::Nothing => {}
        }
    }
    lines
}

/// An action as people read it.
pub(super) fn words(action: Action) -> String {
    action.word().replace('_', " ")
}

/// An object as people read it: kind, name where there is one, and always the whole GUID.
pub(super) fn called(found: &Found) -> String {
    let Entity { kind, id } = found.entity;
    let kind = kind.word().replace('_', " ");
    match &found.name {
        Some(name) => format!("{kind} {name} ({id})"),
        None => format!("{kind} {id}"),
    }
}

pub(super) const fn switched(enabled: Enabled) -> &'static str {
    match enabled {
        Enabled::Yes => "enabled",
        Enabled::No => "disabled",
    }
}
