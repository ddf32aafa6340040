//! What every key of a test file is for.

use serde_json::Value;

use super::shapes::Shape;
use super::{Key, map, may, must};
use crate::catalog::asking::QUORUM_MAX;
use crate::catalog::cases::{
    CALLED, CASE, CASES_MAX, DETECTION, Decided, EXPECT, FAULT, FAULTS_MAX, FILE, Mishap,
    NAMES_MAX, PEOPLE, RehearsedMode, Say, TIMES_MAX, TRUTHS, all_actions,
};
use crate::catalog::read::LINE_MAX;
use crate::domain::detection::Severity;
use crate::domain::entity::EntityKind;
use crate::domain::run::RunState;
use crate::domain::step::Outcome;

pub(super) fn schema() -> Value {
    let cases = Shape::List(Box::new(Shape::Map(CASE, case())), CASES_MAX);
    let keys = [
        must("playbook", "Which playbook it proves.", Shape::Name),
        must("cases", "What it must do, and when it stays quiet.", cases),
    ];
    map(&FILE, &keys)
}

fn case() -> Vec<Key> {
    vec![
        must("case", "What this case claims.", Shape::Line(LINE_MAX)),
        may(
            "detection",
            "What is detected.",
            Shape::Map(DETECTION, detection()),
        ),
        may(
            "called",
            "In its place: the playbook is called by an outbreak, the clock or a person.",
            Shape::Map(CALLED, called()),
        ),
        may(
            "faults",
            "What goes wrong between estop and the tenant meanwhile.",
            Shape::List(Box::new(Shape::Map(FAULT, fault())), FAULTS_MAX),
        ),
        may(
            "people",
            "What the leads who are asked say; nobody answers when left out.",
            Shape::Either(
                Box::new(Shape::Word(Say::ALL.map(Say::word).to_vec())),
                Box::new(Shape::Map(PEOPLE, people())),
            ),
        ),
        may(
            "advance",
            "How far the clock is moved once everything has settled.",
            Shape::Time,
        ),
        may(
            "mode",
            "The mode it is rehearsed in; the recommended one when left out.",
            Shape::Word(RehearsedMode::WORDS.to_vec()),
        ),
        must(
            "expect",
            "What must come of it.",
            Shape::Map(EXPECT, expect()),
        ),
    ]
}

fn called() -> Vec<Key> {
    vec![
        must(
            "entity",
            "For whom: a name of the simulated tenant such as invoice-bot, or an id.",
            Shape::Line(LINE_MAX),
        ),
        may(
            "params",
            "What the person said, by parameter.",
            Shape::Named(Box::new(Shape::Either(
                Box::new(Shape::Line(LINE_MAX)),
                Box::new(Shape::Either(
                    Box::new(Shape::Truth),
                    Box::new(Shape::Count(1_000_000)),
                )),
            ))),
        ),
    ]
}

fn detection() -> Vec<Key> {
    vec![
        must("type", "The detection's type.", Shape::Type),
        must(
            "severity",
            "How bad it says it is.",
            Shape::Word(Severity::ALL.map(Severity::word).to_vec()),
        ),
        may("source", "Who says so.", Shape::Source),
        must(
            "entity",
            "Whom it is about: a name of the simulated tenant such as invoice-bot, or an id.",
            Shape::Line(LINE_MAX),
        ),
        may(
            "kind",
            "What that is; what the playbook acts on when left out.",
            Shape::Word(EntityKind::ALL.map(EntityKind::word).to_vec()),
        ),
        may(
            "age",
            "How old it is when it comes, or `unknown`; 1m when left out.",
            Shape::Either(
                Box::new(Shape::Time),
                Box::new(Shape::Word(vec!["unknown"])),
            ),
        ),
        may("confidence", "How sure, in percent.", Shape::Count(100)),
    ]
}

fn people() -> Vec<Key> {
    vec![
        must(
            "say",
            "What they say.",
            Shape::Word(Say::ALL.map(Say::word).to_vec()),
        ),
        may(
            "after",
            "How long they take; they answer at once when left out.",
            Shape::Time,
        ),
        may(
            "count",
            "How many of them answer; as many as the playbook asks when left out.",
            Shape::Count(QUORUM_MAX),
        ),
    ]
}

fn fault() -> Vec<Key> {
    vec![
        must(
            "at",
            "At the calls of this action.",
            Shape::Word(all_actions()),
        ),
        must(
            "goes",
            "What goes wrong.",
            Shape::Word(Mishap::ALL.map(Mishap::word).to_vec()),
        ),
        may(
            "times",
            "How often, or `always`; once when left out.",
            Shape::Either(
                Box::new(Shape::Count(TIMES_MAX)),
                Box::new(Shape::Word(vec!["always"])),
            ),
        ),
    ]
}

fn expect() -> Vec<Key> {
    let truths = Shape::Either(
        Box::new(Shape::Truth),
        Box::new(Shape::Word(vec![TRUTHS[2]])),
    );
    vec![
        must(
            "decision",
            "What triage answers.",
            Shape::Word(Decided::ALL.map(Decided::word).to_vec()),
        ),
        may(
            "state",
            "How the run stands in the end.",
            Shape::Word(RunState::ALL.map(RunState::word).to_vec()),
        ),
        may(
            "steps",
            "How these steps ended.",
            Shape::Each(
                all_actions(),
                Box::new(Shape::Word(Outcome::ALL.map(Outcome::word).to_vec())),
            ),
        ),
        may(
            "attempts",
            "How often these steps were tried.",
            Shape::Each(all_actions(), Box::new(Shape::Count(TIMES_MAX))),
        ),
        may(
            "clauses",
            "What these clauses came to.",
            Shape::Named(Box::new(truths)),
        ),
        may(
            "disabled",
            "Everyone who is disabled in the end, and nobody else.",
            Shape::Texts(NAMES_MAX),
        ),
    ]
}
