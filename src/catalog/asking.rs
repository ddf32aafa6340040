//! Whom a playbook asks, and what it may not do without an answer.

use super::code::Code;
use super::fault::Faults;
use super::fields::{self, Map, Words};
use super::steps::Placed;
use super::yaml::{Entry, short};
use crate::domain::approval::{ApprovalTerms, OnTimeout};
use crate::domain::person::GroupName;
use crate::domain::playbook::{HoldFor, HoldThen, Mode};

/// Most groups one playbook asks.
pub(super) const GROUPS_MAX: usize = 16;
/// Most people one playbook asks for.
pub(super) const QUORUM_MAX: u32 = 9;
/// Shortest and longest time people are asked.
pub(super) const WITHIN: (&str, &str) = ("1m", "7d");

pub(super) const APPROVAL: Words<'static> = Words {
    noun: "key in `approval`",
    known: &["from", "quorum", "within", "on_timeout", "offer_smaller"],
    later: &[],
};
pub(super) const ON_TIMEOUT: Words<'static> = Words {
    noun: "answer to silence",
    known: &["undo", "keep"],
    later: &[],
};

/// Reads `approval`.
pub(super) fn approval(entry: &Entry, faults: &mut Faults) -> Option<ApprovalTerms> {
    let map = Map::of(&entry.value, "approval", &entry.key_span, faults)?;
    map.only(&APPROVAL, faults);
    let from = map.must("from", faults).and_then(|e| from(e, faults));
    let quorum = match map.get("quorum") {
        Some(e) => fields::number(&e.value, "quorum", QUORUM_MAX, faults),
        None => Some(1),
    };
    let within = map
        .must("within", faults)
        .and_then(|e| fields::time(&e.value, "within", WITHIN, faults));
    let on_timeout = on_timeout(&map, entry, faults);
    let offer_smaller = match map.get("offer_smaller") {
        Some(e) => fields::truth(&e.value, "offer_smaller", faults),
        None => Some(true),
    };
    Some(ApprovalTerms {
        from: from?,
        quorum: quorum?,
        within: within?,
        on_timeout: on_timeout?,
        offer_smaller: offer_smaller?,
    })
}

/// Automation asks nobody in particular, so a group must be named.
fn from(entry: &Entry, faults: &mut Faults) -> Option<Vec<GroupName>> {
    let items = fields::list(&entry.value, "from", GROUPS_MAX, faults)?;
    if items.is_empty() {
        faults
            .error(&entry.value.span, "`from` names nobody who could answer")
            .help("name a group of approvers: `from: [soc-leads]`");
        return None;
    }
    let read: Vec<_> = items
        .iter()
        .map(|item| {
            let word = fields::text(item, "a group", faults)?;
            let name = GroupName::new(word);
            if name.is_none() {
                let what = format!("`{}` is not the name of a group", short(word));
                faults
                    .error(&item.span, what)
                    .help("one is 1 to 64 lower-case letters, digits and `-`");
            }
            name
        })
        .collect();
    read.into_iter().collect()
}

/// There is no default: silence must be decided by the author.
fn on_timeout(map: &Map<'_>, whole: &Entry, faults: &mut Faults) -> Option<OnTimeout> {
    let Some(entry) = map.get("on_timeout") else {
        faults
            .error(
                &whole.key_span,
                "this approval does not say what happens when nobody answers",
            )
            .coded(Code::Missing)
            .because("`on_timeout` is missing")
            .help(
                "add `on_timeout: keep` (what was contained stays so) or `on_timeout: undo` (it \
                 is put back); what was asked for first is not done either way",
            );
        return None;
    };
    OnTimeout::from_word(ON_TIMEOUT.read(&entry.value, faults)?)
}

/// The modes a playbook may come to run in, each with the key that says so.
pub(super) type Modes<'m> = [(&'m str, Option<Mode>); 3];

