//! The steps of a playbook: `- disable_agent`, or `- disable_agent: { optional: true }`.
//!
//! A step is one list item. Options stand under their action, never as an item of their own, and
//! `steps::tests` holds that an item of its own is an error rather than swallowed.

use std::ops::Range;

use super::fault::Faults;
use super::fields::{self, Map, Words};
use super::yaml::{Entry, Node, Shape};
use crate::domain::action::{Action, Undoing};
use crate::domain::entity::EntityKind;
use crate::domain::permission::Profile;
use crate::domain::playbook::{Also, StepSpec};

/// Most steps of one playbook.
const STEPS_MAX: usize = 16;

const OPTIONS: Words<'static> = Words {
    noun: "option of a step",
    known: &["optional"],
    later: &["within", "reassert_max", "when", "ask"],
};

const ALSO: Words<'static> = Words {
    noun: "addition",
    known: &["agent_users"],
    later: &[],
};

/// A step and where it stands.
pub(super) struct Placed<'n> {
    spec: StepSpec,
    node: &'n Node,
}

impl Placed<'_> {
    /// The step without its place.
    pub(super) fn spec(&self) -> StepSpec {
        self.spec
    }

    /// Where it stands.
    pub(super) fn span(&self) -> &Range<usize> {
        &self.node.span
    }
}

/// Reads `steps`; each item on its own, so that every fault is told.
pub(super) fn read<'n>(entry: &'n Entry, faults: &mut Faults) -> Option<Vec<Placed<'n>>> {
    let items = fields::list(&entry.value, "steps", STEPS_MAX, faults)?;
    if items.is_empty() {
        faults.error(
            &entry.key_span,
            "`steps` is empty: this playbook does nothing",
        );
        return None;
    }
    let read: Vec<_> = items.iter().map(|item| one(item, faults)).collect();
    read.into_iter().collect()
}

fn one<'n>(node: &'n Node, faults: &mut Faults) -> Option<Placed<'n>> {
    match &node.shape {
        Shape::Text { text, .. } => {
            let action = action(text, &node.span, faults)?;
            let spec = StepSpec {
                action,
                optional: false,
            };
            Some(Placed { spec, node })
        }
        Shape::Map(entries) => with_options(entries, node, faults),
        Shape::List(_) => {
            faults.error(&node.span, "a step must be an action, not a list");
            None
        }
        Shape::Reported => None,
    }
}

fn with_options<'n>(
    entries: &'n [Entry],
    node: &'n Node,
    faults: &mut Faults,
) -> Option<Placed<'n>> {
    let [entry] = entries else {
        faults
            .error(&node.span, "a step must name exactly one action")
            .help("begin each action with its own `- `");
        return None;
    };
    if OPTIONS.known.contains(&entry.key.as_str()) {
        faults
            .error(&entry.key_span, format!("`{}` is not an action", entry.key))
            .help(format!(
                "write it under its action: `- disable_agent: {{ {}: true }}`",
                entry.key
            ));
        return None;
    }
    let action = action(&entry.key, &entry.key_span, faults);
    let map = Map::of(
        &entry.value,
        "what follows an action",
        &entry.key_span,
        faults,
    )?;
    map.only(&OPTIONS, faults);
    let optional = match map.get("optional") {
        Some(option) => fields::truth(&option.value, "optional", faults)?,
        None => false,
    };
    let spec = StepSpec {
        action: action?,
        optional,
    };
    Some(Placed { spec, node })
}

fn action(word: &str, span: &Range<usize>, faults: &mut Faults) -> Option<Action> {
    if word == Action::Verify.word() {
        faults
            .error(span, "`verify` is not written as a step")
            .help("it is the last step of its own accord wherever something is disabled");
        return None;
    }
    let known: Vec<&'static str> = Action::ALL
        .into_iter()
        .filter(|action| *action != Action::Verify)
        .map(Action::word)
        .collect();
    let words = Words {
        noun: "action",
        known: &known,
        later: &Action::LATER,
    };
    words.check(word, span, faults).then_some(())?;
    Action::from_word(word)
}

