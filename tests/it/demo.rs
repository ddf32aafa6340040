//! `estop demo`, as whoever tries it first types it: every scenario, beside a configuration of a real
//! service, into a pipe.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn demo(words: &[&str], folder: &Path) -> Command {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_estop"));
    demo.arg("demo")
        .args(words)
        .env("TMPDIR", folder)
        .env(
            "ESTOP_STORE",
            format!("sqlite:{}/real.db", folder.display()),
        )
        .env("ESTOP_MODE", "observe")
        .env("ESTOP_LISTEN", "127.0.0.1:1")
        .env("HTTP_PROXY", "http://127.0.0.1:1");
    demo
}

fn left_in(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_scenario_is_observed_to_its_end_whatever_is_set_for_a_real_service() {
    for scenario in ["single", "false-alarm", "throttled"] {
        let folder = tempfile::tempdir().unwrap();

        let ended = demo(&["--scenario", scenario], folder.path())
            .output()
            .unwrap();

        let said = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.status.code(), Some(0), "{scenario}:\n{said}");
        for line in 1..=7 {
            assert!(
                said.contains(&format!("\n  {line} ")),
                "{scenario}: no line {line}:\n{said}"
            );
        }
        assert!(!said.contains('\u{1b}'), "{said}");
        assert!(
            left_in(folder.path()).is_empty(),
            "{scenario} leaves something"
        );
    }
}

#[test]
fn a_story_that_cannot_be_observed_fails() {
    let folder = tempfile::tempdir().unwrap();

    let ended = demo(&[], &folder.path().join("nowhere")).output().unwrap();

    assert_eq!(ended.status.code(), Some(1));
}

/// Whether it is the first line of the story or the last: neither a service nor a folder is left.
#[test]
fn a_demo_that_is_told_to_end_leaves_nothing() {
    for (words, last_line, code) in [
        (&["--serve"][..], "Up until Ctrl-C", 0),
        (&[][..], "  1 ", 130),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut playing = demo(words, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(playing.stdout.take().unwrap()).lines();
        let reached = said.any(|line| line.unwrap().contains(last_line));
        assert!(reached, "{words:?} never said {last_line}");
        let service = child_of(playing.id());

        kill_process(Pid::from_child(&playing), Signal::TERM).unwrap();

        assert_eq!(playing.wait().unwrap().code(), Some(code), "{words:?}");
        assert!(
            left_in(folder.path()).is_empty(),
            "{words:?} leaves its folder"
        );
        assert!(
            !Path::new("/proc").join(&service).exists(),
            "{words:?} leaves its service"
        );
    }
}

/// The number of the service that a demo started, on whichever thread of it.
fn child_of(demo: u32) -> String {
    let threads = std::fs::read_dir(format!("/proc/{demo}/task")).unwrap();
    let children = threads.map(|thread| thread.unwrap().path().join("children"));
    let children: String = children
        .map(|list| std::fs::read_to_string(list).unwrap())
        .collect();
    assert!(!children.is_empty(), "no service was started");
    children.trim().to_owned()
}
