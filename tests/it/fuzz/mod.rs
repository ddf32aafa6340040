//! Every entry of `entries` plays its whole corpus, and what is made of it: bits turned, pieces cut
//! out, doubled, spliced with another file, and signs put in that were trouble before.
//!
//! A run is the same each time, so that what it says depends on the code alone. `PROPTEST_CASES`
//! asks for so many inputs of each entry instead, drawn anew. What fails is told as the shortest
//! input that still does: it is kept as a file in `tests/fuzz/corpus/ENTRY/`, beside its mending.

mod entries;
mod mutation;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use syn::visit::Visit;

use entries::Entry;

/// Inputs made for each entry, where nobody asks for more.
const CASES: u32 = 40;
/// Most bytes of one file of the corpus.
const FILE_MAX: u64 = 16 * 1024;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

/// The files of one entry, by name.
fn files_of(entry: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let listed = std::fs::read_dir(corpus().join(entry));
    let listed = listed.unwrap_or_else(|why| panic!("the corpus of `{entry}`: {why}"));
    let paths = listed.map(|file| file.unwrap().path());
    paths
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn every_entry_has_a_corpus_and_every_file_belongs_to_one() {
    let entries: BTreeSet<String> = entries::all().into_iter().map(Entry::name).collect();
    assert_eq!(entries.len(), entries::all().len(), "two have one name");

    let folders = std::fs::read_dir(corpus()).unwrap();
    let names = folders.map(|one| one.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.collect::<BTreeSet<_>>(), entries);
    for entry in &entries {
        let files = files_of(entry);
        assert!(files.len() >= 2, "{entry}: {} files", files.len());
        for path in files.keys() {
            let length = std::fs::metadata(path).unwrap().len();
            assert!(length <= FILE_MAX, "{}: {length} bytes", path.display());
        }
    }
}

#[test]
fn every_file_of_the_corpus_is_played() {
    let mut failed = Vec::new();
    for entry in entries::all() {
        for (path, bytes) in files_of(&entry.name()) {
            if std::panic::catch_unwind(|| entry.play(&bytes)).is_err() {
                failed.push(path);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Writes whose answer is a status without a body; `graph::refusal` plays one for all.
const ANSWERED_BY_STATUS: [&str; 13] = [
    "set_blueprint_enabled",
    "set_agent_user_enabled",
    "set_principal_enabled",
    "set_tag",
    "remove_secret",
    "remove_certificates",
    "remove_package",
    "assign_app_role",
    "assign_directory_role",
    "assign_package",
    "grant",
    "delete",
    "quarantine",
];

#[test]
fn every_answer_of_graph_that_is_read_is_played() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let played = std::fs::read_to_string(root.join("tests/it/fuzz/entries/graph.rs")).unwrap();
    let mut calls = Calls::default();
    for file in crate::threats::rust_files(&[root.join("src/graph")]) {
        let text = std::fs::read_to_string(file).unwrap();
        calls.visit_file(&syn::parse_file(&text).unwrap());
    }

    assert!(calls.0.len() > 40, "{:?}", calls.0);
    for call in &calls.0 {
        let exempt = ANSWERED_BY_STATUS.contains(&call.as_str());
        let is_played = played.contains(&format!(".{call}("));
        assert!(
            is_played != exempt,
            "{call}: play its answer in entries/graph.rs"
        );
    }
    for exempt in ANSWERED_BY_STATUS {
        assert!(calls.0.contains(exempt), "there is no {exempt}");
    }
}

/// What may be asked of Graph.
#[derive(Default)]
struct Calls(BTreeSet<String>);

impl<'ast> Visit<'ast> for Calls {
    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let public = matches!(item.vis, syn::Visibility::Public(_));
        if public && item.sig.asyncness.is_some() {
            self.0.insert(item.sig.ident.to_string());
        }
    }
}

/// How many threads of the test program share the work.
const PARTS: usize = 4;

#[test]
fn what_is_made_of_the_corpus_is_played_first_part() {
    play_part(0);
}

#[test]
fn what_is_made_of_the_corpus_is_played_second_part() {
    play_part(1);
}

#[test]
fn what_is_made_of_the_corpus_is_played_third_part() {
    play_part(2);
}

#[test]
fn what_is_made_of_the_corpus_is_played_last_part() {
    play_part(3);
}

fn play_part(part: usize) {
    let entries = entries::all().into_iter().skip(part).step_by(PARTS);
    let failed: Vec<String> = entries.filter_map(what_fails).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The shortest input made of an entry's corpus that does not keep its law, and where to keep it.
fn what_fails(entry: Entry) -> Option<String> {
    let name = entry.name();
    let files: Vec<Vec<u8>> = files_of(&name).into_values().collect();
    let mutants = mutation::of(files);
    let played = runner().run(&mutants, |bytes| {
        let played = std::panic::catch_unwind(|| entry.play(&bytes));
        played.map_err(|_| TestCaseError::fail(format!("\"{}\"", bytes.escape_ascii())))
    });
    let failed = played.err()?;
    Some(format!(
        "{name}: keep it in tests/fuzz/corpus/{name}/ and mend it: {failed}"
    ))
}

/// The same draws each time, unless more are asked for.
fn runner() -> TestRunner {
    let asked = Config::default().cases;
    let usual = Config {
        // What failed is kept as a file of the corpus, which every entry's next run plays.
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    if asked != Config::with_cases(256).cases {
        return TestRunner::new(usual);
    }
    let config = Config {
        cases: CASES,
        ..usual
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng)
}
