//! Was what came what was expected? Every difference is said, not only the first.

use super::rehearsal::Played;
use super::words;
use crate::catalog::{Case, Decided};
use crate::domain::action::Action;
use crate::domain::decision::Decision;
use crate::domain::step::{Outcome, Step};

/// One difference between what a case expects and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What it is about: `decision`, `state`, `steps.disable_agent`.
    pub what: String,
    /// As the case says.
    pub expected: String,
    /// As it was.
    pub got: String,
    /// Why it was so, where that is known.
    pub hint: Option<String>,
}

impl Mismatch {
    fn new(what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            expected: expected.into(),
            got: got.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

pub(super) fn mismatches(case: &Case, played: &Played) -> Vec<Mismatch> {
    let mut wrong = Vec::new();
    wrong.extend(decision(case, played));
    wrong.extend(state(case, played));
    wrong.extend(steps(case, played));
    wrong.extend(clauses(case, played));
    wrong.extend(disabled(case, played));
    wrong.extend(quiet(case, played));
    wrong
}

fn decision(case: &Case, played: &Played) -> Option<Mismatch> {
    let got = Decided::of(&played.decision.verdict);
    let expected = case.expect.decision;
    (got != expected)
        .then(|| Mismatch::new("decision", expected.word(), got.word()).hint(why(&played.decision)))
}

/// Why triage answered so, in one line.
fn why(decision: &Decision) -> Option<String> {
    let reason = words::reason(&decision.verdict);
    let said = decision.considered.first().and_then(words::against);
    match (reason, said) {
        (Some(reason), Some(said)) => Some(format!("{reason}: {said}")),
        (reason, said) => reason.or(said),
    }
}

fn state(case: &Case, played: &Played) -> Option<Mismatch> {
    let expected = case.expect.state?;
    let got = played.run.as_ref().map(|run| run.state);
    (got != Some(expected)).then(|| {
        let shown = got.map_or("no run", |state| state.word());
        let because = played.run.as_ref().and_then(|run| run.because.clone());
        Mismatch::new("state", expected.word(), shown).hint(because)
    })
}

fn steps(case: &Case, played: &Played) -> Vec<Mismatch> {
    let of = |action: Action| {
        let mut steps = played.steps.iter();
        steps.find(|step| step.plan.action == action)
    };
    let outcomes = case.expect.steps.iter().filter_map(|(action, expected)| {
        let step = of(*action);
        let got = step.and_then(|step| step.outcome);
        (got != Some(*expected)).then(|| {
            Mismatch::new(format!("steps.{action}"), expected.word(), outcome(step))
                .hint(step.and_then(|step| step.evidence.clone()))
        })
    });
    let attempts = case
        .expect
        .attempts
        .iter()
        .filter_map(|(action, expected)| {
            let got = of(*action).map_or(0, |step| step.attempts);
            (got != *expected).then(|| {
                let what = format!("attempts.{action}");
                Mismatch::new(what, expected.to_string(), got.to_string())
            })
        });
    outcomes.chain(attempts).collect()
}

fn outcome(step: Option<&Step>) -> &'static str {
    match step {
        None => "no such step",
        Some(step) => step.outcome.map_or("not ended", Outcome::word),
    }
}

fn clauses(case: &Case, played: &Played) -> Vec<Mismatch> {
    let considered = played.decision.considered.first();
    let all = || {
        considered
            .iter()
            .flat_map(|one| one.when.iter().chain(&one.unless))
    };
    let wrong = case.expect.clauses.iter().filter_map(|(name, expected)| {
        let got = all().find(|clause| clause.name == *name);
        let truth = got.map(|clause| clause.truth);
        (truth != Some(*expected)).then(|| {
            let shown = truth.map_or("not asked", words::truth);
            Mismatch::new(format!("clauses.{name}"), words::truth(*expected), shown)
                .hint(got.and_then(|clause| clause.because.clone()))
        })
    });
    wrong.collect()
}

fn disabled(case: &Case, played: &Played) -> Option<Mismatch> {
    let mut expected = case.expect.disabled.clone()?;
    expected.sort();
    (expected != played.disabled)
        .then(|| Mismatch::new("disabled", list(&expected), list(&played.disabled)))
}

/// Who expects nothing to be carried out expects that nothing was written, said or not.
fn quiet(case: &Case, played: &Played) -> Option<Mismatch> {
    let acts = case.expect.decision.acts() || case.agrees();
    (!acts && !played.writes.is_empty())
        .then(|| Mismatch::new("writes", "none", list(&played.writes)))
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}
