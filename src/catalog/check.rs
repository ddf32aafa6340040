//! Is this expression sound, before there is any detection to ask about?
//!
//! Names, functions and kinds are checked against the schema of the facts, so that a typo is told
//! to its author and does not make every night's detections unknown. On the way constants are
//! computed, patterns compiled and `age(x)` written as "now minus x".

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{ComprehensionExpr, Expr, LiteralValue, SelectExpr, SourceInfo};
use cel::common::value::Val;
use regex::Regex;

use super::code::Code;
use super::facts::{Kind, PARAM, ROOTS, fields_of};
use super::fault::{Fault, Faults};
use super::suggest;
use super::written::Written;
use super::yaml::short;

/// Deepest expression tree: what the evaluator can walk on any thread of ours.
const DEPTH_MAX: usize = 40;

/// What else the evaluator needs beside the expression.
pub(super) struct Checked {
    pub(super) constants: Vec<Box<dyn Val>>,
    pub(super) patterns: Vec<Regex>,
    /// Does it name `detection` or `entity` at all?
    pub(super) asks_the_facts: bool,
}

/// Checks and completes the expression; `None` when a fault was found.
pub(super) fn check(
    expr: &mut IdedExpr,
    info: &SourceInfo,
    written: &Written<'_>,
    faults: &mut Faults,
) -> Option<Checked> {
    let mut walk = Walk {
        info,
        written,
        faults,
        found: Checked {
            constants: Vec::new(),
            patterns: Vec::new(),
            asks_the_facts: false,
        },
        locals: Vec::new(),
        depth: 0,
        sound: true,
    };
    let kind = walk.expr(expr);
    if walk.sound && !matches!(kind, Kind::Truth | Kind::Open) {
        let what = format!("a clause must be a condition, and this is {}", kind.noun());
        walk.faults
            .error(&written.span, what)
            .coded(Code::WrongKind);
        return None;
    }
    walk.sound.then_some(walk.found)
}

/// One walk over an expression; `calls` holds the part of it that knows functions and operators.
pub(super) struct Walk<'w> {
    info: &'w SourceInfo,
    written: &'w Written<'w>,
    faults: &'w mut Faults,
    pub(super) found: Checked,
    /// What the macros around us call the element they look at.
    locals: Vec<String>,
    depth: usize,
    sound: bool,
}

