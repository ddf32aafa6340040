//! Where the comments of a file stand. The tree does not hold them.

use std::collections::VecDeque;
use std::ops::Range;

use crate::catalog::yaml::{Node, Shape};

/// One comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    /// Its line, counted from 0.
    pub(super) line: usize,
    /// How many characters stand before it.
    pub(super) column: usize,
    /// With its `#`, without spaces behind it.
    pub(super) text: String,
    /// Does it stand alone in its line?
    pub(super) alone: bool,
}

/// The comments that are not written yet, in order.
pub(super) struct Comments(VecDeque<Comment>);

impl Comments {
    pub(super) fn of(text: &str, root: &Node) -> Self {
        let mut scalars = Vec::new();
        spans(root, &mut scalars);
        let mut found = VecDeque::new();
        let mut start = 0;
        for (line, content) in text.split('\n').enumerate() {
            if let Some(at) = begins(content, start, &scalars) {
                found.push_back(Comment {
                    line,
                    column: content[..at].chars().count(),
                    text: content[at..].trim_end().to_owned(),
                    alone: content[..at].trim().is_empty(),
                });
            }
            start += content.len() + 1;
        }
        Self(found)
    }

    /// Those that stand alone above this line, in order.
    pub(super) fn above(&mut self, line: usize) -> Vec<Comment> {
        let mut above = Vec::new();
        while let Some(first) = self.0.front() {
            if first.line >= line || !first.alone {
                break;
            }
            above.extend(self.0.pop_front());
        }
        above
    }

    /// The one that ends this line.
    pub(super) fn ending(&mut self, line: usize) -> Option<Comment> {
        let first = self.0.front()?;
        (first.line == line && !first.alone)
            .then(|| self.0.pop_front())
            .flatten()
    }

    /// Does one stand on any of these lines?
    pub(super) fn any_on(&self, lines: Range<usize>) -> bool {
        self.0.iter().any(|comment| lines.contains(&comment.line))
    }

    /// Those that are left.
    pub(super) fn rest(&mut self) -> Vec<Comment> {
        self.0.drain(..).collect()
    }

    /// What they say.
    pub(super) fn texts(self) -> Vec<String> {
        self.0.into_iter().map(|comment| comment.text).collect()
    }
}

/// Where in this line a comment begins: at a `#` that stands first or behind a space, and in no
/// scalar.
fn begins(line: &str, start: usize, scalars: &[Range<usize>]) -> Option<usize> {
    let signs = line.match_indices('#').map(|(at, _)| at);
    let mut signs = signs.filter(|at| *at == 0 || line[..*at].ends_with([' ', '\t']));
    signs.find(|at| !scalars.iter().any(|span| span.contains(&(start + at))))
}

fn spans(node: &Node, found: &mut Vec<Range<usize>>) {
    match &node.shape {
        Shape::Text { .. } => found.push(node.span.clone()),
        Shape::List(items) => items.iter().for_each(|item| spans(item, found)),
        Shape::Map(entries) => {
            for entry in entries {
                found.push(entry.key_span.clone());
                spans(&entry.value, found);
            }
        }
        Shape::Reported => {}
    }
}
