//! Whom a playbook reaches: the kind it acts on, what is stopped with it, and whether that is capped.

use super::asking::Modes;
use super::code::Code;
use super::fault::Faults;
use super::fields::{self, Map, Words};
use super::steps::{self, Placed};
use super::yaml::{Entry, Shape};
use crate::domain::entity::EntityKind;
use crate::domain::playbook::{Also, Guardrail, Mode};
use crate::domain::trigger::{Call, Reach, Trigger};

pub(super) const ENTITIES: Words<'static> = Words {
    noun: "entity kind",
    known: &[
        "agent",
        "agent_user",
        "blueprint",
        "service_principal",
        "user",
    ],
    later: &[],
};
pub(super) const VIA: Words<'static> = Words {
    noun: "way",
    known: &[
        Reach::Agent.word(),
        Reach::AgentUser.word(),
        Reach::Owner.word(),
        Reach::Sponsor.word(),
        Reach::Maker.word(),
        Reach::Consent.word(),
    ],
    later: &[],
};
pub(super) const ALSO: Words<'static> = Words {
    noun: "addition",
    known: &["agent_users"],
    later: &[],
};

/// A playbook names a kind; which entity it is, the reader finds in trusted fields (threat P06).
pub(super) fn entity(entry: &Entry, faults: &mut Faults) -> Option<EntityKind> {
    if let Shape::Text { text, .. } = &entry.value.shape
        && text.contains(['.', '{', '$', '[', '*'])
    {
        faults
            .error(
                &entry.value.span,
                "a target is never taken from what a sender wrote",
            )
            .coded(Code::UntrustedTarget)
            .because("this is no kind of entity")
            .help(format!(
                "name a kind, one of {}: which entity it is, estop reads from trusted fields",
                ENTITIES.known.join(", ")
            ));
        return None;
    }
    EntityKind::from_word(ENTITIES.read(&entry.value, faults)?)
}

/// Reads `also`.
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
    if let Some(
        kind @ (EntityKind::AgentUser
        | EntityKind::Blueprint
        | EntityKind::ServicePrincipal
        | EntityKind::User),
    ) = kind
    {
        faults
            .error(
                &entry.key_span,
                format!("`also` adds nothing to entity `{kind}`"),
            )
            .coded(Code::UnusedAlso)
            .help("only an `agent` has users beside it: leave the key out");
    }
    Some(items.iter().map(|_| Also::AgentUsers).collect())
}

/// Reads `via`: from whom the entity is reached where a detection does not name it.
pub(super) fn via(
    map: &Map<'_>,
    kind: Option<EntityKind>,
    faults: &mut Faults,
) -> Option<Vec<Reach>> {
    let Some(entry) = map.get("via") else {
        return Some(Vec::new());
    };
    let items = fields::list(&entry.value, "via", VIA.known.len(), faults)?;
    let mut ways = Vec::new();
    for item in items {
        let way = Reach::from_word(VIA.read(item, faults)?)?;
        if let Some(kind) = kind.filter(|kind| !way.leads_to(*kind)) {
            let ways = Reach::ALL.into_iter().filter(|way| way.leads_to(kind));
            let ways: Vec<&str> = ways.map(Reach::word).collect();
            let help = match ways.as_slice() {
                [] => "leave `via` out: a detection must name it".to_owned(),
                ways => format!("it is reached by {}", ways.join(", ")),
            };
            faults
                .error(&item.span, format!("no `{kind}` is reached by `{way}`"))
                .coded(Code::MisfitTrigger)
                .help(help);
            return None;
        }
        ways.push(way);
    }
    Some(ways)
}