/// Whoever asks must say whom.
pub(super) fn check_approval(map: &Map<'_>, modes: &Modes<'_>, faults: &mut Faults) {
    let asks = |mode: &Option<Mode>| matches!(mode, Some(Mode::Ask | Mode::Provisional));
    let first = modes.iter().find(|(_, mode)| asks(mode));
    match (first, map.get("approval")) {
        (Some((key, Some(mode))), None) => {
            let Some(entry) = map.get(key) else { return };
            faults
                .error(
                    &entry.value.span,
                    format!("`{key}: {mode}` asks, and does not say whom"),
                )
                .coded(Code::AsksNobody)
                .because("`approval` is missing")
                .help(
                    "add `approval: { from: [GROUP], quorum: 1, within: 60m, on_timeout: keep }`",
                );
        }
        (None, Some(entry)) if map.get("guardrail").is_none() => {
            faults
                .warning(&entry.key_span, "nothing in this playbook asks")
                .coded(Code::AsksNobody);
        }
        (_, _) => {}
    }
}

/// What is contained provisionally must be something that can be put back.
pub(super) fn check_provisional(
    map: &Map<'_>,
    modes: &Modes<'_>,
    steps: &[Placed<'_>],
    faults: &mut Faults,
) {
    let contains = steps.iter().any(|step| step.spec().action.contains());
    let first = modes
        .iter()
        .find(|(_, mode)| *mode == Some(Mode::Provisional));
    if let (Some((key, _)), false) = (first, contains)
        && let Some(entry) = map.get(key)
    {
        faults
            .error(
                &entry.value.span,
                "nothing in this playbook can be contained provisionally",
            )
            .coded(Code::NoWayBack)
            .because("every step has no way back, so it is held back until a person keeps it")
            .help("add a step that disables something, or write `ask`");
    }
}

/// A hold that ends by itself must be able to end by itself; it must hold something, and not end
/// before people have answered.
pub(super) fn check_hold(
    map: &Map<'_>,
    (hold, approval): (HoldFor, Option<&ApprovalTerms>),
    (modes, steps): (&Modes<'_>, &[Placed<'_>]),
    faults: &mut Faults,
) {
    if !steps.iter().any(|step| step.spec().action.contains())
        && let Some(entry) = map.get("hold")
    {
        faults
            .error(&entry.key_span, "nothing in this playbook is held")
            .coded(Code::NothingHeld)
            .because("no step of it disables anything")
            .help("add a step that disables something, or leave `hold` out");
    }
    let provisional = modes
        .iter()
        .any(|(_, mode)| *mode == Some(Mode::Provisional));
    if let (true, Some(approval), Some(entry)) = (provisional, approval, map.get("hold"))
        && hold.span.0 <= approval.within.0
    {
        faults
            .error(
                &entry.value.span,
                "the hold is over before people have answered",
            )
            .coded(Code::HoldTooShort)
            .because(format!(
                "it ends after {}, and people are asked for {}",
                hold.span, approval.within
            ))
            .help("hold for longer than `approval.within`");
    }
    if hold.then != HoldThen::Undo {
        return;
    }
    for step in steps {
        let action = step.spec().action;
        if action.waits_for_keep() {
            faults
                .error(
                    step.span(),
                    format!("`{action}` has no way back that needs no person"),
                )
                .coded(Code::NoWayBack)
                .because("`hold` ends with `then: undo`")
                .help("write `then: ask`, or leave this step out");
        }
    }
}

/// Whatever always needs people's approval cannot stand in a playbook that acts without asking.
pub(super) fn check_always(steps: &[Placed<'_>], modes: &Modes<'_>, faults: &mut Faults) {
    for step in steps.iter().filter(|step| step.spec().action.always_asks()) {
        for (key, mode) in modes {
            let asks = match mode {
                Some(Mode::Observe | Mode::Ask) | None => true,
                Some(Mode::Provisional | Mode::Enforce) => false,
            };
            if !asks {
                let action = step.spec().action;
                let what = format!("`{action}` always needs people's approval");
                faults
                    .error(step.span(), what)
                    .coded(Code::MustAsk)
                    .help(format!("write `{key}: ask`"));
            }
        }
    }
}
