//! Where a command reads and writes. Names from a tenant are shown, and never obeyed: control
//! characters do not reach the terminal.

use std::io::{BufRead, BufReader, IsTerminal as _, Write};

use crate::config::Environment;
use crate::domain::shown::shown;

/// Which ends are a person's terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Standard input.
    pub input: bool,
    /// Standard output.
    pub output: bool,
    /// Standard error.
    pub talk: bool,
}

/// Standard input, output and error, or stand-ins for them.
pub struct Terminal {
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
    talk: Box<dyn Write + Send>,
    ends: Ends,
    colours: bool,
    json: bool,
}

impl Terminal {
    /// The process's own. Colours only on a terminal that wants them.
    pub fn system(environment: &Environment) -> Self {
        let ends = Ends {
            input: std::io::stdin().is_terminal(),
            output: std::io::stdout().is_terminal(),
            talk: std::io::stderr().is_terminal(),
        };
        let mut terminal = Self::of(
            BufReader::new(std::io::stdin()),
            std::io::stdout(),
            std::io::stderr(),
            ends,
        );
        terminal.colours = ends.output && !is_plain(environment);
        terminal
    }

    /// Any three ends, without colours.
    pub fn of(
        input: impl BufRead + Send + 'static,
        output: impl Write + Send + 'static,
        talk: impl Write + Send + 'static,
        ends: Ends,
    ) -> Self {
        Self {
            input: Box::new(input),
            output: Box::new(output),
            talk: Box::new(talk),
            ends,
            colours: false,
            json: false,
        }
    }

    /// Data is written as JSON from here on.
    pub(super) fn write_json(&mut self) {
        self.json = true;
        self.colours = false;
    }

    /// No colours from here on.
    pub(super) fn without_colours(&mut self) {
        self.colours = false;
    }

    pub(super) fn wants_json(&self) -> bool {
        self.json
    }

    pub(super) fn has_colours(&self) -> bool {
        self.colours
    }

    /// Can a person be asked?
    pub(super) fn can_ask(&self) -> bool {
        self.ends.input && self.ends.talk
    }

    /// Is talk read by a person as it comes?
    pub(super) fn talks_to_person(&self) -> bool {
        self.ends.talk
    }

    /// Talk that was drawn here, with its moves of the cursor; only for a terminal.
    pub(super) fn draw(&mut self, drawn: &str) {
        let _ = self.talk.write_all(drawn.as_bytes());
        let _ = self.talk.flush();
    }

    /// One line of data.
    pub(super) fn line(&mut self, text: &str) {
        // Whoever reads us may have gone away; the exit code still says how it ended.
        let _ = writeln!(self.output, "{}", printable(text));
    }

    /// Data that was made here, colours and line breaks included.
    pub(super) fn raw(&mut self, text: &str) {
        let _ = self.output.write_all(text.as_bytes());
        let _ = self.output.flush();
    }

    /// One JSON document, or one line of NDJSON.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) {
        // What is shown here are texts, numbers and times: they serialize.
        let text = serde_json::to_string(value).unwrap_or_default();
        let _ = writeln!(self.output, "{text}");
    }

    /// One line of talk.
    pub(super) fn say(&mut self, text: &str) {
        let _ = writeln!(self.talk, "{}", printable(text));
    }

    /// A line that replaces the one before it on a terminal; elsewhere nothing.
    pub(super) fn progress(&mut self, text: &str) {
        if self.ends.talk {
            let _ = write!(self.talk, "\r\u{1b}[K{}", printable(text));
            let _ = self.talk.flush();
        }
    }

    /// Takes the progress line away.
    pub(super) fn progress_over(&mut self) {
        if self.ends.talk {
            let _ = write!(self.talk, "\r\u{1b}[K");
            let _ = self.talk.flush();
        }
    }

    /// What a person types; `None` when there is nobody, or they have ended the input.
    pub(super) fn ask(&mut self, question: &str) -> Option<String> {
        if !self.can_ask() {
            return None;
        }
        let _ = write!(self.talk, "{} ", printable(question));
        let _ = self.talk.flush();
        let mut typed = String::new();
        match self.input.read_line(&mut typed) {
            Ok(1..) => Some(typed.trim().to_owned()),
            Ok(0) | Err(_) => None,
        }
    }

    /// A word in the colour of what it means, where there are colours.
    pub(super) fn tinted(&self, word: &str, tint: Tint) -> String {
        if self.colours {
            format!("\u{1b}[{}m{word}\u{1b}[0m", tint.code())
        } else {
            word.to_owned()
        }
    }
}

/// Whether a terminal wants no colours: `NO_COLOR` is set, or it is a dumb one.
pub fn is_plain(environment: &Environment) -> bool {
    environment.get("NO_COLOR").is_some() || environment.get("TERM") == Some("dumb")
}

/// What a colour means; the word beside it says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tint {
    Good,
    Look,
}

impl Tint {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "1;32",
            Self::Look => "1;33",
        }
    }
}

/// The text with what would disturb the lines around it made visible.
pub(super) fn printable(text: &str) -> String {
    shown(text, usize::MAX)
}
