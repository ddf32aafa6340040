//! The documentation holds: every YAML block is read by the parser it is for, the pages of reference
//! are what the program says, and no key of the configuration is missing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use estop::catalog::{Catalog, read_cases};
use estop::cli::Cli;
use estop::config::{Config, Overrides, keys};
use syn::punctuated::Punctuated;

use crate::threats::rust_files;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page of documentation.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let mut folders = ["playbooks", "deploy", "benches"]
        .map(|it| root().join(it))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// Files outside `src` that the program carries with it.
fn carried() -> BTreeSet<String> {
    let mut carried = BTreeSet::new();
    for file in rust_files(&[root().join("src")]) {
        let text = std::fs::read_to_string(&file).unwrap();
        let folder = file.parent().unwrap();
        for after in text.split("\"../").skip(1) {
            let path = format!("../{}", after.split('"').next().unwrap());
            let whole = folder.join(path);
            let whole = std::path::absolute(&whole).unwrap();
            let mut plain = PathBuf::new();
            for part in whole.components() {
                if part == std::path::Component::ParentDir {
                    plain.pop();
                } else {
                    plain.push(part);
                }
            }
            if let Ok(inside) = plain.strip_prefix(root()) {
                carried.insert(inside.display().to_string());
            }
        }
    }
    carried.retain(|path| !path.starts_with("src/") && root().join(path).exists());
    carried
}

#[test]
fn the_image_is_built_from_all_that_the_program_carries() {
    let containerfile = std::fs::read_to_string(root().join("deploy/Containerfile")).unwrap();
    let copied = containerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "));
    let copied: Vec<&str> = copied.filter_map(|line| line.split(' ').next()).collect();
    let carried = carried();

    assert!(
        carried
            .iter()
            .any(|path| path.starts_with("deploy/sentinel/"))
    );
    assert!(
        carried
            .iter()
            .any(|path| path.starts_with("tests/fixtures/"))
    );
    for path in carried {
        let there = copied.iter().any(|it| path.starts_with(it));
        assert!(there, "deploy/Containerfile does not copy {path}");
    }
}

/// A block of a page: where it stands, its language, its text.
pub struct Block {
    pub place: String,
    pub language: String,
    pub text: String,
}

