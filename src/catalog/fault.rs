//! What is wrong with a playbook, told so that its author can mend it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level as Title, Origin, Renderer, Snippet};

use super::code::Code;

/// Most faults told about one file; the rest follow once these are mended.
pub const FAULTS_MAX: usize = 40;

/// Most faults remembered while one file is read; what is told is chosen from them.
const KEPT_MAX: usize = 5 * FAULTS_MAX;

/// How much a fault weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The file is refused.
    Error,
    /// The file is taken; its author should look again.
    Warning,
    /// The file is taken; its reader should know.
    Note,
}

/// One thing wrong, and where. `Display` draws the place in the file, without colours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How much it weighs.
    pub level: Level,
    /// Its stable name.
    pub code: Code,
    /// The file, as it was named to us.
    pub file: String,
    /// The line, counted from 1; 0 where the fault lies in no text, such as an unreadable file.
    pub line: usize,
    /// The column in characters, counted from 1; 0 like `line`.
    pub column: usize,
    /// The bytes of the text it is about.
    pub span: Range<usize>,
    /// What is wrong, in one sentence without a full stop.
    pub what: String,
    /// What the place itself is not, written under it.
    pub why: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    text: Option<Arc<str>>,
}

impl Fault {
    /// A fault of the file itself, with no place in its text.
    pub(super) fn of_file(file: &str, what: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            code: Code::Unreadable,
            file: file.to_owned(),
            line: 0,
            column: 0,
            span: 0..0,
            what: what.into(),
            why: None,
            help: None,
            text: None,
        }
    }

    /// Gives it its name; without one it is [`Code::WrongValue`].
    pub(super) fn coded(&mut self, code: Code) -> &mut Self {
        self.code = code;
        self
    }

    /// Writes under the place what it is not, or what was expected there.
    pub(super) fn because(&mut self, why: impl Into<String>) -> &mut Self {
        self.why = Some(why.into());
        self
    }

    /// Says what to do about it.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Offers the word that was likely meant, if there is one.
    pub(super) fn meant(&mut self, word: Option<&str>) -> &mut Self {
        if let Some(word) = word {
            self.help = Some(format!("did you mean `{word}`?"));
        }
        self
    }

    /// The same drawing as `Display`, with the terminal colours of rustc.
    pub fn coloured(&self) -> String {
        self.drawn(&Renderer::styled())
    }

    fn drawn(&self, renderer: &Renderer) -> String {
        let title = match self.level {
            Level::Error => Title::ERROR,
            Level::Warning => Title::WARNING,
            Level::Note => Title::NOTE,
        };
        let mut group = title
            .primary_title(self.what.as_str())
            .id(self.code.id())
            .elements([] as [Origin<'_>; 0]);
        group = match &self.text {
            None => group.element(Origin::path(self.file.as_str())),
            Some(text) => group.element(
                Snippet::source(&**text)
                    .path(self.file.as_str())
                    .annotation(
                        AnnotationKind::Primary
                            .span(self.span.clone())
                            .label(self.why.as_deref()),
                    ),
            ),
        };
        if let Some(help) = &self.help {
            group = group.element(Title::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.drawn(&Renderer::plain()))
    }
}

/// The faults found so far in one file, and the text they are drawn on.
pub(super) struct Faults {
    file: String,
    text: Arc<str>,
    found: Vec<Fault>,
    left_out: usize,
    refuse: bool,
}

impl Faults {
    /// Nothing found yet.
    pub(super) fn none_in(file: &str, text: &str) -> Self {
        Self {
            file: file.to_owned(),
            text: text.into(),
            found: Vec::new(),
            left_out: 0,
            refuse: false,
        }
    }

    /// The text the spans count in.
    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Notes something that refuses the file.
    pub(super) fn error(&mut self, span: &Range<usize>, what: impl Into<String>) -> &mut Fault {
        self.at(Level::Error, span, what.into())
    }

    /// Notes something its author should look at again.
    pub(super) fn warning(&mut self, span: &Range<usize>, what: impl Into<String>) -> &mut Fault {
        self.at(Level::Warning, span, what.into())
    }

    /// Notes something its reader should know.
    pub(super) fn note(&mut self, span: &Range<usize>, what: impl Into<String>) -> &mut Fault {
        self.at(Level::Note, span, what.into())
    }

    /// The line of this byte, counted from 1.
    pub(super) fn line_of(&self, at: usize) -> usize {
        line_and_column(&self.text[..self.text.floor_char_boundary(at)]).0
    }

    /// Is the file refused?
    pub(super) fn refuse(&self) -> bool {
        self.refuse
    }

    /// Everything found, errors first, then in the order of the text; what is too much is counted.
    pub(super) fn told(mut self) -> Vec<Fault> {
        self.found
            .sort_by_key(|fault| (fault.level, fault.span.start));
        let left_out = self.left_out + self.found.len().saturating_sub(FAULTS_MAX);
        if left_out > 0 {
            self.found.truncate(FAULTS_MAX);
            let more = format!("{left_out} more faults in this file are not shown");
            self.found.push(Fault {
                level: Level::Note,
                ..Fault::of_file(&self.file, more)
            });
        }
        self.found
    }

    pub(super) fn at(&mut self, level: Level, span: &Range<usize>, what: String) -> &mut Fault {
        self.refuse |= level == Level::Error;
        // The last place is taken over by whatever comes once there are too many.
        if self.found.len() == KEPT_MAX {
            self.left_out += 1;
            self.found.pop();
        }
        let span = within(&self.text, span);
        let (line, column) = line_and_column(&self.text[..span.start]);
        let index = self.found.len();
        self.found.push(Fault {
            level,
            code: Code::WrongValue,
            line,
            column,
            span,
            text: Some(Arc::clone(&self.text)),
            ..Fault::of_file(&self.file, what)
        });
        &mut self.found[index]
    }
}

/// The place behind this text, both counted from 1.
fn line_and_column(before: &str) -> (usize, usize) {
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

/// The span, moved inside the text and onto whole characters, so that drawing it cannot fail.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.floor_char_boundary(span.end.min(text.len()));
    let end = text[start..end.max(start)].trim_end().len() + start;
    start..end
}
