//! Progress as it fits who reads it: a bar on a terminal, a line every few seconds elsewhere, NDJSON
//! where JSON is wanted.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use serde_json::json;

use super::super::terminal::Terminal;
use super::tally::{Item, Tally};

/// How often a line is written where there is no terminal.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// Columns that are drawn; a wider terminal shows no more.
const COLUMNS: u16 = 100;
const TEMPLATE: &str = "  [{bar:30}] {msg}";

/// Where progress goes.
pub(super) enum Display {
    Bar(ProgressBar, Ink),
    Lines { said: Duration },
    Documents { said: Duration },
}

impl Display {
    pub(super) fn of(terminal: &Terminal, total: usize) -> Self {
        if terminal.wants_json() {
            return Self::Documents {
                said: Duration::ZERO,
            };
        }
        if !terminal.talks_to_person() {
            return Self::Lines {
                said: Duration::ZERO,
            };
        }
        let ink = Ink::default();
        let target = ProgressDrawTarget::term_like(Box::new(ink.clone()));
        let length = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), target);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("#>."));
        }
        Self::Bar(bar, ink)
    }

    /// Shows how it stands, `took` after the beginning.
    pub(super) fn show(&mut self, terminal: &mut Terminal, items: &[Item], took: Duration) {
        let ended = items.iter().filter(|item| !item.fate.is_at_work());
        let done = ended.filter(|item| item.fate != super::tally::Fate::NotStarted);
        let done = done.count();
        let tally = Tally::of(items);
        let words = format!("{tally}  {:.1} s", took.as_secs_f64());
        match self {
            Self::Bar(bar, ink) => {
                bar.set_message(words);
                bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
                bar.tick();
                terminal.draw(&ink.take());
            }
            Self::Lines { said } => {
                if is_due(said, took) {
                    terminal.say(&format!("  {words}"));
                }
            }
            Self::Documents { said } => {
                if is_due(said, took) {
                    terminal.json(&json!({
                        "event": "progress", "of": items.len(), "ended": done,
                        "counts": tally.counts(), "seconds": took.as_secs_f64(),
                    }));
                }
            }
        }
    }

    /// Takes the bar away, so that words can follow.
    pub(super) fn over(&mut self, terminal: &mut Terminal) {
        match self {
            Self::Bar(bar, ink) => {
                bar.finish_and_clear();
                terminal.draw(&ink.take());
            }
            Self::Lines { .. } | Self::Documents { .. } => {}
        }
    }
}

fn is_due(said: &mut Duration, took: Duration) -> bool {
    let due = took.saturating_sub(*said) >= SAY_EVERY;
    if due {
        *said = took;
    }
    due
}

/// What the bar wants drawn, until the terminal takes it: the bar never writes by itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Ink(Arc<Mutex<String>>);

impl Ink {
    fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, text: &str) -> io::Result<()> {
        let mut ink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ink.push_str(text);
        Ok(())
    }

    fn moved(&self, count: usize, letter: char) -> io::Result<()> {
        match count {
            0 => Ok(()),
            _ => self.put(&format!("\u{1b}[{count}{letter}")),
        }
    }
}

impl TermLike for Ink {
    fn width(&self) -> u16 {
        COLUMNS
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.moved(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.moved(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.moved(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.moved(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(text)?;
        self.put("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\u{1b}[K")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