/// The fenced blocks of a page.
pub fn blocks(page: &Path) -> Vec<Block> {
    let shown = page.strip_prefix(root()).unwrap().display().to_string();
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (line, text) in std::fs::read_to_string(page).unwrap().lines().enumerate() {
        match (text.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(language), false) => {
                open = true;
                blocks.push(Block {
                    place: format!("{shown}:{}", line + 1),
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(text);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!open, "{shown}: a block is not closed");
    blocks
}

/// The YAML of a page: its blocks, and files that its commands write.
fn yaml(page: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for block in blocks(page) {
        if block.language == "yaml" {
            found.push((block.place, block.text));
        } else {
            for document in block.text.split("<<'YAML'\n").skip(1) {
                let text = document.split("\nYAML").next().unwrap();
                found.push((block.place.clone(), format!("{text}\n")));
            }
        }
    }
    found
}

/// What a part of a configuration leaves out, so that it can be read as a whole.
fn completed(text: &str) -> String {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    let mut whole = text.to_owned();
    if !has("tenant:") {
        whole.push_str(
            "tenant: { id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa, credential: managed_identity }\n",
        );
    }
    if !has("protected:") {
        whole.push_str("protected: []\n");
    }
    whole
}

fn fault(text: &str) -> Option<String> {
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("playbook: "));
    if let Some(name) = name {
        let name = name.split_whitespace().next().unwrap();
        let read = if text.contains("\ncases:\n") {
            read_cases(&format!("{name}.test.yaml"), text).map(drop)
        } else {
            let file = format!("{name}.yaml");
            Catalog::of_texts([(file.as_str(), text)]).map(drop)
        };
        return read.err().map(|faults| format!("{faults:?}"));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("estop.yaml");
    std::fs::write(&file, completed(text)).unwrap();
    let read = Config::read(&file, &Overrides::default());
    read.err().map(|bad| bad.to_string())
}

/// The words of every command of estop's own that a block types.
fn typed(block: &Block) -> Vec<Vec<String>> {
    let whole = block.text.replace("\\\n", " ");
    let lines = whole.lines().filter_map(|line| line.strip_prefix("$ "));
    let lines = lines.map(|line| line.split(" #").next().unwrap());
    let pieces = lines.flat_map(|line| line.split([';', '|', '&']));
    let own = pieces.filter(|piece| piece.trim().starts_with("estop "));
    own.map(|piece| words(piece.split(" >").next().unwrap()))
        .collect()
}

/// As a shell takes them apart, with an id wherever a page leaves one open.
fn words(piece: &str) -> Vec<String> {
    let mut words = Vec::new();
    // What stands in single quotes may hold double ones.
    let mark = if piece.contains('\'') { '\'' } else { '"' };
    for (n, text) in piece.split(mark).enumerate() {
        if n % 2 == 1 {
            words.push(text.to_owned());
            continue;
        }
        words.extend(text.split_whitespace().map(|word| match word {
            "GUID" | "OBJECT_ID" | "TENANT_ID" => "7b1d0c52-6f0e-4d2b-9a34-1f0c9d21e2a0".to_owned(),
            "RUN" => "run_00000000000000000000000007".to_owned(),
            "PUBLIC" => format!("{}=", "A".repeat(43)),
            word => word.replace("_06b2...", "_00000000000000000000000007"),
        }));
    }
    words
}

#[test]
fn every_command_that_a_page_types_is_one_that_is_understood() {
    let (mut read, mut faults) = (0, Vec::new());
    // The tutorial is typed from its first command to its last elsewhere.
    let untyped = pages()
        .into_iter()
        .filter(|page| !page.ends_with("tutorial.md"));
    for page in untyped {
        let blocks = blocks(&page);
        for block in blocks.iter().filter(|block| block.language == "console") {
            for words in typed(block) {
                read += 1;
                if let Err(why) = Cli::try_parse_from(&words) {
                    faults.push(format!("{}: {words:?}: {why}", block.place));
                }
            }
        }
    }

    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(read > 40, "only {read} commands were found");
    let wrong = Cli::try_parse_from(["estop", "contain", "invoice-bot"]);
    assert!(wrong.is_err());
}

/// What a heading is called in an address.
fn anchor(heading: &str) -> String {
    let lower = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().replace(' ', "-")
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading_that_are_there() {
    let (mut followed, mut faults) = (0, Vec::new());
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for after in text.split("](").skip(1) {
            let target = after.split(')').next().unwrap();
            if target.contains("://") || target.contains(char::is_whitespace) {
                continue;
            }
            followed += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            let there = match heading {
                "" => path.exists(),
                heading => std::fs::read_to_string(&path).is_ok_and(|text| {
                    let mut lines = text.lines().filter(|line| line.starts_with('#'));
                    lines.any(|line| anchor(line) == heading)
                }),
            };
            if !there {
                faults.push(format!("{}: {target}", page.display()));
            }
        }
    }

    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(followed > 60, "only {followed} links were found");
}

#[test]
fn every_yaml_block_of_the_docs_is_read_by_the_parser_it_is_for() {
    let (mut read, mut faults) = (0, Vec::new());
    for page in pages() {
        for (place, text) in yaml(&page) {
            read += 1;
            faults.extend(fault(&text).map(|why| format!("{place}: {why}")));
        }
    }

    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(read >= 5, "only {read} blocks were found");
}

#[test]
fn a_block_with_a_wrong_key_of_either_kind_is_found() {
    for wrong in [
        "actions:\n  tga: { set: A, attribute: B, value: c }\n",
        "playbook: x\nsumary: A typo.\n",
        "playbook: x\ncases:\n  - case: y\n    expects: {}\n",
    ] {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
}

/// What `estop reference` prints for a page.
fn printed(page: &str) -> String {
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_estop"))
        .args(["reference", page])
        .output()
        .unwrap();
    assert!(ended.status.success());
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn the_pages_of_reference_are_what_the_program_says() {
    for (page, file) in [
        ("playbooks", "playbooks/reference.md"),
        ("commands", "deploy/commands.md"),
        ("configuration", "deploy/configuration.md"),
    ] {
        let kept = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(
            kept == printed(page),
            "{file} is old: cargo run -- reference {page} > {file}"
        );
    }
}

/// The names of the keys that the configuration's parser takes.
fn parsed_keys() -> BTreeSet<String> {
    let mut sources = rust_files(&[root().join("src/config")]);
    sources.push(root().join("src/domain/caps.rs"));
    let mut keys = BTreeSet::new();
    for source in sources {
        let tree = syn::parse_file(&std::fs::read_to_string(source).unwrap()).unwrap();
        for item in tree.items {
            let syn::Item::Struct(item) = item else {
                continue;
            };
            let strict = serde_words(&item.attrs);
            if strict.iter().any(|word| word == "deny_unknown_fields") {
                keys.extend(item.fields.iter().map(name_of));
            }
        }
    }
    keys
}

/// The name a field is written under.
fn name_of(field: &syn::Field) -> String {
    let renamed = serde_words(&field.attrs).into_iter().find_map(|word| {
        let (_, name) = word.split_once("rename = ")?;
        Some(name.trim_matches('"').to_owned())
    });
    renamed.unwrap_or_else(|| field.ident.as_ref().unwrap().to_string())
}

/// What stands in the `serde` attributes.
fn serde_words(attributes: &[syn::Attribute]) -> Vec<String> {
    let serde = attributes.iter().filter(|one| one.path().is_ident("serde"));
    serde
        .flat_map(|one| {
            let parser = Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
            one.parse_args_with(parser).unwrap_or_default()
        })
        .map(|meta| match meta {
            syn::Meta::Path(path) => path
                .get_ident()
                .map(ToString::to_string)
                .unwrap_or_default(),
            syn::Meta::NameValue(pair) => {
                let name = pair.path.get_ident().map(ToString::to_string);
                let mut value = String::new();
                if let syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(text),
                    ..
                }) = pair.value
                {
                    value = text.value();
                }
                format!("{} = \"{value}\"", name.unwrap_or_default())
            }
            syn::Meta::List(_) => String::new(),
        })
        .collect()
}

#[test]
fn every_key_of_the_configuration_stands_on_the_page_of_reference() {
    // Sections whose own name is a key, and keys that are told with their section.
    let sections = [
        "tenant",
        "control",
        "sources",
        "actions",
        "caps",
        "inventory",
        "evidence",
        "drill",
        "azure",
        "may",
        "verify",
        "foundry",
    ];
    let told: BTreeSet<&str> = keys().flat_map(|key| key.path.split('.')).collect();
    let parsed = parsed_keys();

    let missing: Vec<_> = parsed
        .iter()
        .filter(|key| !told.contains(key.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "say in src/config/keys what these are: {missing:?}"
    );
    let last = |key: &estop::config::Key| key.path.rsplit('.').next().unwrap().to_owned();
    let unknown: Vec<_> = keys()
        .map(last)
        .filter(|key| !parsed.contains(key))
        .collect();
    assert!(unknown.is_empty(), "nothing reads these: {unknown:?}");
    for section in sections {
        assert!(told.contains(section), "{section}");
    }
}
