//! `estop playbook fmt`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::Room;
use super::super::answers::{Answer, Failure};
use super::super::args::Format;
use super::super::exit::Exit;
use super::lint;
use crate::catalog::{files, formatted};

/// What is done about a file that has another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is written anew.
    Written,
    /// It is told.
    Checked,
}

impl From<bool> for Form {
    fn from(check: bool) -> Self {
        if check { Self::Checked } else { Self::Written }
    }
}

pub(super) fn fmt(room: &mut Room, paths: &[PathBuf], form: Form) -> Answer {
    let (mut changed, mut faults) = (Vec::new(), Vec::new());
    for file in files(paths).map_err(|faults| {
        let said = faults.first().map(ToString::to_string);
        Failure::usage(said.unwrap_or_default())
    })? {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(&file)
            .map_err(|why| Failure::usage(format!("{shown}: {why}")))?;
        match formatted(&shown, &text) {
            Err(found) => faults.extend(found),
            Ok(done) if done == text => {}
            Ok(done) => {
                if form == Form::Written {
                    replace(&file, &done)
                        .map_err(|why| Failure::new(Exit::Failed, format!("{shown}: {why}")))?;
                }
                changed.push(shown);
            }
        }
    }
    if !faults.is_empty() {
        lint::tell(&mut room.terminal, &faults, Format::Text);
    } else if room.terminal.wants_json() {
        room.terminal.json(&json!({ "changed": changed }));
    } else {
        changed.iter().for_each(|file| room.terminal.line(file));
    }
    let fails = !faults.is_empty() || (form == Form::Checked && !changed.is_empty());
    Ok(if fails { Exit::Failed } else { Exit::Done })
}

/// All of it under its name, or nothing.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let mut draft = file.as_os_str().to_owned();
    draft.push(".draft");
    let mode = std::fs::metadata(file)?.permissions();
    let mut new = std::fs::File::create(&draft)?;
    new.set_permissions(mode)?;
    new.write_all(text.as_bytes())?;
    new.sync_all()?;
    std::fs::rename(&draft, file)
}
