//! Words that only look right: `detection.severity == "High"` is never true, and nobody is told.
//!
//! Some fields hold one of a few words. A clause that compares such a field with another word, or
//! any field with a literal of another kind in a list, is refused when it is read.

use cel::IdedExpr;
use cel::common::ast::{Expr, LiteralValue, operators as op};

use super::check::Walk;
use super::code::Code;
use super::facts::{Kind, fields_of};
use super::suggest;
use super::trigger::typo_of;
use super::yaml::short;
use crate::domain::detection::Severity;
use crate::domain::entity::EntityKind;

impl Walk<'_> {
    /// Checks the literals a field is compared with; call it before the arguments are rewritten.
    pub(super) fn words(&mut self, expr: &IdedExpr, operator: &str, args: &[IdedExpr]) {
        let [left, right] = args else { return };
        match operator {
            op::EQUALS | op::NOT_EQUALS => {
                self.word(left, right);
                self.word(right, left);
            }
            op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS => {
                let severity = args.iter().any(|arg| field_named(arg) == Some(SEVERITY));
                let number = args
                    .iter()
                    .any(|arg| literal_kind(arg) == Some(Kind::Number));
                if severity && !number {
                    self.fault(expr, "severities are texts here, and have no order")
                        .help("write such as `severity: high+` in `trigger`");
                }
            }
            op::IN => {
                if let Expr::List(list) = &right.expr {
                    for element in &list.elements {
                        self.element(left, element);
                    }
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, of: &IdedExpr, element: &IdedExpr) {
        let field = field_named(of).and_then(|(root, name)| {
            let known = fields_of(root).iter().find(|(field, _)| *field == name);
            known.map(|(_, kind)| *kind)
        });
        match (field, literal_kind(element)) {
            (Some(field), Some(literal)) if field != literal => {
                let what = format!("cannot compare {} with {}", field.noun(), literal.noun());
                self.fault(element, what);
            }
            (_, _) => self.word(of, element),
        }
    }

    fn word(&mut self, field: &IdedExpr, literal: &IdedExpr) {
        let (Some(field), Expr::Literal(LiteralValue::String(word))) =
            (field_named(field), &literal.expr)
        else {
            return;
        };
        let words: Vec<&'static str> = match field {
            SEVERITY => Severity::ALL.map(Severity::word).to_vec(),
            KIND => EntityKind::ALL.map(EntityKind::word).to_vec(),
            TYPE => {
                if let Some(meant) = typo_of(word) {
                    let what = format!("unknown detection type `{}`", short(word));
                    self.fault(literal, what)
                        .coded(Code::MistypedDetection)
                        .meant(Some(meant));
                }
                return;
            }
            _ => return,
        };
        if !words.contains(&&**word) {
            let what = format!("`{}.{}` is never `{}`", field.0, field.1, short(word));
            self.fault(literal, what)
                .help(format!("it is one of {}", words.join(", ")))
                .meant(suggest::nearest(word, &words));
        }
    }
}

const SEVERITY: (&str, &str) = ("detection", "severity");
const TYPE: (&str, &str) = ("detection", "type");
const KIND: (&str, &str) = ("entity", "kind");

/// The name and the field, where the expression is just that.
pub(super) fn field_named(expr: &IdedExpr) -> Option<(&str, &str)> {
    if let Expr::Select(select) = &expr.expr
        && let Expr::Ident(root) = &select.operand.expr
        && !select.test
    {
        return Some((root, &select.field));
    }
    None
}

fn literal_kind(expr: &IdedExpr) -> Option<Kind> {
    let Expr::Literal(literal) = &expr.expr else {
        return None;
    };
    match literal {
        LiteralValue::Boolean(_) => Some(Kind::Truth),
        LiteralValue::String(_) => Some(Kind::Text),
        LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => {
            Some(Kind::Number)
        }
        LiteralValue::Bytes(_) | LiteralValue::Null => None,
    }
}
