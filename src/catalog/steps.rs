//! The steps of a playbook: `- disable_agent`, or `- disable_agent: { optional: true }`.
//!
//! A step is one list item. Options stand under their action, never as an item of their own, and
//! `steps::tests` holds that an item of its own is an error rather than swallowed.

use std::ops::Range;

use super::code::Code;
use super::fault::Faults;
use super::fields::{self, Map, Words};
use super::yaml::{Entry, Node, Shape};
use crate::domain::action::{Action, Undoing};
use crate::domain::entity::EntityKind;
use crate::domain::permission::Profile;
use crate::domain::playbook::{Also, StepSpec};

/// Most steps of one playbook.
pub(super) const STEPS_MAX: usize = 16;

pub(super) const OPTIONS: Words<'static> = Words {
    noun: "option of a step",
    known: &["optional"],
    later: &["within", "reassert_max", "when", "ask"],
};

/// What authors write who want to aim a step themselves.
const NAMES_A_TARGET: [&str; 6] = ["entity", "id", "of", "target", "user", "agent"];

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
            .coded(Code::UnknownWord)
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
    for entry in map.entries() {
        if NAMES_A_TARGET.contains(&entry.key.as_str()) {
            faults
                .error(
                    &entry.key_span,
                    "a target is never taken from what a sender wrote",
                )
                .coded(Code::UntrustedTarget)
                .help("leave it out: a step is done to the playbook's `entity`");
            return None;
        }
    }
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
    let known = actions();
    let words = Words {
        noun: "action",
        known: &known,
        later: &[],
    };
    words.check(word, span, faults).then_some(())?;
    Action::from_word(word)
}

/// The actions an author may write, in the order they are carried out.
pub(super) fn actions() -> Vec<&'static str> {
    Action::ALL
        .into_iter()
        .filter(|action| *action != Action::Verify)
        .map(Action::word)
        .collect()
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
            faults
                .error(span, format!("`{action}` stands here twice"))
                .coded(Code::RepeatedStep);
        }
        seen.push(action);
        if let Some(kind) = kind {
            check_kind(step, kind, also, faults);
        }
        note_profile(step, faults);
        if action.can_be_undone() == Undoing::Never {
            faults
                .note(span, format!("`{action}` cannot be undone"))
                .coded(Code::OneWay);
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
            .coded(Code::MisfitStep)
            .help(format!("it is done to {}", fits.join(" or ")));
    } else if kind == EntityKind::Agent && reaches_users(action) && also.is_empty() {
        faults
            .error(
                span,
                format!("`{action}` reaches the agent's users, not the agent"),
            )
            .coded(Code::MisfitStep)
            .help("add `also: [agent_users]`, which says that they are stopped too");
    }
}

/// Is it done to an agent's user accounts rather than to the agent?
pub(super) fn reaches_users(action: Action) -> bool {
    match action {
        Action::DisableAgentUser | Action::RevokeSessions => true,
        Action::DisableAgent
        | Action::DisableServicePrincipal
        | Action::DisableBlueprint
        | Action::StopInFoundry
        | Action::BlockTools
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
