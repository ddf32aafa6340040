//! What we build on: licences we may ship, nothing that is banned, one of what must be one.
//!
//! `cargo deny check` reads the same `deny.toml` and knows more; this holds on every machine.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::threats::rust_files;

struct Crate {
    name: String,
    version: String,
    licence: String,
}

/// Every crate that is really built, as `cargo tree` resolves features.
fn built() -> Vec<Crate> {
    let answer = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,build,dev",
        ])
        .args(["--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        answer.status.success(),
        "{}",
        String::from_utf8_lossy(&answer.stderr)
    );
    let lines: BTreeSet<String> = String::from_utf8(answer.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    lines
        .iter()
        .filter_map(|line| read(line.trim_end_matches(" (*)")))
        .collect()
}

/// `name v1.2.3 (proc-macro)|MIT OR Apache-2.0`.
fn read(line: &str) -> Option<Crate> {
    let (package, licence) = line.split_once('|')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Crate {
        name,
        version,
        licence: licence.trim_end_matches(" (*)").to_owned(),
    })
}

fn deny_toml() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deny.toml")).unwrap()
}

/// The words in quotes of one section's list.
fn allowed_licences() -> BTreeSet<String> {
    let text = deny_toml();
    let section = text
        .split("[licenses]")
        .nth(1)
        .unwrap()
        .split("\n[")
        .next()
        .unwrap();
    section
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// `A OR B` needs one of them, `A AND B` both; brackets bind as usual.
fn may_ship(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = licence.replace('/', " OR ");
    plain.split(" AND ").all(|part| {
        part.trim_matches(|c| c == '(' || c == ')' || c == ' ')
            .split(" OR ")
            .map(|one| one.trim_matches(|c| c == '(' || c == ')' || c == ' '))
            .any(|one| {
                allowed.contains(one) || allowed.contains(one.split(" WITH ").next().unwrap())
            })
    })
}

#[test]
fn every_crate_has_a_licence_we_may_ship() {
    let allowed = allowed_licences();

    let refused: Vec<_> = built()
        .into_iter()
        .filter(|found| !may_ship(&found.licence, &allowed))
        .map(|found| format!("{} {}: {}", found.name, found.version, found.licence))
        .collect();

    assert!(allowed.len() > 5);
    assert!(refused.is_empty(), "\n{}\n", refused.join("\n"));
}

#[test]
fn no_banned_crate_is_built() {
    let banned = [
        "ring",
        "openssl-sys",
        "native-tls",
        "rsa",
        "serde_yaml",
        "serde_yml",
    ];
    let text = deny_toml();

    for name in banned {
        assert!(
            text.contains(&format!("crate = \"{name}\"")),
            "deny.toml forgot {name}"
        );
        assert!(
            built().iter().all(|found| found.name != name),
            "{name} is built"
        );
    }
}

#[test]
fn there_is_one_of_what_must_be_one() {
    let built = built();

    for name in [
        "axum",
        "hyper",
        "reqwest",
        "rustls",
        "rusqlite",
        "tokio",
        "libsqlite3-sys",
    ] {
        let versions: BTreeSet<_> = built
            .iter()
            .filter(|found| found.name == name)
            .map(|found| &found.version)
            .collect();
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
    }
}

/// SQLite before 3.51.3 could lose a commit when the journal began anew.
#[test]
fn sqlite_is_one_without_the_fault_of_its_journal() {
    let found = built().into_iter().find(|it| it.name == "libsqlite3-sys");
    let version = found.unwrap().version;
    let mut parts = version.trim_start_matches('v').split('.');
    let mut part = || parts.next().unwrap().parse::<u32>().unwrap();

    assert!((part(), part()) >= (0, 37), "{version}");
}

#[test]
fn f03_nothing_that_weakens_tls_is_called_outside_tests() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let weakening = [
        "danger_accept",
        ".dangerous()",
        "ServerCertVerifier",
        "tls_danger",
        "SSLKEYLOGFILE",
        "KeyLogFile",
    ];
    let (mut looked, mut tested) = (0, 0);
    for file in rust_files(&[sources]) {
        let text = std::fs::read_to_string(&file).unwrap();
        let of_tests = file
            .iter()
            .any(|part| part == "tests" || part == "tests.rs");
        let called = weakening.iter().any(|word| text.contains(word));
        assert!(of_tests || !called, "{}", file.display());
        looked += 1;
        tested += usize::from(called);
    }
    assert!(
        looked > 300 && tested > 0,
        "it would find one: {looked}, {tested}"
    );
}

#[test]
fn a_licence_expression_is_read_as_it_is_meant() {
    let allowed = ["MIT", "Apache-2.0"]
        .map(str::to_owned)
        .into_iter()
        .collect();

    assert!(may_ship("MIT OR GPL-3.0", &allowed));
    assert!(may_ship("GPL-3.0/MIT", &allowed));
    assert!(may_ship("(MIT OR Apache-2.0) AND Apache-2.0", &allowed));
    assert!(!may_ship("MIT AND GPL-3.0", &allowed));
    assert!(!may_ship("none", &allowed));
}
