//! Playbooks with the tests that lie beside them.

use std::path::{Path, PathBuf};

use super::cases::{Cases, read_cases};
use super::fault::Fault;
use super::folder::{files_in, text_of};
use super::lint::{TEST_ENDING, test_file};
use super::read::{Loaded, read};

/// A playbook with its tests, where it has any.
pub struct Proved {
    /// The playbook's file.
    pub file: String,
    /// The playbook.
    pub loaded: Loaded,
    /// The test file and what it holds.
    pub cases: Option<(String, Cases)>,
}

/// Reads playbooks and the tests beside them: from playbooks, from their test files, from folders.
///
/// # Errors
/// All faults of all files; then nothing is played.
pub fn proved(paths: &[PathBuf]) -> Result<Vec<Proved>, Vec<Fault>> {
    let (mut proved, mut faults) = (Vec::new(), Vec::new());
    for path in paths {
        let files = if path.is_dir() {
            files_in(path)
        } else {
            Ok(vec![playbook_of(path)])
        };
        match files {
            Err(found) => faults.extend(found),
            Ok(files) => {
                for file in files {
                    match one(&file) {
                        Ok(one) => proved.push(one),
                        Err(found) => faults.extend(found),
                    }
                }
            }
        }
    }
    if faults.is_empty() {
        Ok(proved)
    } else {
        Err(faults)
    }
}

/// What the tests of a playbook do not show, where it acts by itself or is meant to.
pub fn unproved(proved: &Proved) -> Option<Fault> {
    let cases = proved.cases.as_ref().map(|(_, cases)| cases);
    super::lint::unproved(&proved.file, &proved.loaded, cases)
}

/// The playbook that a test file is about; any other file is a playbook itself.
fn playbook_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.strip_suffix(TEST_ENDING) {
        Some(stem) => path.with_file_name(format!("{stem}.yaml")),
        None => path.to_path_buf(),
    }
}

fn one(file: &Path) -> Result<Proved, Vec<Fault>> {
    let (name, text) = text_of(file)?;
    let loaded = read(&name, &text)?;
    let beside = test_file(file);
    let cases = if beside.exists() {
        let (shown, text) = text_of(&beside)?;
        let cases = read_cases(&shown, &text)?;
        Some((shown, cases))
    } else {
        None
    };
    Ok(Proved {
        file: name,
        loaded,
        cases,
    })
}