/// Checks the steps against each other and against what the playbook acts on.
pub(super) fn check(
    steps: &[Placed<'_>],
    kind: Option<EntityKind>,
    also: &[Also],
    faults: &mut Faults,
) {
    let mut seen: Vec<Action> = Vec::new();
    for step in steps {
        let (action, span) = (step.spec.action, &step.node.span);
        if seen.contains(&action) {
            faults.error(span, format!("`{action}` stands here twice"));
        }
        seen.push(action);
        if let Some(kind) = kind {
            check_kind(step, kind, also, faults);
        }
        note_profile(step, faults);
        if action.can_be_undone() == Undoing::Never {
            faults.note(span, format!("`{action}` cannot be undone"));
        }
    }
}

fn check_kind(step: &Placed<'_>, kind: EntityKind, also: &[Also], faults: &mut Faults) {
    let (action, span) = (step.spec.action, &step.node.span);
    if !action.fits(kind) {
        let fits: Vec<String> = EntityKind::ALL
            .into_iter()
            .filter(|kind| action.fits(*kind))
            .map(|kind| format!("`{kind}`"))
            .collect();
        faults
            .error(
                span,
                format!("`{action}` cannot be done to entity `{kind}`"),
            )
            .help(format!("it is done to {}", fits.join(" or ")));
    } else if kind == EntityKind::Agent && reaches_users(action) && also.is_empty() {
        faults
            .error(
                span,
                format!("`{action}` reaches the agent's users, not the agent"),
            )
            .help("add `also: [agent_users]`, which says that they are stopped too");
    }
}

/// Is it done to an agent's user accounts rather than to the agent?
fn reaches_users(action: Action) -> bool {
    match action {
        Action::DisableAgentUser | Action::RevokeSessions => true,
        Action::DisableAgent
        | Action::DisableServicePrincipal
        | Action::DisableBlueprint
        | Action::StopInFoundry
        | Action::ConfirmCompromised
        | Action::TagEntity
        | Action::QuarantineInRegistry
        | Action::RemoveCredential
        | Action::RemoveGrant
        | Action::RemoveAppRole
        | Action::RemoveRole
        | Action::RemoveAccessPackage
        | Action::RestoreBlueprint
        | Action::Verify => false,
    }
}

/// Reads `also`, which only an agent can have.
pub(super) fn also(
    map: &Map<'_>,
    kind: Option<EntityKind>,
    faults: &mut Faults,
) -> Option<Vec<Also>> {
    let Some(entry) = map.get("also") else {
        return Some(Vec::new());
    };
    let items = fields::list(&entry.value, "also", ALSO.known.len(), faults)?;
    for item in items {
        ALSO.read(item, faults)?;
    }
    if let Some(kind @ (EntityKind::AgentUser | EntityKind::Blueprint)) = kind {
        faults
            .error(
                &entry.key_span,
                format!("`also` adds nothing to entity `{kind}`"),
            )
            .help("only an `agent` has users beside it: leave the key out");
    }
    Some(items.iter().map(|_| Also::AgentUsers).collect())
}

/// Warns about an `also` that no step uses.
pub(super) fn unused_also(map: &Map<'_>, steps: &[Placed<'_>], also: &[Also], faults: &mut Faults) {
    let used = steps.iter().any(|step| reaches_users(step.spec().action));
    if let (Some(entry), false, false) = (map.get("also"), also.is_empty(), used) {
        faults
            .warning(&entry.key_span, "no step reaches the agent's users")
            .help("add `- disable_agent_user`, or leave `also` out");
    }
}

/// Says which steps need more than the default permission profile.
fn note_profile(step: &Placed<'_>, faults: &mut Faults) {
    let (action, needed) = (step.spec.action, step.spec.action.profile());
    if needed != Profile::Agents {
        faults.note(
            &step.node.span,
            format!("`{action}` needs `tenant: {{ profile: {needed} }}` in estop.yaml"),
        );
    }
}
