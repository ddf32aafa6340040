//! `NAME.test.yaml`: what a playbook must do, and when it must stay quiet.
//!
//! A case says what is detected, what goes wrong meanwhile, and what must come of it. `rehearse`
//! plays it on the simulated tenant; here it is only read, with the same eyes as a playbook.

mod called;
mod expect;
mod people;
mod read;
mod words;

use std::collections::BTreeMap;

pub(super) use expect::{NAMES_MAX, TRUTHS};
pub(super) use read::all_actions;
pub use read::read_cases;

use super::fields::Words;
use crate::domain::action::Action;
use crate::domain::decision::Truth;
use crate::domain::detection::{DetectionType, Severity, SourceName};
use crate::domain::entity::EntityKind;
use crate::domain::moment::Span;
use crate::domain::playbook::PlaybookName;
use crate::domain::run::RunState;
use crate::domain::step::Outcome;

/// Most cases in one file.
pub const CASES_MAX: usize = 100;
/// Most faults in one case.
pub(super) const FAULTS_MAX: usize = 16;
/// Most times one fault strikes, unless it always does.
pub(super) const TIMES_MAX: u32 = 1_000;
/// Shortest and longest `advance`, and oldest `age`.
pub(super) const ADVANCE: (&str, &str) = ("1s", "30d");

pub(super) const FILE: Words<'static> = Words {
    noun: "key of a test file",
    known: &["playbook", "cases"],
    later: &[],
};
pub(super) const CASE: Words<'static> = Words {
    noun: "key of a case",
    known: &[
        "case",
        "detection",
        "called",
        "faults",
        "people",
        "advance",
        "mode",
        "expect",
    ],
    later: &[],
};
pub(super) const DETECTION: Words<'static> = Words {
    noun: "key in `detection`",
    known: &[
        "type",
        "severity",
        "source",
        "entity",
        "kind",
        "age",
        "confidence",
    ],
    later: &[],
};
pub(super) const CALLED: Words<'static> = Words {
    noun: "key in `called`",
    known: &["entity", "params"],
    later: &[],
};
pub(super) const FAULT: Words<'static> = Words {
    noun: "key of a fault",
    known: &["at", "goes", "times"],
    later: &[],
};
pub(super) const PEOPLE: Words<'static> = Words {
    noun: "key in `people`",
    known: &["say", "after", "count"],
    later: &[],
};
pub(super) const EXPECT: Words<'static> = Words {
    noun: "key in `expect`",
    known: &[
        "decision", "state", "steps", "attempts", "clauses", "disabled",
    ],
    later: &[],
};

/// A test file, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cases {
    /// Which playbook it is about.
    pub playbook: PlaybookName,
    /// In the order of the file; never empty.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it claims.
    pub name: String,
    /// Where it stands in its file, counted from 1.
    pub line: usize,
    /// What is detected.
    pub said: Said,
    /// The parameters, where the playbook is called in our own name and `said` only says for whom.
    pub called: Option<BTreeMap<String, String>>,
    /// What goes wrong meanwhile.
    pub faults: Vec<Injected>,
    /// What people answer, where they are asked and somebody does.
    pub people: Option<People>,
    /// How far the clock is moved once everything has settled.
    pub advance: Option<Span>,
    /// In which mode the playbook is rehearsed.
    pub mode: RehearsedMode,
    /// What must come of it.
    pub expect: Expected,
}

/// What a case detects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its type.
    pub detection_type: DetectionType,
    /// How bad.
    pub severity: Severity,
    /// Who says so.
    pub source: SourceName,
    /// Whom it is about: a name of the simulated tenant, or an object id.
    pub entity: String,
    /// What that is, where it is not what the playbook acts on.
    pub kind: Option<EntityKind>,
    /// How old it is when it comes; `None` when the sensor does not say.
    pub age: Option<Span>,
    /// How sure, where the sensor says so.
    pub confidence: Option<u8>,
}

/// In which mode a playbook is rehearsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearsedMode {
    /// In the mode it recommends: what it is meant to do in the end.
    AsRecommended,
    /// In the mode its file says.
    AsWritten,
}

/// Something that goes wrong between us and the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// 429, with a second to wait.
    Throttled,
    /// 403.
    Refused,
    /// 503.
    Unavailable,
    /// It takes effect, and nobody hears of it.
    AnswerLost,
    /// No connection.
    Unreachable,
    /// 204 without effect.
    NoEffect,
    /// Reads show the old state for a while.
    Stale,
}

/// What people say in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct People {
    /// What each of them says.
    pub say: Say,
    /// How long they take.
    pub after: Option<Span>,
    /// How many of them answer; `None` means as many as are asked.
    pub count: Option<u32>,
}

/// A person's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// Yes.
    Approve,
    /// No.
    Deny,
}

/// A fault of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injected {
    /// At the calls of this action.
    pub at: Action,
    /// What goes wrong.
    pub goes: Mishap,
    /// How often; `None` means always.
    pub times: Option<u32>,
}

/// What triage must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// The playbook is carried out.
    Respond,
    /// The playbook is carried out, and people keep it or let it end.
    Provisional,
    /// It is carried out with `act` standing still.
    Observe,
    /// A person is asked.
    AskFirst,
    /// Nothing follows.
    StandDown,
}

/// What must come of a case. What is left out may be anything, save that a case which expects
/// nothing to be carried out also expects that the tenant saw no write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What triage must answer.
    pub decision: Decided,
    /// How the run must stand in the end.
    pub state: Option<RunState>,
    /// How these steps must have ended.
    pub steps: BTreeMap<Action, Outcome>,
    /// How often these steps must have been tried.
    pub attempts: BTreeMap<Action, u32>,
    /// What these clauses must have come to.
    pub clauses: BTreeMap<String, Truth>,
    /// Everyone who must have been disabled in the end, by name, and nobody else.
    pub disabled: Option<Vec<String>>,
}

impl Cases {
    /// Does a case show the playbook act by itself?
    pub fn has_action(&self) -> bool {
        self.cases.iter().any(|case| case.expect.decision.acts())
    }

    /// Does a case show people agree, and the playbook carried out?
    pub fn has_approval(&self) -> bool {
        let agreed = |case: &Case| case.agrees() && !case.expect.decision.acts();
        self.cases.iter().any(agreed)
    }

    /// Does a case show the playbook act, ask or watch?
    pub fn has_positive(&self) -> bool {
        let acts = |case: &Case| case.expect.decision != Decided::StandDown;
        self.cases.iter().any(acts)
    }

    /// Does a case show the playbook stay quiet?
    pub fn has_negative(&self) -> bool {
        let quiet = |case: &Case| case.expect.decision == Decided::StandDown;
        self.cases.iter().any(quiet)
    }
}

impl Case {
    /// Do people say yes in it?
    pub fn agrees(&self) -> bool {
        self.people.is_some_and(|people| people.say == Say::Approve)
    }
}
