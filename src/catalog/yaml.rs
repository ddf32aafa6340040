//! The part of YAML a playbook may use, as a tree that remembers where everything stood.
//!
//! Playbooks are read from the parser's own events rather than through serde: every fault is found
//! in one pass, with its place, and nothing is turned into a number or a truth value before a
//! reader asks for one. Aliases, anchors, tags, merge keys, directives and duplicate keys are
//! faults (threat P01): each of them makes a file say something else than what it shows.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, ScanError, StrInput};

use super::code::Code;
use super::fault::Faults;

/// Largest playbook file, in bytes.
pub const TEXT_MAX: usize = 64 * 1024;
/// Deepest nesting of lists, and of maps, in a playbook; real ones need three.
const DEPTH_MAX: usize = 12;
/// Most keys in one map.
const KEYS_MAX: usize = 100;

/// A value and its place in the text, in bytes.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) shape: Shape,
}

/// What a value is, as written.
#[derive(Debug)]
pub(super) enum Shape {
    /// A scalar; `plain` when it stood without quotes, so that it may be a number or truth value.
    Text { text: String, plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in order, each key once.
    Map(Vec<Entry>),
    /// Something that was already reported. Readers pass over it in silence.
    Reported,
}

impl Shape {
    /// What a person calls it.
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Text { .. } => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Reported => "nothing",
        }
    }
}

/// One key of a map with its value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

type Events<'t> = Peekable<Parser<'t, StrInput<'t>>>;
/// The event and its span, or why the text is no YAML.
type Next<'t> = Result<(Event<'t>, Range<usize>), ScanError>;

/// Reads one document. `None` when there is no tree at all; what is wrong is in `faults`.
pub(super) fn tree(text: &str, faults: &mut Faults) -> Option<Node> {
    if text.len() > TEXT_MAX {
        let what = format!("this file is larger than {} KiB", TEXT_MAX / 1024);
        faults.error(&(0..0), what);
        return None;
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut builder = Builder {
        events: Parser::new_from_str_with_options(text, options).peekable(),
        faults,
        end: text.len(),
    };
    match builder.document() {
        Ok(root) => root,
        Err(error) => {
            let at = error.marker().byte_offset().unwrap_or(text.len());
            builder
                .faults
                .error(&(at..at + 1), format!("this is not YAML: {}", error.info()))
                .coded(Code::NotPlain);
            None
        }
    }
}

struct Builder<'t, 'f> {
    events: Events<'t>,
    faults: &'f mut Faults,
    end: usize,
}

impl<'t> Builder<'t, '_> {
    fn document(&mut self) -> Result<Option<Node>, ScanError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            if event == Event::StreamEnd {
                return Ok(root);
            }
            if !matches!(event, Event::DocumentStart(..)) {
                continue;
            }
            if root.is_some() {
                self.faults
                    .error(&span, "a second document begins here")
                    .coded(Code::NotPlain)
                    .help("one file holds one playbook");
                return Ok(root);
            }
            let (event, span) = self.next()?;
            root = Some(self.node(event, span)?);
        }
    }

    fn next(&mut self) -> Next<'t> {
        match self.events.next() {
            None => Ok((Event::StreamEnd, self.end..self.end)),
            Some(Err(error)) => Err(error),
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or(self.end..self.end);
                if event.tag().is_some() {
                    let tag = span.tag_span().and_then(|tag| tag.byte_range());
                    self.faults
                        .error(&tag.unwrap_or(range.clone()), "tags are not allowed")
                        .coded(Code::NotPlain)
                        .because("what stands here is read by its place, not by its tag");
                }
                if event.anchor_id().is_some() {
                    self.faults
                        .error(&range, "anchors are not allowed")
                        .coded(Code::NotPlain)
                        .help("write it out, so that the file says what it shows");
                }
                Ok((event, range))
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Range<usize>) -> Result<Node, ScanError> {
        if let Event::Scalar(text, style, ..) = event {
            let shape = Shape::Text {
                text: text.into_owned(),
                plain: style == ScalarStyle::Plain,
            };
            return Ok(Node { span, shape });
        }
        if matches!(event, Event::SequenceStart(..)) {
            return self.list(span);
        }
        if matches!(event, Event::MappingStart(..)) {
            return self.map(span);
        }
        if event.is_alias() || matches!(event, Event::UnresolvedAlias(_)) {
            self.faults
                .error(&span, "aliases are not allowed")
                .coded(Code::NotPlain)
                .help("write it out, so that the file says what it shows");
        }
        // Nothing else stands where a value is due; if it does, the readers find it missing.
        Ok(reported(span))
    }

    fn list(&mut self, start: Range<usize>) -> Result<Node, ScanError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                return Ok(Node {
                    span: start.start..span.end.max(start.end),
                    shape: Shape::List(items),
                });
            }
            items.push(self.node(event, span)?);
        }
    }

    fn map(&mut self, start: Range<usize>) -> Result<Node, ScanError> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                return Ok(Node {
                    span: start.start..key_span.end.max(start.end),
                    shape: Shape::Map(entries),
                });
            }
            let key = self.node(event, key_span.clone())?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            if entries.len() == KEYS_MAX {
                let what = format!("this map has more than {KEYS_MAX} keys");
                self.faults.error(&key_span, what);
                return Ok(reported(start));
            }
            if let Some(key) = self.key(key, &entries) {
                entries.push(Entry {
                    key,
                    key_span,
                    value,
                });
            }
        }
    }

    /// The key's text, unless it is one that no playbook may have.
    fn key(&mut self, node: Node, before: &[Entry]) -> Option<String> {
        let (text, plain) = match node.shape {
            Shape::Text { text, plain } => (text, plain),
            Shape::List(_) | Shape::Map(_) => {
                self.faults
                    .error(&node.span, "a key must be a plain word")
                    .coded(Code::NotPlain);
                return None;
            }
            Shape::Reported => return None,
        };
        if plain && text == "<<" {
            self.faults
                .error(&node.span, "merge keys are not allowed")
                .coded(Code::NotPlain)
                .help("write it out, so that the file says what it shows");
            return None;
        }
        if before.iter().any(|entry| entry.key == text) {
            self.faults
                .error(&node.span, format!("duplicate key `{}`", short(&text)))
                .coded(Code::DuplicateKey)
                .because("it stands above already");
            return None;
        }
        Some(text)
    }
}

fn reported(span: Range<usize>) -> Node {
    Node {
        span,
        shape: Shape::Reported,
    }
}

/// A text cut for a message, so that a wild file cannot fill the screen.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        None => Cow::Borrowed(text),
        Some((cut, _)) => Cow::Owned(format!("{}…", &text[..cut])),
    }
}
