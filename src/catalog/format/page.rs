//! Writing a tree down again, with its comments.

use super::comments::{Comment, Comments};
use crate::catalog::yaml::{Entry, Node, Shape};

/// The longest line that braces and brackets may make.
const LINE_MAX: usize = 100;
/// What one level is moved in by.
const STEP: usize = 2;

/// A page that is being written.
pub(super) struct Page<'t> {
    text: &'t str,
    comments: Comments,
    lines: Vec<String>,
}

impl<'t> Page<'t> {
    pub(super) fn new(text: &'t str, root: &Node) -> Self {
        Self {
            text,
            comments: Comments::of(text, root),
            lines: Vec::new(),
        }
    }

    /// The whole file with its keys in this order, or `None` where something has no one form.
    pub(super) fn whole(mut self, root: &Node, order: &[&str]) -> Option<String> {
        let Shape::Map(entries) = &root.shape else {
            return None;
        };
        // What stands above the first key is about the file, and stays on top of it.
        let first = entries.first()?;
        self.above(first.key_span.start, 0);
        let head = std::mem::take(&mut self.lines);
        let mut blocks = Vec::new();
        for entry in entries {
            self.entry(entry, 0)?;
            let rank = order.iter().position(|key| *key == entry.key);
            let rank = rank.unwrap_or(order.len());
            blocks.push((rank, std::mem::take(&mut self.lines)));
        }
        blocks.sort_by_key(|(rank, _)| *rank);
        let foot = self.comments.rest();
        let body = blocks.into_iter().flat_map(|(_, lines)| lines);
        let foot = foot.into_iter().map(|comment| comment.text);
        let mut all: Vec<String> = head.into_iter().chain(body).chain(foot).collect();
        while all.first().is_some_and(String::is_empty) {
            all.remove(0);
        }
        Some(all.join("\n") + "\n")
    }

    /// The empty line that the author left above, at most one, and the comments above.
    fn above(&mut self, start: usize, indent: usize) {
        let line = self.line(start);
        let comments = self.comments.above(line);
        let first = comments.first().map_or(line, |comment| comment.line);
        if first > 0 && self.is_empty(first - 1) {
            self.lines.push(String::new());
        }
        let margin = " ".repeat(indent);
        for comment in &comments {
            self.lines.push(format!("{margin}{}", comment.text));
        }
    }

    fn entry(&mut self, entry: &Entry, indent: usize) -> Option<()> {
        self.above(entry.key_span.start, indent);
        let key = self.raw(&entry.key_span)?;
        self.value(format!("{}{key}:", " ".repeat(indent)), entry, indent)
    }

    /// What follows `head`, which ends in the key's colon.
    fn value(&mut self, head: String, entry: &Entry, indent: usize) -> Option<()> {
        let node = &entry.value;
        let key_line = self.line(entry.key_span.start);
        if let Some(inline) = self.inline_here(node, key_line, head.chars().count() + 1)? {
            let line = format!("{head} {inline}").trim_end().to_owned();
            let ending = self
                .comments
                .ending(self.line(node.span.end.saturating_sub(1).max(node.span.start)));
            self.lines.push(with_comment(line, ending));
            return Some(());
        }
        let ending = self.comments.ending(key_line);
        self.lines.push(with_comment(head, ending));
        match &node.shape {
            Shape::Map(entries) => entries
                .iter()
                .try_for_each(|entry| self.entry(entry, indent + STEP)),
            Shape::List(items) => items
                .iter()
                .try_for_each(|item| self.item(item, indent + STEP)),
            Shape::Text { .. } | Shape::Reported => None,
        }
    }

    fn item(&mut self, node: &Node, indent: usize) -> Option<()> {
        self.above(node.span.start, indent);
        let dash = format!("{}- ", " ".repeat(indent));
        let line = self.line(node.span.start);
        if let Some(inline) = self.inline_here(node, line, dash.len())? {
            let ending = self
                .comments
                .ending(self.line(node.span.end.saturating_sub(1).max(node.span.start)));
            self.lines.push(with_comment(dash + &inline, ending));
            return Some(());
        }
        let Shape::Map(entries) = &node.shape else {
            return None;
        };
        let (first, others) = entries.split_first()?;
        let key = self.raw(&first.key_span)?;
        self.value(format!("{dash}{key}:"), first, indent + STEP)?;
        others
            .iter()
            .try_for_each(|entry| self.entry(entry, indent + STEP))
    }

    /// The node in one line, where its author wrote it so and it fits; the outer `None` where it
    /// has no one form.
    fn inline_here(&self, node: &Node, from: usize, column: usize) -> Option<Option<String>> {
        let empty = match &node.shape {
            Shape::Text { .. } => return self.inline(node).map(Some),
            Shape::List(items) => items.is_empty(),
            Shape::Map(entries) => entries.is_empty(),
            Shape::Reported => return None,
        };
        let flow = self.text[node.span.start..].starts_with(['{', '[']);
        let to = self.line(node.span.end.saturating_sub(1).max(node.span.start));
        if !flow || self.comments.any_on(from..to) {
            return Some(None);
        }
        let inline = self.inline(node)?;
        let fits = column + inline.chars().count() <= LINE_MAX;
        Some((fits || empty).then_some(inline))
    }

    fn inline(&self, node: &Node) -> Option<String> {
        match &node.shape {
            Shape::Text { .. } => self.raw(&node.span).map(str::to_owned),
            Shape::List(items) => {
                let items: Option<Vec<_>> = items.iter().map(|item| self.inline(item)).collect();
                Some(format!("[{}]", items?.join(", ")))
            }
            Shape::Map(entries) if entries.is_empty() => Some("{}".to_owned()),
            Shape::Map(entries) => {
                let entries = entries.iter().map(|entry| {
                    let (key, value) = (self.raw(&entry.key_span)?, self.inline(&entry.value)?);
                    Some(format!("{key}: {value}"))
                });
                let entries: Option<Vec<_>> = entries.collect();
                Some(format!("{{ {} }}", entries?.join(", ")))
            }
            Shape::Reported => None,
        }
    }

    /// A scalar as it stands in the file; `None` when it runs over several lines.
    fn raw(&self, span: &std::ops::Range<usize>) -> Option<&'t str> {
        let raw = self.text.get(span.clone())?.trim_end();
        (!raw.contains('\n')).then_some(raw)
    }

    /// The line of this byte, counted from 0.
    fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at.min(self.text.len()));
        before.map_or(0, |before| before.matches('\n').count())
    }

    fn is_empty(&self, line: usize) -> bool {
        let mut lines = self.text.split('\n');
        lines.nth(line).is_some_and(|line| line.trim().is_empty())
    }
}

/// The comment stays in its column where there is room for it.
fn with_comment(line: String, comment: Option<Comment>) -> String {
    let Some(comment) = comment else { return line };
    let column = comment.column.max(line.chars().count() + 2);
    let gap = column - line.chars().count();
    format!("{line}{}{}", " ".repeat(gap), comment.text)
}
