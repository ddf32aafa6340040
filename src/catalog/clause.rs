//! A named condition: compiled once from a file, then asked about each detection.
//!
//! CEL's parser can overflow the stack of whoever calls it, and a stack overflow ends the whole
//! process, so a text is measured before it is parsed, and parsed on a thread with room (threat
//! P03). CEL's evaluator has no cost limit, so `check` bounds what an expression may hold.

use std::sync::{Arc, LazyLock};

use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, IdedExpr, Value};
use regex::Regex;

use super::check;
use super::code::Code;
use super::facts::{Facts, PARAM, val};
use super::fault::Faults;
use super::written::Written;
use super::yaml::short;
use crate::domain::decision::{ClauseValue, Truth};
use crate::domain::detection::Severity;
use crate::domain::entity::EntityKind;
use crate::domain::playbook::ClauseText;

/// Longest expression, in bytes.
pub(super) const TEXT_MAX: usize = 2_000;
/// Deepest brackets, counted before anything is parsed.
const BRACKETS_MAX: usize = 24;
/// What CEL's parser is told to stop at.
const RECURSION_MAX: u16 = 32;
/// Room for CEL's parser, whose frames are large.
const STACK_BYTES: usize = 16 * 1024 * 1024;
/// Longest reason kept for an unknown value, in characters.
const BECAUSE_MAX: usize = 200;

/// The moment `age()` counts from; no author can write this name.
pub(super) const NOW: &str = "@now";

static ENV: LazyLock<Arc<Env>> =
    LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// A compiled condition. Evaluating it allocates little and cannot fail: it may be unknown.
pub struct Clause {
    text: ClauseText,
    expr: IdedExpr,
    constants: Vec<Box<dyn Val>>,
    patterns: Vec<Regex>,
}

impl Clause {
    /// As the author wrote it.
    pub fn text(&self) -> &ClauseText {
        &self.text
    }

    /// What it comes to on these facts. A missing field is unknown, never false; anything that
    /// goes wrong is unknown too, and says why.
    pub fn value(&self, facts: &Facts) -> ClauseValue {
        let (truth, because) = match self.resolve(Some(facts)) {
            Ok(Value::Bool(true)) => (Truth::True, None),
            Ok(Value::Bool(false)) => (Truth::False, None),
            Ok(other) => (Truth::Unknown, Some(format!("it is a {}", other.type_of()))),
            Err(error) => (Truth::Unknown, Some(reason(&error))),
        };
        ClauseValue {
            name: self.text.name.clone(),
            text: self.text.text.clone(),
            truth,
            because,
        }
    }

    /// Is it the same whatever is detected? It is asked with nothing known, and with nothing known
    /// but every closed word in turn; `has` would mistake that silence for an answer.
    fn is_constant(&self) -> bool {
        let answer = |facts: Option<&Facts>| match self.resolve(facts) {
            Ok(Value::Bool(answer)) => Some(answer),
            Ok(_) | Err(_) => None,
        };
        if answer(None).is_some() {
            return true;
        }
        if self.text.text.contains("has(") {
            return false;
        }
        let mut answers = Severity::ALL.into_iter().flat_map(|severity| {
            EntityKind::ALL.map(|kind| answer(Some(&Facts::only_words(severity, kind))))
        });
        let first = answers.next().flatten();
        first.is_some() && answers.all(|other| other == first)
    }

    fn resolve(&self, facts: Option<&Facts>) -> Result<Value, ExecutionError> {
        let scope = Scope {
            facts,
            constants: &self.constants,
        };
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.set_variable_resolver(&scope);
        for (number, pattern) in self.patterns.iter().enumerate() {
            let pattern = pattern.clone();
            let matches = move |text: Arc<String>| pattern.is_match(&text);
            // The names are ours alone, so no declaration is in the way.
            let _ = context.add_function(&pattern_name(number), matches);
        }
        Value::resolve(&self.expr, &context)
    }
}

fn reason(error: &ExecutionError) -> String {
    if let ExecutionError::NoSuchKey(field) = error {
        return format!("`{field}` is not known");
    }
    let shown = error.to_string();
    shown.chars().take(BECAUSE_MAX).collect()
}

/// What the names in one clause stand for.
struct Scope<'a> {
    facts: Option<&'a Facts>,
    constants: &'a [Box<dyn Val>],
}

