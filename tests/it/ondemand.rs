//! What is run on demand only, and by no build: the program of libFuzzer and the folder that
//! mutants are built in. Either would rot unseen.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::layers::paths_of;
use crate::threats::rust_files;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// The crates under `[dependencies]`, as code names them.
fn crates(manifest: &str) -> BTreeSet<String> {
    let lines = manifest.lines();
    let own = lines.skip_while(|line| *line != "[dependencies]").skip(1);
    own.take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.replace('-', "_"))
        .collect()
}

/// What these files name first of every path, with what follows it.
fn named(files: &[PathBuf]) -> BTreeSet<(String, String)> {
    let read = |path| std::fs::read_to_string(path).unwrap();
    let trees = files
        .iter()
        .map(|path| syn::parse_file(&read(path)).unwrap());
    let paths = trees.flat_map(|tree| paths_of(&tree));
    paths
        .filter_map(|path| Some((path.first()?.clone(), path.get(1)?.clone())))
        .collect()
}

#[test]
fn libfuzzer_is_given_every_module_and_crate_that_its_entries_name() {
    let program = text("tests/fuzz/fuzz_targets/entry.rs");
    let given = |module: &str| program.contains(&format!("\nmod {module};"));
    let entries = rust_files(&[file("tests/it/fuzz/entries")]);
    let shared = [file("tests/it/world.rs"), file("tests/it/cluster.rs")];

    let beside = named(&shared).into_iter().filter(|(at, _)| at == "super");
    let above = named(&entries).into_iter().filter(|(at, _)| at == "crate");
    let modules: BTreeSet<_> = beside.chain(above).map(|(_, module)| module).collect();
    assert!(modules.contains("world"), "{modules:?}");
    for module in modules {
        assert!(given(&module), "entry.rs has no `mod {module};`");
    }

    let all = crates(&text("Cargo.toml"));
    let all: BTreeSet<_> = all.iter().map(String::as_str).chain(["tempfile"]).collect();
    let given = crates(&text("tests/fuzz/Cargo.toml"));
    let files = [entries, shared.to_vec()].concat();
    for (name, _) in named(&files) {
        let is_given = given.contains(&name) || !all.contains(name.as_str());
        assert!(is_given, "tests/fuzz/Cargo.toml has no `{name}`");
    }
}

#[test]
fn the_core_that_mutants_break_is_there_and_knows_nothing_that_is_not_built_with_it() {
    let run = text("tests/mutants/run");
    let list = |name: &str| {
        let (_, rest) = run.split_once(&format!("{name}=(\n")).unwrap();
        let (listed, _) = rest.split_once("\n)").unwrap();
        let listed = listed.split_whitespace().map(str::to_owned);
        listed.collect::<BTreeSet<_>>()
    };

    for path in list("core") {
        assert!(file("src").join(&path).is_file(), "{path} is not there");
    }

    let copied = ["domain", "signature", "clock"];
    for module in copied {
        assert!(
            run.contains(&format!("src/{module} ")),
            "{module} is not copied"
        );
        assert!(file("src").join(module).is_dir(), "{module} is no folder");
    }
    let all = crates(&text("Cargo.toml"));
    let given: BTreeSet<_> = list("crates")
        .iter()
        .map(|name| name.replace('-', "_"))
        .collect();
    let folders = copied.map(|module| file("src").join(module));
    for (first, second) in named(&rust_files(&folders)) {
        let known = first != "crate" || copied.contains(&second.as_str());
        assert!(known, "`crate::{second}` is not copied");
        let is_given = given.contains(&first) || !all.contains(&first);
        assert!(is_given, "tests/mutants/run has no `{first}`");
    }
}
