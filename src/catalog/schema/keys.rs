//! What every key of a playbook is for.

use super::shapes::Shape;
use super::{Key, may, must};
use crate::catalog::{asking, audience, calling, limits, reach, read, trigger, written};

pub(super) fn playbook() -> Vec<Key> {
    let mut keys = called();
    keys.extend(done());
    keys
}

/// What it is, and what calls it.
fn called() -> Vec<Key> {
    vec![
        must(
            "playbook",
            "Its name, and the name of its file.",
            Shape::Name,
        ),
        must(
            "summary",
            "What it does, in one sentence for people.",
            Shape::Line(read::LINE_MAX),
        ),
        may("owner", "Who answers for it.", Shape::Line(read::LINE_MAX)),
        must(
            "trigger",
            "What calls it: every part that is written must hold.",
            Shape::Map(trigger::KEYS, triggers()),
        ),
        may(
            "when",
            "Named conditions in CEL: all must hold.",
            Shape::Clauses,
        ),
        may(
            "unless",
            "Named conditions in CEL: none may hold.",
            Shape::Clauses,
        ),
        may(
            "on_unknown",
            "What happens when nothing speaks against it but a clause cannot be known.",
            Shape::Word(written::ON_UNKNOWN.known.to_vec()),
        ),
        must(
            "entity",
            "The kind of entity it acts on. Which one it is, is read from trusted fields.",
            Shape::Word(reach::ENTITIES.known.to_vec()),
        ),
        may(
            "via",
            "From whom it is reached where a detection does not name it, by the inventory.",
            Shape::Words(reach::VIA.known.to_vec(), reach::VIA.known.len()),
        ),
        may(
            "also",
            "What else is stopped, because the entity's own switch does not reach it.",
            Shape::Words(reach::ALSO.known.to_vec(), reach::ALSO.known.len()),
        ),
    ]
}

/// What it does, and how far it may go.
fn done() -> Vec<Key> {
    vec![
        must(
            "mode",
            "How far it may go by itself.",
            Shape::Word(read::MODES.known.to_vec()),
        ),
        may(
            "recommended",
            "The mode that a quiet week of watching earns it.",
            Shape::Word(read::MODES.known.to_vec()),
        ),
        may(
            "guardrail",
            "Its own cap: above it, runs wait for a person.",
            Shape::Map(limits::GUARDRAIL, guardrail()),
        ),
        may(
            "approval",
            "Whom it asks where it asks, and what silence means.",
            Shape::Map(asking::APPROVAL, approval()),
        ),
        must(
            "steps",
            "What it does. Reading back is the last step of its own accord.",
            Shape::Steps,
        ),
        may(
            "hold",
            "How long what it contained is held, and what then.",
            Shape::Map(limits::HOLD_KEYS, hold()),
        ),
        may(
            "notify",
            "Whom it tells, beside the people on call.",
            Shape::Words(audience::AUDIENCE.known.to_vec(), audience::NOTIFY_MAX),
        ),
    ]
}

fn triggers() -> Vec<Key> {
    vec![
        may("detection", "The detection types it answers.", Shape::Types),
        may(
            "source",
            "The sources it listens to; all of them when left out.",
            Shape::Sources,
        ),
        may(
            "severity",
            "`high` means exactly high, `high+` means high and worse.",
            Shape::Band,
        ),
        may(
            "together",
            "It takes so many of one blueprint within a window.",
            Shape::Map(calling::TOGETHER, together()),
        ),
        may(
            "schedule",
            "The clock calls it: five cron fields in UTC, such as 0 6 * * 1.",
            Shape::Line(100),
        ),
        may(
            "find",
            "What the clock looks for in the inventory.",
            Shape::Word(calling::FIND.known.to_vec()),
        ),
        may(
            "within",
            "How long before its end a credential counts as expiring, such as 30d.",
            Shape::Time,
        ),
        may(
            "manual",
            "People call it, with these parameters: what each must be.",
            Shape::Named(Box::new(Shape::Word(calling::PARAM_KINDS.known.to_vec()))),
        ),
    ]
}

fn together() -> Vec<Key> {
    vec![
        may(
            "agents",
            "How many different agents; one that shouts counts once.",
            Shape::Count(calling::LEAST_MAX),
        ),
        may(
            "detections",
            "How many detections, of one agent too.",
            Shape::Count(calling::LEAST_MAX),
        ),
        must("within", "The window, such as 10m.", Shape::Time),
    ]
}

fn guardrail() -> Vec<Key> {
    vec![
        must(
            "entities_max",
            "Most entities contained within the window.",
            Shape::Count(limits::ENTITIES_MAX),
        ),
        may(
            "blueprints_max",
            "Most blueprints contained without a person within the window; none when left out.",
            Shape::Count(limits::BLUEPRINTS_MAX),
        ),
        must("window", "The window, such as 10m.", Shape::Time),
        must(
            "on_breach",
            "What happens above it.",
            Shape::Word(limits::ON_BREACH.known.to_vec()),
        ),
    ]
}

fn approval() -> Vec<Key> {
    vec![
        must(
            "from",
            "The groups whose leads decide.",
            Shape::Texts(asking::GROUPS_MAX),
        ),
        may(
            "quorum",
            "How many distinct people must agree; one when left out.",
            Shape::Count(asking::QUORUM_MAX),
        ),
        must(
            "within",
            "How long they are asked, such as 60m.",
            Shape::Time,
        ),
        must(
            "on_timeout",
            "What silence means for a provisional containment.",
            Shape::Word(asking::ON_TIMEOUT.known.to_vec()),
        ),
        may(
            "offer_smaller",
            "Is less offered where less would do?",
            Shape::Truth,
        ),
    ]
}

fn hold() -> Vec<Key> {
    vec![
        must("for", "How long, such as 7d.", Shape::Time),
        must(
            "then",
            "What happens when that time is over.",
            Shape::Word(limits::THEN.known.to_vec()),
        ),
        may(
            "reassert_max",
            "How often within an hour it is closed again when someone opens it.",
            Shape::Count(limits::REASSERT_MAX),
        ),
    ]
}

pub(super) fn options() -> Vec<Key> {
    vec![may(
        "optional",
        "Does the run still count as contained when this step fails?",
        Shape::Truth,
    )]
}
