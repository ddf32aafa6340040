//! Every row of the threat model is held by a test that carries its id, or stands in
//! `tests/threats.toml` with the day and the reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rows of the model: a letter for each part of it, and how many it has.
const ROWS: [(char, u32); 12] = [
    ('B', 15),
    ('C', 6),
    ('D', 16),
    ('E', 21),
    ('F', 5),
    ('G', 17),
    ('J', 13),
    ('L', 6),
    ('P', 8),
    ('S', 9),
    ('T', 5),
    ('W', 33),
];

#[test]
fn every_threat_has_a_test_or_a_dated_reason() {
    let known: BTreeSet<String> = ROWS
        .iter()
        .flat_map(|(part, rows)| (1..=*rows).map(move |row| format!("{part}{row:02}")))
        .collect();
    let held = held();
    let open = open();

    let strangers: Vec<_> = held.iter().chain(open.keys()).collect();
    let strangers: Vec<_> = strangers
        .into_iter()
        .filter(|id| !known.contains(*id))
        .collect();
    assert!(strangers.is_empty(), "no row of the model: {strangers:?}");
    for id in &known {
        let (held, reason) = (held.contains(id), open.get(id));
        assert!(
            held || reason.is_some(),
            "{id}: name a test after it (`{}_…`), or say in tests/threats.toml why there is none",
            id.to_lowercase()
        );
        assert!(
            !(held && reason.is_some()),
            "{id} has a test: take it out of tests/threats.toml"
        );
    }
    for (id, reason) in &open {
        let (day, why) = reason.split_once(": ").unwrap_or_default();
        let dated = day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        assert!(
            dated && why.len() > 15,
            "{id}: `YYYY-MM-DD: why`, not {reason:?}"
        );
    }
}

/// The ids that tests carry in their names: `w01_w02_what_holds`.
fn held() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut ids = BTreeSet::new();
    for file in rust_files(&[root.join("src"), root.join("tests")]) {
        let text = std::fs::read_to_string(file).unwrap();
        let names = text.lines().filter_map(|line| {
            let (before, name) = line.split_once("fn ")?;
            // A function that others call is no test.
            if !matches!(before.trim(), "" | "async") {
                return None;
            }
            name.split_once('(').map(|(name, _)| name.to_owned())
        });
        for name in names {
            let words = name.split('_').take_while(|word| is_id(word));
            ids.extend(words.map(str::to_uppercase));
        }
    }
    ids
}

fn is_id(word: &str) -> bool {
    let mut letters = word.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && word.len() == 3
        && letters.all(|digit| digit.is_ascii_digit())
}

/// The rows nothing holds yet, with the reason.
fn open() -> BTreeMap<String, String> {
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/threats.toml");
    let text = std::fs::read_to_string(map).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|line| line.split_once(" = "))
        .map(|(id, reason)| (id.to_owned(), reason.trim_matches('"').to_owned()))
        .collect()
}

/// Every source file below these folders.
pub fn rust_files(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = folders.to_vec();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                files.push(path);
            }
        }
    }
    files
}
