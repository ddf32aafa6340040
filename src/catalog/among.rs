//! Playbooks among each other: on one entity only the strongest is carried out, so a file that is
//! added may take the place of another. Nobody should find that out at night.

use super::code::Code;
use super::fault::{Fault, Level};
use super::lint::{Read, at_key};
use super::read::Loaded;
use crate::domain::detection::Severity;
use crate::domain::playbook::{Call, Mode, Playbook, SeverityBand};

/// Two playbooks that the same detections call in the same mode: only the first by name is ever
/// carried out, so a file that is added may weaken what was there.
pub(super) fn forestalled((name, one): &Read, set: &[Read]) -> Option<Fault> {
    let (_, first) = set
        .iter()
        .find(|(_, other)| other.playbook.name < one.playbook.name && forestalls(other, one))?;
    let what = format!(
        "`{}` forestalls this playbook wherever both are called",
        first.playbook.name
    );
    let mut fault = at_key((name, one), "trigger", Level::Warning, &what);
    fault
        .coded(Code::Forestalled)
        .because("they answer the same detections in the same mode")
        .help("join them, or tell them apart by `source` or `severity`");
    Some(fault)
}

fn forestalls(first: &Loaded, second: &Loaded) -> bool {
    let meant = |one: &Playbook| (one.mode, one.recommended);
    let (first, second) = (&first.playbook, &second.playbook);
    meant(first) == meant(second) && meet(first, second)
}

/// A playbook that is carried out in the place of another one, and leaves out what that does.
pub(super) fn weakening((name, one): &Read, set: &[Read]) -> Option<Fault> {
    let (other, left_out) = set.iter().find_map(|(_, other)| {
        let other = &other.playbook;
        let stands_in = stands_in(&one.playbook, other);
        let left_out = left_out(&one.playbook, other);
        let weakens = stands_in && meet(&one.playbook, other) && !left_out.is_empty();
        weakens.then_some((other, left_out))
    })?;
    let what = format!(
        "where both are called, this playbook takes the place of `{}` and does less",
        other.name
    );
    let mut fault = at_key((name, one), "steps", Level::Warning, &what);
    fault
        .coded(Code::Weakened)
        .because(format!("it leaves out {}", left_out.join(", ")))
        .help("add the steps here, or tell the two apart by `source` or `severity`");
    Some(fault)
}

/// Is the first carried out where both are called, as they are written or as they recommend? The
/// higher mode goes first, then the first by name. In observe mode nothing is done that could be
/// less.
fn stands_in(first: &Playbook, second: &Playbook) -> bool {
    let goes_first = |mode: fn(&Playbook) -> Mode| {
        let (mine, theirs) = (mode(first), mode(second));
        let by_name = mine == theirs && first.name < second.name;
        mine > Mode::Observe && (mine > theirs || by_name)
    };
    goes_first(|one| one.mode) || goes_first(|one| one.recommended.unwrap_or(one.mode))
}

/// The steps of the second that the first does not do.
fn left_out(first: &Playbook, second: &Playbook) -> Vec<&'static str> {
    let does = |action| first.steps.iter().any(|step| step.action == action);
    let theirs = second.steps.iter().map(|step| step.action);
    theirs
        .filter(|action| !does(*action))
        .map(crate::domain::action::Action::word)
        .collect()
}

/// Is there a detection about an entity that calls both?
fn meet(first: &Playbook, second: &Playbook) -> bool {
    let (a, b) = (&first.trigger, &second.trigger);
    let by_detections = a.call == Call::Each && b.call == Call::Each;
    let types = a.detection.iter().any(|one| b.detection.contains(one));
    let anyone = a.source.is_empty() || b.source.is_empty();
    let sources = anyone || a.source.iter().any(|one| b.source.contains(one));
    let severities = Severity::ALL.into_iter().any(|severity| {
        let takes = |band: Option<SeverityBand>| band.is_none_or(|band| band.takes(severity));
        takes(a.severity) && takes(b.severity)
    });
    by_detections && first.entity == second.entity && types && sources && severities
}
