//! The design stands only while every module looks down.
//!
//! Read from the syntax tree, so that a grouped `use` or a path in the middle of an expression
//! counts as much as an import at the top. What is compiled for tests only may look anywhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Layer 0 is the ground. A module may know any lower layer: not a higher one, not a neighbour.
const LAYERS: &[&[&str]] = &[
    &["domain"],
    &["clock", "telemetry", "signature", "transport"],
    &["entra", "listener", "traces", "vault"],
    &[
        "store", "graph", "foundry", "sentinel", "chat", "pager", "catalog", "sim", "arm",
    ],
    &[
        "triage", "act", "notify", "audit", "watch", "rounds", "doctor", "evidence", "gate",
    ],
    &["command"],
    &["run", "offline"],
    &["rehearse"],
    &["reload"],
    &["ingress", "api", "console"],
    &["config"],
    &["app"],
    &["cli"],
    &["main", "lib"],
];

/// Foreign crates that live behind one door. Moving one is a design decision.
const LOCKED_UP: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("tokio_postgres", &["store"]),
    ("reqwest", &["transport", "entra", "cli"]),
    ("azure_core", &["entra"]),
    ("azure_identity", &["entra"]),
    ("axum", &["ingress", "api", "console", "sim", "app"]),
    ("hmac", &["signature"]),
    ("tokio_rustls", &["listener", "store"]),
    ("governor", &["ingress"]),
    ("jsonwebtoken", &["entra", "sim"]),
    ("cel", &["catalog"]),
    ("serde_saphyr", &["catalog", "config"]),
    ("prometheus_client", &["telemetry"]),
    ("opentelemetry", &["traces"]),
    ("opentelemetry_http", &["traces"]),
    ("opentelemetry_otlp", &["traces"]),
    ("opentelemetry_sdk", &["traces"]),
    ("clap", &["cli", "main"]),
    ("croner", &["domain"]),
    ("indicatif", &["cli"]),
    ("notify", &["reload"]),
    ("rustix", &["cli"]),
];

/// A file a reader can hold in mind, tests not counted.
const LINES_MAX: usize = 300;

struct SourceFile {
    module: String,
    shown: String,
    tree: syn::File,
    lines: usize,
}

#[test]
fn every_module_looks_only_down() {
    let mut faults = Vec::new();
    for file in sources() {
        for target in known_to(&file) {
            if target != file.module && layer_of(&target) >= layer_of(&file.module) {
                faults.push(format!(
                    "{}: `{}` must not know `{target}`",
                    file.shown, file.module
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    for file in sources() {
        assert!(
            layer_of(&file.module) < usize::MAX,
            "{}: give it a layer",
            file.shown
        );
    }
}

#[test]
fn foreign_crates_stay_behind_their_doors() {
    let mut faults = Vec::new();
    for file in sources() {
        let paths = paths_of(&file.tree);
        for (foreign, homes) in LOCKED_UP {
            let used = paths
                .iter()
                .any(|path| path.len() > 1 && path[0] == *foreign);
            if used && !homes.contains(&file.module.as_str()) {
                faults.push(format!("{}: `{foreign}` lives in {homes:?}", file.shown));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|file| file.lines > LINES_MAX)
        .map(|file| format!("{}: {} lines", file.shown, file.lines))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

#[test]
fn a_grouped_import_and_a_path_in_an_expression_both_count() {
    let text = "use crate::{run::worker, store as shelf};\nfn f() { crate::graph::Graph::new(); }\n\
                #[cfg(test)] mod tests { use crate::app; }";
    let tree = syn::parse_file(text).unwrap();
    let file = SourceFile {
        module: "act".into(),
        shown: "x.rs".into(),
        tree,
        lines: 3,
    };

    let known: Vec<_> = known_to(&file).into_iter().collect();

    assert_eq!(known, ["graph", "run", "store"]);
}

fn layer_of(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or(usize::MAX)
}

/// Modules of ours that a file names.
fn known_to(file: &SourceFile) -> BTreeSet<String> {
    paths_of(&file.tree)
        .into_iter()
        .filter(|path| {
            path.first()
                .is_some_and(|first| first == "crate" || first == "estop")
        })
        .filter_map(|path| path.into_iter().nth(1))
        .filter(|name| layer_of(name) < usize::MAX)
        .collect()
}

pub fn paths_of(tree: &syn::File) -> Vec<Vec<String>> {
    let mut gatherer = Gatherer::default();
    gatherer.visit_file(tree);
    gatherer.paths
}

#[derive(Default)]
struct Gatherer {
    paths: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Gatherer {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !for_tests_only(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !for_tests_only(&item.attrs) {
            expand(&item.tree, &mut Vec::new(), &mut self.paths);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !for_tests_only(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(
            path.segments
                .iter()
                .map(|part| part.ident.to_string())
                .collect(),
        );
        visit::visit_path(self, path);
    }
}

fn expand(tree: &syn::UseTree, before: &mut Vec<String>, into: &mut Vec<Vec<String>>) {
    match tree {
        syn::UseTree::Path(path) => {
            before.push(path.ident.to_string());
            expand(&path.tree, before, into);
            before.pop();
        }
        syn::UseTree::Group(group) => {
            group
                .items
                .iter()
                .for_each(|item| expand(item, before, into));
        }
        syn::UseTree::Name(name) => into.push(ended(before, name.ident.to_string())),
        syn::UseTree::Rename(rename) => into.push(ended(before, rename.ident.to_string())),
        syn::UseTree::Glob(_) => into.push(before.clone()),
    }
}

fn ended(before: &[String], last: String) -> Vec<String> {
    before.iter().cloned().chain([last]).collect()
}

fn for_tests_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|what| what == "test")
    })
}

fn sources() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if is_for_tests(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(read(&root, &path));
            }
        }
    }
    assert!(
        found.len() > 50,
        "the walk found only {} files",
        found.len()
    );
    found
}

/// `mod tests;` under `cfg(test)` is a file or folder of that name.
fn is_for_tests(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
}

fn read(root: &Path, path: &Path) -> SourceFile {
    let inside: PathBuf = path.strip_prefix(root).unwrap().to_path_buf();
    let first = inside.iter().next().unwrap().to_str().unwrap();
    let text = fs::read_to_string(path).unwrap();
    SourceFile {
        module: first.trim_end_matches(".rs").to_owned(),
        shown: format!("src/{}", inside.display()),
        lines: text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]")
            .count(),
        tree: syn::parse_file(&text).unwrap(),
    }
}
