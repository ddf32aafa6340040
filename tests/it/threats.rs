//! Every threat row that `tests/threats.toml` names is covered by tests that exist.

use std::path::{Path, PathBuf};

#[test]
fn every_named_threat_has_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = std::fs::read_to_string(root.join("tests/threats.toml")).unwrap();
    let mut sources = String::new();
    for file in rust_files(&[root.join("src"), root.join("tests")]) {
        sources.push_str(&std::fs::read_to_string(file).unwrap());
    }

    let mut rows = 0;
    for line in map.lines().filter(|line| line.contains('=')) {
        let (row, tests) = line.split_once('=').unwrap();
        let tests: Vec<_> = tests.split('"').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{row} names no test");
        for test in tests {
            assert!(
                sources.contains(&format!("fn {test}(")),
                "{row}: no test {test}"
            );
        }
        rows += 1;
    }
    assert!(rows > 0);
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