impl Walk<'_> {
    /// Reports something about this expression, and remembers that the clause is unsound.
    pub(super) fn fault(&mut self, expr: &IdedExpr, what: impl Into<String>) -> &mut Fault {
        self.sound = false;
        let place = self.written.place(self.part(expr));
        self.faults.error(&place, what).coded(Code::WrongKind)
    }

    /// Reports something about a name beside the expression's own place: CEL puts a call at its
    /// bracket and a field at its dot.
    pub(super) fn fault_of(&mut self, expr: &IdedExpr, name: &str, what: String) -> &mut Fault {
        self.sound = false;
        let text = self.written.text;
        let part = self.part(expr).map(|part| {
            let before = part.start.checked_sub(name.len());
            match before.map(|start| start..part.start) {
                Some(called) if text.get(called.clone()) == Some(name) => called,
                _ if text.get(part.start + 1..part.start + 1 + name.len()) == Some(name) => {
                    part.start + 1..part.start + 1 + name.len()
                }
                _ => part,
            }
        });
        let place = self.written.place(part);
        self.faults.error(&place, what).coded(Code::WrongKind)
    }

    /// Where the expression stands in the clause's text, in bytes. CEL counts characters.
    fn part(&self, expr: &IdedExpr) -> Option<Range<usize>> {
        let (start, stop) = self.info.offset_for(expr.id)?;
        let text = self.written.text;
        let byte = |chars: u32| {
            let nth = usize::try_from(chars).ok()?;
            Some(
                text.char_indices()
                    .nth(nth)
                    .map_or(text.len(), |(at, _)| at),
            )
        };
        Some(byte(start)?..byte(stop.checked_add(1)?)?)
    }

    /// Checks one expression and says what it will be.
    pub(super) fn expr(&mut self, expr: &mut IdedExpr) -> Kind {
        if self.depth == DEPTH_MAX {
            if self.sound {
                self.fault(
                    expr,
                    format!("this clause is nested deeper than {DEPTH_MAX}"),
                );
            }
            return Kind::Open;
        }
        self.depth += 1;
        let kind = self.shallow(expr);
        self.depth -= 1;
        kind
    }

    fn shallow(&mut self, expr: &mut IdedExpr) -> Kind {
        let mut inner = std::mem::take(&mut expr.expr);
        let kind = match &mut inner {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(name) => self.name(expr, name),
            Expr::Select(select) => self.select(expr, select),
            Expr::Call(call) => match self.call(expr, call) {
                (kind, Some(better)) => {
                    inner = better;
                    kind
                }
                (kind, None) => kind,
            },
            Expr::List(list) => {
                for element in &mut list.elements {
                    self.expr(element);
                }
                Kind::List
            }
            Expr::Comprehension(comprehension) => self.comprehension(expr, comprehension),
            Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                self.fault(expr, "maps are not part of clauses");
                Kind::Open
            }
        };
        expr.expr = inner;
        kind
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Kind {
        match literal {
            LiteralValue::Boolean(_) => Kind::Truth,
            LiteralValue::String(_) => Kind::Text,
            LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Kind::Number,
            LiteralValue::Null => {
                self.fault(expr, "no field is ever null")
                    .help("a field the sensor left out is absent: ask `has(detection.confidence)`");
                Kind::Open
            }
            LiteralValue::Bytes(_) => {
                self.fault(expr, "bytes are not part of clauses");
                Kind::Open
            }
        }
    }

    fn name(&mut self, expr: &IdedExpr, name: &str) -> Kind {
        if self.locals.iter().any(|local| local == name) {
            return Kind::Open;
        }
        if ROOTS.contains(&name) {
            let fields = self.fields(name);
            let first = fields.first().map_or("NAME", |(field, _)| field);
            self.fault(expr, format!("`{name}` alone is not a value"))
                .help(format!("name one of its fields: `{name}.{first}`"));
            return Kind::Open;
        }
        let meant = suggest::nearest(name, &ROOTS);
        self.fault(expr, format!("unknown name `{}`", short(name)))
            .coded(Code::UnknownName)
            .help("a clause asks about `detection` and `entity`")
            .meant(meant);
        Kind::Open
    }

    fn select(&mut self, expr: &IdedExpr, select: &mut SelectExpr) -> Kind {
        let kind = match self.root_of(&select.operand) {
            Some(root) => self.field(expr, root, &select.field),
            None => {
                let of = self.expr(&mut select.operand);
                if of != Kind::Open {
                    let what = format!("{} has no field `{}`", of.noun(), short(&select.field));
                    self.fault_of(expr, &select.field, what);
                }
                Kind::Open
            }
        };
        if select.test { Kind::Truth } else { kind }
    }

    /// `detection` or `entity`, where this expression is just that name.
    pub(super) fn root_of(&self, expr: &IdedExpr) -> Option<&'static str> {
        if let Expr::Ident(name) = &expr.expr
            && !self.locals.contains(name)
        {
            return ROOTS.into_iter().find(|root| root == name);
        }
        None
    }

    /// What the field is; reports one that the schema does not have.
    pub(super) fn field(&mut self, expr: &IdedExpr, root: &'static str, name: &str) -> Kind {
        self.found.asks_the_facts = true;
        let fields = self.fields(root);
        if let Some((_, kind)) = fields.iter().find(|(field, _)| *field == name) {
            return *kind;
        }
        let names: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
        let meant = suggest::nearest(name, &names).map(|meant| format!("{root}.{meant}"));
        let what = format!("`{root}` has no field `{}`", short(name));
        let help = if names.is_empty() {
            "name parameters in `trigger: { manual: { NAME: text } }`".to_owned()
        } else {
            format!("it has {}", names.join(", "))
        };
        self.fault_of(expr, name, what)
            .coded(Code::UnknownName)
            .help(help)
            .meant(meant.as_deref());
        Kind::Open
    }

    /// A macro such as `["a", "b"].exists(x, x == detection.source)`, as CEL expands it.
    fn comprehension(&mut self, expr: &IdedExpr, inner: &mut ComprehensionExpr) -> Kind {
        if !self.locals.is_empty() {
            self.fault(expr, "a macro may not stand inside another macro");
            return Kind::Open;
        }
        self.expr(&mut inner.iter_range);
        self.expr(&mut inner.accu_init);
        self.locals = [&inner.iter_var, &inner.accu_var]
            .into_iter()
            .chain(&inner.iter_var2)
            .cloned()
            .collect();
        self.expr(&mut inner.loop_cond);
        self.expr(&mut inner.loop_step);
        let kind = self.expr(&mut inner.result);
        self.locals.clear();
        kind
    }
}

impl<'w> Walk<'w> {
    /// The fields of a root; those of `param` are named by the playbook itself.
    fn fields(&self, root: &str) -> Vec<(&'w str, Kind)> {
        if root == PARAM {
            let named = self.written.params.iter();
            return named
                .map(|(name, kind)| (name.as_str(), Kind::from(*kind)))
                .collect();
        }
        fields_of(root).to_vec()
    }
}
