//! Asking a tree for what must be there, and saying what is there instead.
//!
//! Every question answers `None` after it has reported why, so that a reader goes on and finds the
//! next fault in the same pass.

use std::ops::Range;

use super::code::Code;
use super::fault::Faults;
use super::suggest;
use super::yaml::{Entry, Node, Shape, short};
use crate::domain::moment::Span;

/// A map of the file, under the name people know it by.
pub(super) struct Map<'n> {
    name: &'static str,
    at: Range<usize>,
    entries: &'n [Entry],
}

/// The words that may stand at one place.
pub(super) struct Words<'w> {
    /// What they are, in the singular: `action`.
    pub(super) noun: &'static str,
    /// The ones that are taken.
    pub(super) known: &'w [&'static str],
    /// The ones that will be, and are refused by name until then.
    pub(super) later: &'w [&'static str],
}

impl<'n> Map<'n> {
    /// The node as a map; `at` is where faults of the whole map are shown.
    pub(super) fn of(
        node: &'n Node,
        name: &'static str,
        at: &Range<usize>,
        faults: &mut Faults,
    ) -> Option<Self> {
        match &node.shape {
            Shape::Map(entries) => Some(Self {
                name,
                at: at.clone(),
                entries,
            }),
            other @ (Shape::Text { .. } | Shape::List(_)) => {
                wrong_shape(node, name, "a map", other, faults);
                None
            }
            Shape::Reported => None,
        }
    }

    /// Every key and its value, in order.
    pub(super) fn entries(&self) -> &'n [Entry] {
        self.entries
    }

    /// The value of a key that may be left out.
    pub(super) fn get(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key that must be there.
    pub(super) fn must(&self, key: &str, faults: &mut Faults) -> Option<&'n Entry> {
        let found = self.get(key);
        if found.is_none() {
            faults
                .error(&self.at, format!("`{key}` is missing"))
                .coded(Code::Missing)
                .because(format!("{} needs it", self.name));
        }
        found
    }

    /// Reports every key that is not in `words`.
    pub(super) fn only(&self, words: &Words<'_>, faults: &mut Faults) {
        for entry in self.entries {
            words.check(&entry.key, &entry.key_span, faults);
        }
    }
}

impl Words<'_> {
    /// The known word that stands here.
    pub(super) fn read<'n>(&self, node: &'n Node, faults: &mut Faults) -> Option<&'n str> {
        let word = text(node, self.noun, faults)?;
        self.check(word, &node.span, faults).then_some(word)
    }

    /// Is this one of the known words? Reports it when not.
    pub(super) fn check(&self, word: &str, span: &Range<usize>, faults: &mut Faults) -> bool {
        if self.known.contains(&word) {
            return true;
        }
        if self.later.contains(&word) {
            faults
                .error(span, format!("`{word}` is not supported yet"))
                .coded(Code::NotYet);
            return false;
        }
        let fault = faults
            .error(span, format!("unknown {} `{}`", self.noun, short(word)))
            .coded(Code::UnknownWord);
        match suggest::nearest(word, self.known) {
            Some(meant) => fault.meant(Some(meant)),
            None => fault.help(format!("expected one of {}", self.known.join(", "))),
        };
        false
    }
}

/// The text that stands here; empty and `null` are no text.
pub(super) fn text<'n>(node: &'n Node, name: &str, faults: &mut Faults) -> Option<&'n str> {
    match &node.shape {
        Shape::Text { text, plain } => {
            let nothing =
                text.trim().is_empty() || (*plain && matches!(text.as_str(), "null" | "~"));
            if nothing {
                faults.error(&node.span, format!("{} is empty", quoted(name)));
                return None;
            }
            Some(text)
        }
        other @ (Shape::List(_) | Shape::Map(_)) => {
            wrong_shape(node, name, "a text", other, faults);
            None
        }
        Shape::Reported => None,
    }
}

/// The items that stand here, at most `most`.
pub(super) fn list<'n>(
    node: &'n Node,
    name: &'static str,
    most: usize,
    faults: &mut Faults,
) -> Option<&'n [Node]> {
    match &node.shape {
        Shape::List(items) if items.len() > most => {
            faults.error(&node.span, format!("`{name}` has more than {most} entries"));
            None
        }
        Shape::List(items) => Some(items),
        other @ (Shape::Text { .. } | Shape::Map(_)) => {
            wrong_shape(node, name, "a list", other, faults);
            None
        }
        Shape::Reported => None,
    }
}

/// `true` or `false`, and nothing that merely looks like it.
pub(super) fn truth(node: &Node, name: &str, faults: &mut Faults) -> Option<bool> {
    match (text(node, name, faults)?, &node.shape) {
        ("true", Shape::Text { plain: true, .. }) => Some(true),
        ("false", Shape::Text { plain: true, .. }) => Some(false),
        (other, _) => {
            let what = format!("`{name}` is `{}`, not true or false", short(other));
            faults.error(&node.span, what);
            None
        }
    }
}

/// A whole number from 1 to `most`.
pub(super) fn number(node: &Node, name: &str, most: u32, faults: &mut Faults) -> Option<u32> {
    let text = text(node, name, faults)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(number) if digits && (1..=most).contains(&number) => Some(number),
        Ok(_) | Err(_) => {
            let what = format!("`{name}` is not a number from 1 to {most}");
            faults.error(&node.span, what);
            None
        }
    }
}

/// A length of time within the bounds, with its unit.
pub(super) fn time(
    node: &Node,
    name: &str,
    bounds: (&str, &str),
    faults: &mut Faults,
) -> Option<Span> {
    let text = text(node, name, faults)?;
    let Some(span) = Span::parse(text) else {
        let fault = faults.error(
            &node.span,
            format!("`{name}` is `{}`, not a length of time", short(text)),
        );
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            fault.help(format!(
                "it needs a unit: {text}s, {text}m, {text}h or {text}d"
            ));
        } else {
            fault.help("write one number and one unit: 10s, 60m, 24h or 7d");
        }
        return None;
    };
    let (least, most) = (Span::parse(bounds.0), Span::parse(bounds.1));
    if Some(span) < least || Some(span) > most {
        let what = format!("`{name}` must lie between {} and {}", bounds.0, bounds.1);
        faults.error(&node.span, what);
        return None;
    }
    Some(span)
}

fn wrong_shape(node: &Node, name: &str, want: &str, got: &Shape, faults: &mut Faults) {
    faults.error(
        &node.span,
        format!("{} must be {want}, not {}", quoted(name), got.noun()),
    );
}

/// Names of keys are quoted, descriptions such as `the name of a clause` are not.
fn quoted(name: &str) -> String {
    if name.contains(' ') {
        name.to_owned()
    } else {
        format!("`{name}`")
    }
}
