//! The playbook files of a folder, and what is wrong with them.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::fault::Fault;
use super::lint::{TEST_ENDING, test_file};
use super::yaml::TEXT_MAX;

/// Most playbooks in one folder.
pub const PLAYBOOKS_MAX: usize = 200;

/// The playbook files of a folder, by name. Folders within and dot files are passed over.
pub(super) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Vec<Fault>> {
    let shown = folder.display().to_string();
    let unreadable =
        |error: std::io::Error| vec![Fault::of_file(&shown, format!("cannot read it: {error}"))];
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with('.') || name.ends_with(TEST_ENDING) {
            continue;
        }
        if name.ends_with(".yml") {
            let what = "playbooks end in `.yaml`, so this would never be read";
            return Err(vec![Fault::of_file(&path.display().to_string(), what)]);
        }
        if name.ends_with(".yaml") {
            files.push(path);
        }
        if files.len() > PLAYBOOKS_MAX {
            let what = format!("there are more than {PLAYBOOKS_MAX} playbooks here");
            return Err(vec![Fault::of_file(&shown, what)]);
        }
    }
    files.sort();
    Ok(files)
}

/// Every playbook and test file of these files and folders, by name within each folder.
///
/// # Errors
/// When a folder cannot be read.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Fault>> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        for playbook in files_in(path)? {
            let tests = test_file(&playbook);
            all.push(playbook);
            if tests.is_file() {
                all.push(tests);
            }
        }
    }
    Ok(all)
}

/// The playbooks of a folder and their tests as one digest, so that a change is seen without being
/// understood. What cannot be read counts by why not.
pub fn fingerprint(folder: &Path) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    };
    match files(&[folder.to_path_buf()]) {
        Err(faults) => faults.iter().for_each(|fault| add(&fault.what)),
        Ok(files) => {
            for file in files {
                add(&file.display().to_string());
                match text_of(&file) {
                    Ok((_, text)) => add(&text),
                    Err(faults) => faults.iter().for_each(|fault| add(&fault.what)),
                }
            }
        }
    }
    hex::encode(hash.finalize())
}

/// The names and texts of a folder's playbooks, by name, or everything that cannot be read.
pub(super) fn texts(folder: &Path) -> Result<Vec<(String, String)>, Vec<Fault>> {
    let mut texts = Vec::new();
    let mut faults = Vec::new();
    for file in files_in(folder)? {
        match text_of(&file) {
            Ok(text) => texts.push(text),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() {
        Ok(texts)
    } else {
        Err(faults)
    }
}

/// One file's name and text. A link may only lead to a plain file below its own folder, as a
/// mounted configuration has them, and pipes and devices are never opened (threat P02).
pub(super) fn text_of(file: &Path) -> Result<(String, String), Vec<Fault>> {
    let shown = file.display().to_string();
    let refused = |what: &str| vec![Fault::of_file(&shown, what)];
    let unreadable = |error: std::io::Error| refused(&format!("cannot read it: {error}"));
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(unreadable)?;
    let real = file.canonicalize().map_err(unreadable)?;
    if !real.starts_with(&folder) {
        return Err(refused("it is a link that leads out of its folder"));
    }
    if !real.metadata().map_err(unreadable)?.is_file() {
        return Err(refused("it is not a plain file"));
    }
    let limit = u64::try_from(TEXT_MAX).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    let opened = fs::File::open(&real).map_err(unreadable)?;
    opened
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > TEXT_MAX {
        let what = format!("this file is larger than {} KiB", TEXT_MAX / 1024);
        return Err(refused(&what));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8"))?;
    Ok((shown, text))
}
