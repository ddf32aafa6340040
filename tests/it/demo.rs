//! `estop demo`, as whoever tries it first types it: every scenario, beside a configuration of a real
//! service, into a pipe.

use std::process::{Command, Output};

fn demo(words: &[&str], folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_estop"))
        .arg("demo")
        .args(words)
        .env("TMPDIR", folder)
        .env(
            "ESTOP_STORE",
            format!("sqlite:{}/real.db", folder.display()),
        )
        .env("ESTOP_MODE", "observe")
        .env("ESTOP_LISTEN", "127.0.0.1:1")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap()
}

#[test]
fn every_scenario_is_observed_to_its_end_whatever_is_set_for_a_real_service() {
    for scenario in ["single", "false-alarm", "throttled"] {
        let folder = tempfile::tempdir().unwrap();

        let ended = demo(&["--scenario", scenario], folder.path());

        let said = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.status.code(), Some(0), "{scenario}:\n{said}");
        for line in 1..=7 {
            assert!(
                said.contains(&format!("\n  {line} ")),
                "{scenario}: no line {line}:\n{said}"
            );
        }
        assert!(!said.contains('\u{1b}'), "{said}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{scenario} leaves {left:?}");
    }
}

#[test]
fn a_story_that_cannot_be_observed_fails() {
    let folder = tempfile::tempdir().unwrap();

    let ended = demo(&[], &folder.path().join("nowhere"));

    assert_eq!(ended.status.code(), Some(1));
}
