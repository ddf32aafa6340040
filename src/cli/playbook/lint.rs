//! `estop playbook lint`.

use std::path::PathBuf;

use super::super::Room;
use super::super::answers::Answer;
use super::super::args::Format;
use super::super::exit::Exit;
use super::super::terminal::Terminal;
use super::formats;
use crate::catalog::{Fault, Level};

/// What a warning does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Warnings {
    /// It is told.
    Told,
    /// It fails like an error.
    Denied,
}

impl From<bool> for Warnings {
    fn from(denied: bool) -> Self {
        if denied { Self::Denied } else { Self::Told }
    }
}

pub(super) fn lint(
    room: &mut Room,
    paths: &[PathBuf],
    warnings: Warnings,
    format: Format,
) -> Answer {
    let faults = crate::catalog::lint(paths);
    tell(&mut room.terminal, &faults, format);
    let fails = |fault: &Fault| match fault.level {
        Level::Error => true,
        Level::Warning => warnings == Warnings::Denied,
        Level::Note => false,
    };
    Ok(if faults.iter().any(fails) {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// Tells faults in this form; `--json` is the JSON form.
pub(super) fn tell(terminal: &mut Terminal, faults: &[Fault], format: Format) {
    let json = terminal.wants_json() || format == Format::Json;
    match format {
        _ if json => terminal.json(&formats::json(faults)),
        Format::Text | Format::Json => {
            for fault in faults {
                let drawn = if terminal.has_colours() {
                    fault.coloured()
                } else {
                    fault.to_string()
                };
                terminal.raw(&format!("{drawn}\n"));
            }
        }
        Format::Sarif => terminal.raw(&format!("{:#}\n", formats::sarif(faults))),
        Format::Github => terminal.raw(&formats::github(faults)),
        Format::Junit => terminal.raw(&formats::junit(faults)),
    }
    let count = |level| faults.iter().filter(|fault| fault.level == level).count();
    if !json {
        terminal.say(&format!(
            "{} error(s), {} warning(s), {} note(s)",
            count(Level::Error),
            count(Level::Warning),
            count(Level::Note)
        ));
    }
}
