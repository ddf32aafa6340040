//! Tests beside playbooks, as they are told; and playbooks that are written anew.

use estop::cli::Exit;

use super::{WATCHED, folder, playbook, shown, tests, types, types_as};

#[tokio::test]
async fn a_claim_that_does_not_hold_is_told_with_what_came() {
    let wrong = tests("x").replace("type: signInSpike", "type: threatIntelligenceAccount");
    let folder = folder(&[
        ("x.yaml", &playbook("x", "enforce")),
        ("x.test.yaml", &wrong),
    ]);

    let ended = types(&["test", shown(folder.path())]).await;

    assert_eq!(ended.exit, Exit::Failed);
    let told = ended
        .output
        .replace(&format!("{}/", shown(folder.path())), "");
    let told: Vec<_> = told.lines().collect();
    assert_eq!(
        told[..3],
        [
            "FAIL  x  1 of 2 cases",
            "      case \"it stays quiet\" (x.test.yaml:6)",
            "        decision: expected stand_down, got respond",
        ]
    );
    assert!(told[3].starts_with("        writes: expected none, got PATCH /v1.0/"));
    assert_eq!(
        ended.talk,
        "1 of 33 known detection types have a playbook here\n2 cases, 1 ok, 1 failed, 0.0 s\n"
    );
}

#[tokio::test]
async fn a_test_that_cannot_be_read_fails_where_it_stands() {
    let wrong = tests("x").replace("state: contained", "state: containd");
    let folder = folder(&[
        ("x.yaml", &playbook("x", "enforce")),
        ("x.test.yaml", &wrong),
    ]);

    let ended = types(&["test", shown(folder.path())]).await;

    assert_eq!(ended.exit, Exit::Failed);
    let first = ended.output.lines().next();
    assert_eq!(
        first,
        Some("error[P004]: unknown state of a run `containd`")
    );
    assert!(ended.output.contains("did you mean `contained`?"));
}

#[tokio::test]
async fn progress_is_shown_to_a_person_and_to_nobody_else() {
    let folder = folder(&[
        ("x.yaml", &playbook("x", "enforce")),
        ("x.test.yaml", &tests("x")),
    ]);

    let watched = types_as(&["test", shown(folder.path())], WATCHED).await;
    let piped = types(&["test", shown(folder.path())]).await;

    assert!(watched.talk.contains("x: 1 of 2 cases"), "{}", watched.talk);
    assert!(!piped.talk.contains("x: 1 of 2 cases"), "{}", piped.talk);
    assert_eq!(watched.output, piped.output);
}

#[tokio::test]
async fn a_new_playbook_is_clean_proved_and_never_written_over_another() {
    for kind in ["agent", "agent_user", "blueprint"] {
        let folder = folder(&[]);
        let to = shown(folder.path());
        let words = [
            "new",
            "my-spike",
            "--detection",
            "signInSpike",
            "--entity",
            kind,
            "--in",
            to,
        ];

        let made = types(&words).await;
        let linted = types(&["lint", to, "--deny", "warnings"]).await;
        let formed = types(&["fmt", to, "--check"]).await;
        let played = types(&["test", to]).await;
        let again = types(&words).await;

        assert_eq!(made.exit, Exit::Done, "{made:?}");
        assert_eq!(linted.exit, Exit::Done, "{kind}: {}", linted.output);
        assert_eq!(formed.exit, Exit::Done, "{kind}: {}", formed.output);
        assert_eq!(played.exit, Exit::Done, "{kind}: {}", played.output);
        assert_eq!(again.exit, Exit::Usage, "{again:?}");
    }
}

#[tokio::test]
async fn a_new_playbook_for_a_mistyped_detection_is_not_written() {
    let folder = folder(&[]);
    let to = shown(folder.path());

    let ended = types(&["new", "my-spike", "--detection", "signInSpikes", "--in", to]).await;

    assert_eq!(ended.exit, Exit::Usage);
    assert!(
        ended.talk.contains("did you mean `signInSpike`?"),
        "{}",
        ended.talk
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn fmt_writes_the_one_form_once() {
    let wild = playbook("x", "observe").replace("  - disable_agent", "     - disable_agent # stop");
    let folder = folder(&[("x.yaml", &wild)]);
    let to = shown(folder.path());

    let checked = types(&["fmt", to, "--check"]).await;
    let unchanged = std::fs::read_to_string(folder.path().join("x.yaml")).unwrap();
    let written = types(&["fmt", to]).await;
    let again = types(&["fmt", to, "--check"]).await;

    assert_eq!((checked.exit, unchanged), (Exit::Failed, wild));
    assert_eq!(written.exit, Exit::Done);
    assert_eq!((again.exit, again.output.as_str()), (Exit::Done, ""));
    let done = std::fs::read_to_string(folder.path().join("x.yaml")).unwrap();
    assert!(
        done.ends_with("steps:\n  - disable_agent    # stop\n"),
        "{done}"
    );
}
