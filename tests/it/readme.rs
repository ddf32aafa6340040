//! The README, typed: what it shows of the demo is what the demo prints, its playbook passes its
//! test, and its signed requests are taken.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regex::Regex;

use crate::docs::{Block, blocks};
use crate::program::Site;

fn readme() -> Vec<Block> {
    blocks(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"))
}

fn only<'a>(all: &'a [Block], language: &str, part: &str) -> &'a str {
    let fits = |block: &&Block| block.language == language && block.text.contains(part);
    let mut found = all.iter().filter(fits);
    let (Some(one), None) = (found.next(), found.next()) else {
        panic!("{part} stands in no block, or in several");
    };
    &one.text
}

fn estop(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_estop"));
    command.args(words).current_dir(folder);
    command.env("TMPDIR", folder).output().unwrap()
}

/// A text without what differs from run to run.
fn plain(text: &str) -> Vec<String> {
    let drawn = Regex::new("(run|det)_[0-9a-z]{26}|head [0-9a-f]{12}|[0-9]+(\\.[0-9]+)?").unwrap();
    let dots = Regex::new("\\.{3,}").unwrap();
    let lines = text.lines().map(|line| {
        let line = drawn.replace_all(line, "N");
        // Dots lead to a column, whatever stands before them.
        dots.replace(&line, "...").into_owned()
    });
    lines.collect()
}

#[test]
fn what_the_readme_shows_of_the_demo_is_what_it_prints() {
    let folder = tempfile::tempdir().unwrap();
    let all = readme();
    let shown = plain(only(&all, "text", "1 before"));

    let ended = estop(folder.path(), &["demo"]);

    let said = String::from_utf8(ended.stdout).unwrap();
    let printed = plain(&said);
    let mut lines = printed.iter();
    for line in &shown {
        assert!(
            lines.any(|it| it == line),
            "{line} is not in, in this order\n{said}"
        );
    }
    assert!(shown.len() >= 11, "{shown:#?}");
}

#[test]
fn the_playbook_of_the_readme_passes_its_own_test() {
    let folder = tempfile::tempdir().unwrap();
    for block in readme().iter().filter(|block| block.language == "yaml") {
        let name = block.text.lines().next().unwrap().trim_start_matches("# ");
        std::fs::write(folder.path().join(name), &block.text).unwrap();
    }

    let linted = estop(folder.path(), &["playbook", "lint", "."]);
    let tested = estop(
        folder.path(),
        &["playbook", "test", ".", "--format", "json"],
    );

    assert!(linted.status.success(), "{linted:?}");
    assert!(tested.status.success(), "{tested:?}");
    let said: serde_json::Value = serde_json::from_slice(&tested.stdout).unwrap();
    assert!(
        said.to_string()
            .contains("low severity is left to a person"),
        "{said}"
    );
}

/// The commands of a block, with what makes them end here: a port of our own, and a tenant that is
/// played. Nothing else is changed.
fn script(block: &str, site: &Site, (deliveries, control): (u16, u16)) -> String {
    let configured = site.configuration();
    let tenant = configured.lines().find(|line| line.starts_with("tenant:"));
    let written =
        "tenant: { id: 00000000-0000-4000-8000-000000000001, credential: managed_identity }";
    assert!(block.contains(written) && block.contains("estop serve &\n"));
    let up = format!(
        "estop serve > serve.out 2>&1 &\ntrap 'kill %1; wait' EXIT\n\
         for n in $(seq 600); do (exec 3<>/dev/tcp/127.0.0.1/{deliveries}) 2>/dev/null && break; \
         sleep 0.1; done\n"
    );
    let typed = block
        .replace(written, tenant.unwrap())
        .replace("$ estop serve &\n", &up)
        .replace("127.0.0.1:8787", &format!("127.0.0.1:{deliveries}"));
    let mut lines = vec![
        "set -eu".to_owned(),
        format!(
            "export ESTOP_LISTEN=127.0.0.1:{deliveries} ESTOP_CONTROL_LISTEN=127.0.0.1:{control}"
        ),
        format!("export ESTOP_INGEST=http://127.0.0.1:{deliveries}"),
    ];
    let bare = |line: &str| line.strip_prefix("$ ").unwrap_or(line).to_owned();
    lines.extend(typed.lines().map(bare));
    lines.join("\n")
}

fn free_port() -> u16 {
    let door = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    door.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signed_requests_of_the_readme_are_taken() {
    let site = Site::new().await;
    let all = readme();
    let block = only(&all, "console", "estop send");
    let script = script(block, &site, (free_port(), free_port()));
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_estop"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let folder = tempfile::tempdir().unwrap();
    let mut shell = site.at_home(tokio::process::Command::new("timeout"));
    shell
        .args(["--foreground", "120", "bash", "-c", &script])
        .env_remove("ESTOP_CONFIG")
        .env("PATH", path)
        .current_dir(folder.path())
        .stdin(Stdio::null());

    let ended = shell.output().await.unwrap();

    let said = String::from_utf8_lossy(&ended.stdout);
    let served = std::fs::read_to_string(folder.path().join("serve.out")).unwrap_or_default();
    assert!(ended.status.success(), "{ended:?}\n{served}");
    assert!(
        said.lines().any(|line| line.starts_with("202 ")),
        "{said}\n{served}"
    );
    assert!(said.contains("HTTP/1.1 202"), "{said}\n{served}");
    let location = said.lines().find(|line| line.starts_with("location: "));
    assert!(
        location.is_some_and(|line| line.contains("/v1/detections/det_")),
        "{said}"
    );
}
