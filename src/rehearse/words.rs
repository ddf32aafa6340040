//! Decisions in words. A reason is said by the word it is stored under, so that what is read here
//! and what is found in the record is the same.

use serde_json::Value;

use crate::domain::decision::{ClauseValue, Considered, Truth, Verdict};

/// Why it was decided so, where the verdict says.
pub fn reason(verdict: &Verdict) -> Option<String> {
    let said = serde_json::to_value(verdict).ok()?;
    let because = &said["because"];
    let (word, what) = match because {
        Value::Object(inner) => (inner.get("because")?.as_str()?, inner.get("what")),
        Value::String(word) => (word.as_str(), None),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => return None,
    };
    let word = word.replace('_', " ");
    Some(match what.and_then(Value::as_str) {
        Some(what) => format!("{word} ({what})"),
        None => word,
    })
}

/// The word for a truth.
pub(super) const fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    }
}

/// What kept a playbook from being carried out, if anything did: the trigger's reason, else the
/// last clause that spoke against it.
pub(super) fn against(one: &Considered) -> Option<String> {
    if one.why_not.is_some() {
        return one.why_not.clone();
    }
    let when = one.when.iter().map(|clause| ("when", clause));
    let unless = one.unless.iter().map(|clause| ("unless", clause));
    let mut against = when
        .chain(unless)
        .filter(|(list, clause)| match clause.truth {
            Truth::Unknown => true,
            Truth::True => *list == "unless",
            Truth::False => *list == "when",
        });
    against.next_back().map(|(list, said)| clause(list, said))
}

/// One clause and what it came to.
fn clause(list: &str, clause: &ClauseValue) -> String {
    let because = clause.because.as_deref();
    let because = because.map_or(String::new(), |why| format!(" ({why})"));
    format!("{list}.{} is {}{because}", clause.name, truth(clause.truth))
}