/// What a trigger and a way say about the kind of entity, and about how far the playbook may go.
pub(super) fn check_call(
    map: &Map<'_>,
    (trigger, entity, via): (&Trigger, EntityKind, &[Reach]),
    modes: &Modes<'_>,
    faults: &mut Faults,
) {
    let Some(at) = map.get("entity") else { return };
    let misfit = match &trigger.call {
        Call::Together(_) if entity != EntityKind::Blueprint => {
            Some("detections are counted by blueprint: write `entity: blueprint`".to_owned())
        }
        Call::Schedule { find, .. } if !find.fits(entity) => {
            let fits = EntityKind::ALL.into_iter().filter(|kind| find.fits(*kind));
            let fits: Vec<_> = fits.map(|kind| format!("`{kind}`")).collect();
            Some(format!("`{find}` is said of {}", fits.join(" or ")))
        }
        Call::Each | Call::Together(_) | Call::Schedule { .. } | Call::Manual { .. } => None,
    };
    if let Some(help) = misfit {
        faults
            .error(
                &at.value.span,
                format!("this trigger calls for no `{entity}`"),
            )
            .coded(Code::MisfitTrigger)
            .help(help);
    }
    if let (false, Call::Schedule { .. } | Call::Manual { .. }, Some(via)) =
        (via.is_empty(), &trigger.call, map.get("via"))
    {
        faults
            .error(&via.key_span, "nothing is reached where no detection calls")
            .coded(Code::MisfitTrigger)
            .help("leave `via` out");
    }
    let proposes = via.iter().any(|way| way.only_proposes()) || trigger.together().is_some();
    let acts = |mode: &Option<Mode>| matches!(mode, Some(Mode::Provisional | Mode::Enforce));
    if let (true, Some((key, _))) = (proposes, modes.iter().find(|(_, mode)| acts(mode)))
        && let Some(entry) = map.get(key)
    {
        faults
            .error(
                &entry.value.span,
                "what is reached here is only ever proposed",
            )
            .coded(Code::OnlyProposed)
            .because("the detection names someone else")
            .help(format!("write `{key}: ask`"));
    }
}

/// Warns of an addition that no step reaches.
pub(super) fn unused_also(map: &Map<'_>, steps: &[Placed<'_>], also: &[Also], faults: &mut Faults) {
    let used = steps
        .iter()
        .any(|step| steps::reaches_users(step.spec().action));
    if let (Some(entry), false, false) = (map.get("also"), also.is_empty(), used) {
        faults
            .warning(&entry.key_span, "no step reaches the agent's users")
            .coded(Code::UnusedAlso)
            .help("add `- disable_agent_user`, or leave `also` out");
    }
}

/// What a playbook without a guardrail may not do, or should not.
pub(super) fn guarded(
    map: &Map<'_>,
    (mode, entity): (Option<Mode>, Option<EntityKind>),
    faults: &mut Faults,
) {
    let help = "add `guardrail: { entities_max: 5, window: 10m, on_breach: ask }`";
    if let (Some(EntityKind::Blueprint), Some(entry)) = (entity, map.get("entity")) {
        faults
            .error(
                &entry.value.span,
                "this playbook may stop any number of agents",
            )
            .coded(Code::Uncapped)
            .because("one blueprint is the switch of all its agents")
            .help(help);
    } else if let (Some(Mode::Enforce), Some(entry)) = (mode, map.get("mode")) {
        faults
            .warning(
                &entry.value.span,
                "this playbook enforces without a guardrail",
            )
            .coded(Code::Unguarded)
            .help(help);
    }
}

/// A word about blueprints where none is reached, and a playbook that would contain one by itself
/// without such a word: it would always wait for a person.
pub(super) fn blueprints(
    map: &Map<'_>,
    guardrail: Guardrail,
    (entity, modes): (Option<EntityKind>, &[(&str, Option<Mode>)]),
    faults: &mut Faults,
) {
    let Some(entry) = map.get("guardrail") else {
        return;
    };
    let alone = modes
        .iter()
        .any(|(_, mode)| matches!(mode, Some(Mode::Provisional | Mode::Enforce)));
    match (entity, guardrail.blueprints_max) {
        (Some(EntityKind::Blueprint), None) if alone => {
            faults
                .warning(
                    &entry.value.span,
                    "every run of this playbook waits for a person",
                )
                .coded(Code::Uncapped)
                .because("a blueprint is contained without a person only where `blueprints_max` says so")
                .help("add `blueprints_max: 1`, and set `automatic_blueprints` in the configuration; or write `mode: ask`");
        }
        (Some(EntityKind::Blueprint), _) | (_, None) => {}
        (_, Some(_)) => {
            faults
                .warning(
                    &entry.value.span,
                    "no blueprint is contained by this playbook",
                )
                .coded(Code::Uncapped)
                .help("leave `blueprints_max` out");
        }
    }
}