impl VariableResolver for Scope<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(number) = variable.strip_prefix('@').and_then(|n| n.parse().ok()) {
            return self
                .constants
                .get::<usize>(number)
                .map(|constant| CowVal::Borrowed(constant.as_ref()));
        }
        let facts = self.facts?;
        match variable {
            "detection" => Some(CowVal::Borrowed(facts.detection.as_ref())),
            "entity" => Some(CowVal::Borrowed(facts.entity.as_ref())),
            PARAM => Some(CowVal::Borrowed(facts.params.as_ref())),
            NOW => Some(CowVal::Borrowed(facts.now.as_ref())),
            _ => None,
        }
    }
}

/// The name a clause's nth constant goes by.
pub(super) fn constant_name(number: usize) -> String {
    format!("@{number}")
}

/// The name of the function that stands for a clause's nth pattern.
pub(super) fn pattern_name(number: usize) -> String {
    format!("@matches{number}")
}

/// What a constant call such as `duration("24h")` comes to, if it is sound.
pub(super) fn constant(call: &IdedExpr) -> Option<Box<dyn Val>> {
    let context = Context::with_env(Arc::clone(&ENV));
    Value::resolve(call, &context).ok().map(val)
}

/// Compiles every clause of a file, on one thread with room. `None` where one has a fault.
pub(super) fn compile(written: &[Written<'_>], faults: &mut Faults) -> Option<Vec<Clause>> {
    if written.is_empty() {
        return Some(Vec::new());
    }
    let fallback = written[0].span.clone();
    let compiled = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("clauses".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || {
                let all: Vec<_> = written.iter().map(|one| compile_one(one, faults)).collect();
                all.into_iter().collect::<Option<Vec<_>>>()
            })
            .ok()
            .and_then(|thread| thread.join().ok())
    });
    compiled.unwrap_or_else(|| {
        faults
            .error(&fallback, "this clause could not be compiled")
            .coded(Code::NotAnExpression);
        None
    })
}

fn compile_one(written: &Written<'_>, faults: &mut Faults) -> Option<Clause> {
    if let Some(what) = too_much(written.text) {
        faults
            .error(&written.span, what)
            .coded(Code::NotAnExpression);
        return None;
    }
    let parser = ENV
        .parser()
        .max_recursion_depth(RECURSION_MAX)
        .error_recovery_limit(1);
    let (mut expr, info) = match parser.parse_with_source_info(written.text) {
        Ok(parsed) => parsed,
        Err(errors) => {
            not_an_expression(written, &errors, faults);
            return None;
        }
    };
    let checked = check::check(&mut expr, &info, written, faults)?;
    let clause = Clause {
        text: ClauseText {
            name: written.name.to_owned(),
            text: written.text.to_owned(),
        },
        expr,
        constants: checked.constants,
        patterns: checked.patterns,
    };
    if !checked.asks_the_facts || clause.is_constant() {
        faults
            .error(&written.span, "this clause is the same for every detection")
            .coded(Code::Constant)
            .help("leave it out, or ask about `detection` or `entity`");
        return None;
    }
    Some(clause)
}

/// Why this text may not even be parsed.
fn too_much(text: &str) -> Option<String> {
    if text.len() > TEXT_MAX {
        return Some(format!("this clause is longer than {TEXT_MAX} bytes"));
    }
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > BRACKETS_MAX {
            return Some(format!("brackets are nested deeper than {BRACKETS_MAX}"));
        }
    }
    None
}

fn not_an_expression(written: &Written<'_>, errors: &cel::ParseErrors, faults: &mut Faults) {
    let first = errors.errors.first();
    let part = first.and_then(|error| {
        let (line, column) = error.pos;
        let column = usize::try_from(column).ok()?.checked_sub(1)?;
        let at = written.text.char_indices().nth(column).map(|(at, _)| at);
        let at = at.unwrap_or(written.text.len()).min(written.text.len());
        (line == 1 && !written.text.is_empty()).then(|| at..(at + 1).min(written.text.len()))
    });
    let why = first.map_or("it cannot be read", |error| error.msg.as_str());
    let why = why.lines().next().unwrap_or_default();
    let why = why.strip_prefix("Syntax error: ").unwrap_or(why);
    // What the parser would have liked instead is a list of every sign there is.
    let why = why.split(" expecting ").next().unwrap_or(why);
    faults
        .error(&written.place(part), "this clause is not an expression")
        .coded(Code::NotAnExpression)
        .because(short(why));
}
