//! The functions and operators a clause may use; there are no others.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators as op};
use regex::RegexBuilder;

use super::check::Walk;
use super::clause::{NOW, constant, constant_name, pattern_name};
use super::closed::field_named;
use super::code::Code;
use super::facts::Kind;
use super::suggest;
use super::yaml::short;
use crate::domain::moment::Span;

/// Longest pattern of `matches`, in bytes.
const PATTERN_MAX: usize = 200;
/// Most memory one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// Written by CEL around the macros `all` and `exists`.
const NOT_FALSE: &str = op::NOT_STRICTLY_FALSE;

/// The functions an author may write, macros included.
const FUNCTIONS: [&str; 15] = [
    "age",
    "duration",
    "timestamp",
    "has",
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "exists",
    "all",
    "getHours",
    "getDayOfWeek",
    "getDate",
    "getMonth",
];

impl Walk<'_> {
    /// What the call will be, and what is to be evaluated in its place, where that differs.
    pub(super) fn call(&mut self, expr: &IdedExpr, call: &mut CallExpr) -> (Kind, Option<Expr>) {
        let name = call.func_name.clone();
        match (name.as_str(), &mut call.target, call.args.as_mut_slice()) {
            ("duration" | "timestamp", None, [text]) => self.constant(expr, &name, text),
            ("age", None, [time]) => self.age(expr, time),
            ("matches", Some(text), [pattern]) => self.matches(expr, text, pattern),
            (op::INDEX, None, [list, key]) => (self.index(expr, list, key), None),
            (function, Some(target), args) => {
                let target = self.expr(target);
                let args: Vec<Kind> = args.iter_mut().map(|arg| self.expr(arg)).collect();
                (self.method(expr, function, target, &args), None)
            }
            ("size", None, [of]) => {
                let of = self.expr(of);
                (self.method(expr, "size", of, &[]), None)
            }
            (operator, None, args) => {
                let alike = same_field(args);
                self.words(expr, operator, args);
                let args: Vec<Kind> = args.iter_mut().map(|arg| self.expr(arg)).collect();
                if alike && is_comparison(operator) {
                    self.fault(expr, "this compares a field with itself")
                        .coded(Code::Constant);
                }
                (self.operator(expr, operator, &args), None)
            }
        }
    }

    /// `duration("7d")` and `timestamp("2026-01-01T00:00:00Z")` are computed once, here.
    fn constant(&mut self, expr: &IdedExpr, name: &str, text: &IdedExpr) -> (Kind, Option<Expr>) {
        let kind = if name == "duration" {
            Kind::Length
        } else {
            Kind::Time
        };
        let Expr::Literal(LiteralValue::String(written)) = &text.expr else {
            let what = format!("`{name}` needs a text in quotes");
            self.fault_of(expr, name, what);
            return (kind, None);
        };
        // Days are ours: CEL's own longest unit is the hour.
        let ours = Span::parse(written).filter(|_| name == "duration");
        let understood = ours.map_or_else(
            || written.to_string(),
            |span| format!("{}ms", span.0.as_millis()),
        );
        let call = IdedExpr {
            id: expr.id,
            expr: Expr::Call(CallExpr {
                func_name: name.to_owned(),
                target: None,
                args: vec![IdedExpr {
                    id: text.id,
                    expr: Expr::Literal(LiteralValue::String(understood.into())),
                }],
            }),
        };
        let Some(value) = constant(&call) else {
            let what = format!("`{}` is not {}", short(written), kind.noun());
            let example = if kind == Kind::Length {
                "write such as duration(\"24h\") or duration(\"7d\")"
            } else {
                "write such as timestamp(\"2026-01-31T00:00:00Z\")"
            };
            self.fault(text, what).help(example);
            return (kind, None);
        };
        let number = self.found.constants.len();
        self.found.constants.push(value);
        (kind, Some(Expr::Ident(constant_name(number))))
    }

    fn age(&mut self, expr: &IdedExpr, time: &mut IdedExpr) -> (Kind, Option<Expr>) {
        let kind = self.expr(time);
        if !matches!(kind, Kind::Time | Kind::Open) {
            let what = format!("`age` needs a time, and this is {}", kind.noun());
            self.fault_of(expr, "age", what)
                .help("such as age(detection.detected_at)");
        }
        let now = IdedExpr {
            id: expr.id,
            expr: Expr::Ident(NOW.to_owned()),
        };
        let since = CallExpr {
            func_name: op::SUBSTRACT.to_owned(),
            target: None,
            args: vec![now, std::mem::take(time)],
        };
        (Kind::Length, Some(Expr::Call(since)))
    }

    fn matches(
        &mut self,
        expr: &IdedExpr,
        text: &mut IdedExpr,
        pattern: &IdedExpr,
    ) -> (Kind, Option<Expr>) {
        let kind = self.expr(text);
        self.method(expr, "matches", kind, &[Kind::Text]);
        let Expr::Literal(LiteralValue::String(written)) = &pattern.expr else {
            let what = "`matches` needs its pattern in quotes".to_owned();
            self.fault_of(expr, "matches", what);
            return (Kind::Truth, None);
        };
        if written.len() > PATTERN_MAX {
            self.fault(
                pattern,
                format!("this pattern is longer than {PATTERN_MAX} bytes"),
            );
            return (Kind::Truth, None);
        }
        match RegexBuilder::new(written)
            .size_limit(PATTERN_BYTES_MAX)
            .build()
        {
            Ok(compiled) => {
                let number = self.found.patterns.len();
                self.found.patterns.push(compiled);
                let call = CallExpr {
                    func_name: pattern_name(number),
                    target: None,
                    args: vec![std::mem::take(text)],
                };
                (Kind::Truth, Some(Expr::Call(call)))
            }
            Err(_) => {
                self.fault(
                    pattern,
                    "this pattern is not a regular expression we can hold",
                );
                (Kind::Truth, None)
            }
        }
    }

    fn index(&mut self, expr: &IdedExpr, list: &mut IdedExpr, key: &mut IdedExpr) -> Kind {
        match (self.root_of(list), &key.expr) {
            (Some(root), Expr::Literal(LiteralValue::String(name))) => self.field(expr, root, name),
            (_, _) => {
                self.fault(expr, "clauses do not reach into lists by number")
                    .help("use `in`, `exists` or `all`");
                Kind::Open
            }
        }
    }

    fn method(&mut self, expr: &IdedExpr, function: &str, target: Kind, args: &[Kind]) -> Kind {
        use Kind::{List, Number, Open, Text, Time, Truth};
        match (function, target, args) {
            ("size", Text | List | Open, []) => Number,
            ("contains" | "startsWith" | "endsWith" | "matches", Text | Open, [Text | Open]) => {
                Truth
            }
            ("getHours" | "getDayOfWeek" | "getDate" | "getMonth", Time | Open, []) => Number,
            ("getHours" | "getDayOfWeek" | "getDate" | "getMonth", Time | Open, [Text]) => Number,
            (known, _, _) if FUNCTIONS.contains(&known) => {
                let what = format!("`{known}` cannot be asked of {} like this", target.noun());
                self.fault_of(expr, known, what);
                Open
            }
            (unknown, _, _) => self.unknown_function(expr, unknown),
        }
    }

    fn unknown_function(&mut self, expr: &IdedExpr, name: &str) -> Kind {
        let meant = suggest::nearest(name, &FUNCTIONS);
        let what = format!("unknown function `{}`", short(name));
        self.fault_of(expr, name, what)
            .coded(Code::UnknownName)
            .help(format!("there are {}", FUNCTIONS.join(", ")))
            .meant(meant);
        Kind::Open
    }

    fn operator(&mut self, expr: &IdedExpr, operator: &str, args: &[Kind]) -> Kind {
        use Kind::{Length, List, Number, Open, Text, Time, Truth};
        match (operator, args) {
            (op::LOGICAL_AND | op::LOGICAL_OR, [Truth | Open, Truth | Open])
            | (op::LOGICAL_NOT | NOT_FALSE, [Truth | Open]) => Truth,
            (op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT, _) => {
                self.fault(expr, "only conditions can be joined by &&, || and !");
                Truth
            }
            (compare, [left, right]) if is_comparison(compare) => {
                if left != right && *left != Open && *right != Open {
                    let what = format!("cannot compare {} with {}", left.noun(), right.noun());
                    self.fault(expr, what);
                }
                Truth
            }
            (op::CONDITIONAL, [Truth | Open, yes, no]) => {
                if yes == no {
                    *yes
                } else {
                    Open
                }
            }
            (op::IN, [_, List | Open]) => Truth,
            (op::ADD, [Text, Text]) => Text,
            (op::ADD, [List, List]) => List,
            (
                op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO,
                [Number, Number],
            ) => Number,
            (op::NEGATE, [Number]) => Number,
            (op::ADD | op::SUBSTRACT, [Time, Length]) | (op::ADD, [Length, Time]) => Time,
            (op::SUBSTRACT, [Time, Time]) | (op::ADD | op::SUBSTRACT, [Length, Length]) => Length,
            (known, kinds) if is_operator(known) => {
                if !kinds.contains(&Open) {
                    let kinds: Vec<_> = kinds.iter().map(|kind| kind.noun()).collect();
                    let what = format!("this operator does not take {}", kinds.join(" and "));
                    self.fault(expr, what);
                }
                Open
            }
            (known, _) if FUNCTIONS.contains(&known) => {
                let what = format!("`{known}` is not called like this");
                self.fault_of(expr, known, what);
                Open
            }
            (unknown, _) => self.unknown_function(expr, unknown),
        }
    }
}

fn is_comparison(operator: &str) -> bool {
    matches!(
        operator,
        op::EQUALS | op::NOT_EQUALS | op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS
    )
}

/// Operators have names no author can write.
fn is_operator(name: &str) -> bool {
    name.contains('_') && !name.contains(|c: char| c.is_ascii_alphanumeric()) || name == op::IN
}

/// Are these two the same field of the same thing?
fn same_field(args: &[IdedExpr]) -> bool {
    match args {
        [left, right] => field_named(left).is_some_and(|left| Some(left) == field_named(right)),
        _ => false,
    }
}
