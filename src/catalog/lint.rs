//! What is wrong with files and folders of playbooks: each file by itself, its tests beside it,
//! and the playbooks of one folder among each other.

use std::path::{Path, PathBuf};

use super::among::{forestalled, weakening};
use super::cases::{Cases, read_cases};
use super::code::Code;
use super::fault::{Fault, Faults, Level};
use super::folder::{files_in, text_of};
use super::read::{Loaded, read};
use super::yaml::{self, Shape};
use crate::domain::playbook::Mode;

/// What the name of a test file ends in.
pub(super) const TEST_ENDING: &str = ".test.yaml";

/// Checks files and folders, and tells everything found in them: errors, warnings and notes.
pub fn lint(paths: &[PathBuf]) -> Vec<Fault> {
    let mut told = Vec::new();
    for path in paths {
        if !path.is_dir() {
            told.extend(lint_one(path).0);
            continue;
        }
        match files_in(path) {
            Err(faults) => told.extend(faults),
            Ok(files) => {
                let (faults, loaded): (Vec<_>, Vec<_>) =
                    files.iter().map(|file| lint_one(file)).unzip();
                told.extend(faults.into_iter().flatten());
                let set: Vec<_> = loaded.into_iter().flatten().collect();
                told.extend(set.iter().filter_map(|one| forestalled(one, &set)));
                told.extend(set.iter().filter_map(|one| weakening(one, &set)));
            }
        }
    }
    told
}

/// A playbook that was read, under the name of its file.
pub(super) type Read = (String, Loaded);

fn lint_one(file: &Path) -> (Vec<Fault>, Option<Read>) {
    let (name, text) = match text_of(file) {
        Ok(read) => read,
        Err(faults) => return (faults, None),
    };
    if name.ends_with(TEST_ENDING) {
        return (read_cases(&name, &text).err().unwrap_or_default(), None);
    }
    match read(&name, &text) {
        Err(faults) => (faults, None),
        Ok(mut loaded) => {
            let mut faults = std::mem::take(&mut loaded.remarks);
            faults.extend(beside(file, &name, &loaded));
            (faults, Some((name, loaded)))
        }
    }
}

/// The test file of a playbook file: `x/NAME.yaml` has `x/NAME.test.yaml`.
pub fn test_file(playbook: &Path) -> PathBuf {
    let stem = playbook.file_stem().unwrap_or_default().to_string_lossy();
    playbook.with_file_name(format!("{stem}{TEST_ENDING}"))
}

fn beside(file: &Path, name: &str, loaded: &Loaded) -> Vec<Fault> {
    let tests = test_file(file);
    if !tests.exists() {
        return unproved(name, loaded, None).into_iter().collect();
    }
    let cases = text_of(&tests).and_then(|(name, text)| read_cases(&name, &text));
    match cases {
        Err(faults) => faults,
        Ok(cases) => unproved(name, loaded, Some(&cases)).into_iter().collect(),
    }
}

/// What the tests do not show, for a playbook that acts by itself or is meant to.
pub(super) fn unproved(name: &str, loaded: &Loaded, cases: Option<&Cases>) -> Option<Fault> {
    let (code, what, help) = match cases {
        None => (
            Code::Untested,
            "no test proves what this playbook does",
            format!(
                "write {}: one case where it acts, one where it stays quiet",
                test_file(Path::new(name)).display()
            ),
        ),
        Some(cases) if !cases.has_negative() => (
            Code::OneSided,
            "no test proves that this playbook stays quiet",
            "add a case that expects `decision: stand_down`".to_owned(),
        ),
        Some(cases) if !cases.has_action() => (
            Code::OneSided,
            "no test proves that this playbook acts",
            "add a case that expects `decision: respond`, or `provisional`".to_owned(),
        ),
        Some(_) => return None,
    };
    let playbook = &loaded.playbook;
    let acts = |mode: Mode| mode > Mode::Ask;
    let level = if acts(playbook.mode) {
        Level::Error
    } else if playbook.recommended.is_some_and(acts) {
        Level::Warning
    } else {
        return None;
    };
    let mut fault = at_key((name, loaded), "mode", level, what);
    fault.coded(code).help(help);
    Some(fault)
}

/// A fault drawn at the value of a top-level key.
pub(super) fn at_key(
    (name, loaded): (&str, &Loaded),
    key: &str,
    level: Level,
    what: &str,
) -> Fault {
    let mut unheard = Faults::none_in(name, &loaded.text);
    let tree = yaml::tree(&loaded.text, &mut unheard);
    let span = tree.and_then(|root| match root.shape {
        Shape::Map(entries) => entries.into_iter().find(|entry| entry.key == key),
        Shape::Text { .. } | Shape::List(_) | Shape::Reported => None,
    });
    let span = span.map_or(0..1, |entry| match entry.value.shape {
        Shape::Text { .. } => entry.value.span,
        Shape::List(_) | Shape::Map(_) | Shape::Reported => entry.key_span,
    });
    let mut faults = Faults::none_in(name, &loaded.text);
    faults.at(level, &span, what.to_owned()).clone()
}
