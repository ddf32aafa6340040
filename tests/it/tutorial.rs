//! The tutorial, typed from its first command to its last on the real binary, with what each prints
//! held against the page.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use estop::clock::Clock;

use crate::docs::blocks;

/// Longest wait for the lab to be up.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What stands on the page for anything at all.
const ANYTHING: char = '…';
/// Printed between two commands, with how the first ended.
const MARK: &str = "--- typed ---";

/// One command of the page, and what it should print.
struct Typed {
    place: String,
    command: String,
    ends_with: i32,
    printed: Vec<String>,
}

fn tutorial() -> Vec<Typed> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/tutorial.md");
    let mut typed: Vec<Typed> = Vec::new();
    for block in blocks(&page) {
        assert_eq!(block.language, "console", "{}", block.place);
        let mut here_document = None;
        for line in block.text.lines() {
            if let Some(end) = here_document {
                let last: &mut Typed = typed.last_mut().unwrap();
                last.command.push('\n');
                last.command.push_str(line);
                if line == end {
                    here_document = None;
                }
            } else if let Some(command) = line.strip_prefix("$ ") {
                here_document = command.contains("<<JSON").then_some("JSON");
                let ends_with = command.rsplit_once("# ends with ");
                typed.push(Typed {
                    place: block.place.clone(),
                    command: command.to_owned(),
                    ends_with: ends_with.map_or(0, |(_, code)| code.parse().unwrap()),
                    printed: Vec::new(),
                });
            } else {
                typed.last_mut().unwrap().printed.push(line.to_owned());
            }
        }
    }
    typed
}

/// Does a line say what the page says, with anything where the page leaves it open?
fn says(line: &str, page: &str) -> bool {
    let (mut rest, page) = (line.trim(), page.trim());
    let mut parts = page.split(ANYTHING).map(str::trim);
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else {
        return false;
    };
    rest = after;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    page.ends_with(ANYTHING) || rest.trim().is_empty()
}

/// The lines of the page that were not printed in this order.
fn unsaid<'p>(printed: &str, page: &'p [String]) -> Vec<&'p str> {
    let mut lines = printed.lines();
    let wanted = page.iter().filter(|line| line.trim() != "…");
    wanted
        .filter(|wanted| !lines.any(|line| says(line, wanted)))
        .map(String::as_str)
        .collect()
}

/// A folder with a shell in it, in which `estop` is the binary under test.
struct Terminal {
    folder: tempfile::TempDir,
}

impl Terminal {
    fn shell(&self, script: &str) -> Command {
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_estop"));
        let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
        // Loops of the page that wait for something wait for it at most so long.
        let mut shell = Command::new("timeout");
        shell
            .args(["--foreground", "300", "bash", "-c", script])
            .current_dir(self.folder.path())
            .env_clear()
            .envs([
                ("PATH", path.as_str()),
                ("HOME", "/nonexistent"),
                ("USER", "dana"),
            ])
            .envs([("NO_PROXY", "*"), ("no_proxy", "*")]);
        shell
    }

    /// Everything up to the lab, or everything after it, in one shell; what each command printed.
    fn types(&self, typed: &[&Typed]) -> Vec<(i32, String)> {
        let mut script = String::from("exec 2>&1\n");
        for one in typed {
            let command = &one.command;
            script.push_str(&format!(
                "{command}\ncode=$?; echo; echo \"{MARK} $code\"\n"
            ));
        }
        let ended = self.shell(&script).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(ended.stdout).unwrap();
        let mut rest = said.as_str();
        let mut all = Vec::new();
        while let Some((printed, after)) = rest.split_once(MARK) {
            let (code, after) = after.split_once('\n').unwrap();
            all.push((code.trim().parse().unwrap(), printed.to_owned()));
            rest = after;
        }
        all
    }

    fn starts(&self, command: &str) -> Child {
        let mut shell = self.shell(&format!("exec {command}"));
        shell.stdout(Stdio::piped()).stdin(Stdio::null());
        shell.spawn().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_tutorial_does_what_the_page_says() {
    let typed = tutorial();
    let lab = typed
        .iter()
        .position(|one| one.command.starts_with("estop lab"));
    let lab = lab.expect("the page starts a lab");
    let folder = tempfile::tempdir().unwrap();
    let terminal = Terminal { folder };
    let (before, after): (Vec<_>, Vec<_>) = (
        typed[..lab].iter().collect(),
        typed[lab + 1..].iter().collect(),
    );

    let mut ended = terminal.types(&before);
    let service = terminal.starts(&typed[lab].command);
    let env = terminal.folder.path().join("lab/env");
    let clock = Clock::system();
    let up = async {
        while !env.exists() {
            clock.sleep(LOOK_EVERY).await;
        }
    };
    let up = clock.within(PATIENCE, up).await;
    if up.is_ok() {
        ended.extend(terminal.types(&after));
    }
    // Whoever limits its time passes the request on.
    let ask = format!("kill -TERM {}", service.id());
    terminal.shell(&ask).status().unwrap();
    let lab_said = service.wait_with_output().unwrap();

    assert!(up.is_ok(), "the lab is not up: {lab_said:?}");
    let printed = String::from_utf8(lab_said.stdout).unwrap();
    assert_eq!(unsaid(&printed, &typed[lab].printed), [""; 0], "{printed}");
    let typed = before.into_iter().chain(after);
    let mut wrong = String::new();
    let mut count = 0;
    for (one, (code, printed)) in typed.zip(&ended) {
        count += 1;
        let unsaid = unsaid(printed, &one.printed);
        if *code != one.ends_with || !unsaid.is_empty() {
            wrong.push_str(&format!(
                "{}: $ {}\nended with {code}, did not say {unsaid:?}:\n{printed}\n",
                one.place, one.command
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert_eq!(count, ended.len());
    assert!(count > 25, "{count} commands were typed");
}
