//! The clauses of a playbook as they stand in its file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::clause::{self, Clause};
use super::code::Code;
use super::fault::Faults;
use super::fields::{self, Map, Words};
use super::yaml::{Entry, short};
use crate::domain::name::is_name;
use crate::domain::param::ParamKind;
use crate::domain::playbook::Mode;

/// Most clauses of one playbook, `when` and `unless` together.
pub(super) const CLAUSES_MAX: usize = 16;

pub(super) const ON_UNKNOWN: Words<'static> = Words {
    noun: "answer to the unknown",
    known: &["observe", "ask", "provisional"],
    later: &[],
};

/// A clause as it stands in the file.
pub(super) struct Written<'n> {
    /// What the author calls it.
    pub(super) name: &'n str,
    /// The expression.
    pub(super) text: &'n str,
    /// Where the whole scalar stands.
    pub(super) span: Range<usize>,
    /// Where the expression's first byte stands, when the file shows it letter by letter.
    pub(super) first: Option<usize>,
    /// The parameters it may ask about.
    pub(super) params: &'n BTreeMap<String, ParamKind>,
}

impl Written<'_> {
    /// The place in the file of a part of the expression, or of the whole.
    pub(super) fn place(&self, part: Option<Range<usize>>) -> Range<usize> {
        match (self.first, part) {
            (Some(first), Some(part)) if part.end <= self.text.len() => {
                first + part.start..first + part.end
            }
            _ => self.span.clone(),
        }
    }
}

/// The compiled `when` and `unless`, which may ask about these parameters.
pub(super) fn clauses(
    map: &Map<'_>,
    params: &BTreeMap<String, ParamKind>,
    faults: &mut Faults,
) -> Option<(Vec<Clause>, Vec<Clause>)> {
    let when = written((map.get("when"), "when"), params, faults);
    let unless = written((map.get("unless"), "unless"), params, faults);
    let (mut all, unless) = (when?, unless?);
    let count = all.len();
    all.extend(unless);
    if let Some(one) = all.get(CLAUSES_MAX) {
        let what = format!("this playbook has more than {CLAUSES_MAX} clauses");
        faults.error(&one.span, what);
        return None;
    }
    let mut compiled = clause::compile(&all, faults)?;
    let unless = compiled.split_off(count);
    Some((compiled, unless))
}

/// What the playbook does when a clause cannot be known; to observe where it has none.
pub(super) fn on_unknown(map: &Map<'_>, faults: &mut Faults) -> Option<Mode> {
    let first = map.get("when").or_else(|| map.get("unless"));
    let said = match map.get("on_unknown") {
        Some(entry) => Mode::from_word(ON_UNKNOWN.read(&entry.value, faults)?),
        None => Some(Mode::Observe),
    };
    match (first, map.get("on_unknown")) {
        (Some(_), Some(_)) | (None, None) => {}
        (Some(clauses), None) => {
            faults
                .error(
                    &clauses.key_span,
                    "this playbook does not say what an unknown clause means",
                )
                .coded(Code::UnknownUnsaid)
                .because("`on_unknown` is missing")
                .help("add `on_unknown: observe`: what cannot be known is watched, not contained");
        }
        (None, Some(entry)) => {
            faults
                .warning(&entry.key_span, "`on_unknown` says nothing without clauses")
                .coded(Code::PointlessUnknown);
        }
    }
    said
}

fn written<'n>(
    (entry, key): (Option<&'n Entry>, &'static str),
    params: &'n BTreeMap<String, ParamKind>,
    faults: &mut Faults,
) -> Option<Vec<Written<'n>>> {
    let text = Arc::clone(faults.text());
    let Some(entry) = entry else {
        return Some(Vec::new());
    };
    let map = Map::of(&entry.value, key, &entry.key_span, faults)?;
    if map.entries().is_empty() {
        faults.error(&entry.key_span, format!("`{key}` names no clause"));
    }
    let read: Vec<_> = map
        .entries()
        .iter()
        .map(|clause| {
            clause_name(clause, faults);
            let expression = fields::text(&clause.value, "the expression", faults)?;
            Some(Written {
                name: &clause.key,
                text: expression,
                span: clause.value.span.clone(),
                first: first_byte(&text, &clause.value.span, expression),
                params,
            })
        })
        .collect();
    read.into_iter().collect()
}

fn clause_name(clause: &Entry, faults: &mut Faults) {
    if !is_name(&clause.key, &['_']) {
        let what = format!("`{}` is not the name of a clause", short(&clause.key));
        faults
            .error(&clause.key_span, what)
            .help("one is 1 to 64 lower-case letters, digits and `_`");
    }
}

/// Where the expression begins in the file, if the file shows it letter by letter: plain, or in
/// quotes without escapes. Folded and escaped texts have no such place.
fn first_byte(file: &str, span: &Range<usize>, expression: &str) -> Option<usize> {
    let raw = file.get(span.clone())?;
    let quoted = raw
        .get(1..raw.len().saturating_sub(1))
        .is_some_and(|inner| inner == expression);
    match raw {
        plain if plain.trim_end() == expression => Some(span.start),
        _ if quoted => Some(span.start + 1),
        _ => None,
    }
}
