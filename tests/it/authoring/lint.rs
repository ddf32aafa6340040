//! What authors are told, in every form.

use estop::cli::Exit;
use serde_json::json;

use super::{folder, playbook, shown, tests, types};

#[tokio::test]
async fn a_mistake_is_drawn_with_its_name_its_place_and_what_to_do() {
    let wrong = playbook("x", "observe").replace("- disable_agent", "- disabel_agent");
    let folder = folder(&[("x.yaml", &wrong)]);
    let file = folder.path().join("x.yaml");

    let ended = types(&["lint", shown(&file)]).await;

    assert_eq!(ended.exit, Exit::Failed);
    assert_eq!(
        ended.output.replace(shown(&file), "x.yaml"),
        "\
error[P004]: unknown action `disabel_agent`
 --> x.yaml:9:5
  |
9 |   - disabel_agent
  |     ^^^^^^^^^^^^^
  |
  = help: did you mean `disable_agent`?
"
    );
    assert_eq!(ended.talk, "1 error(s), 0 warning(s), 0 note(s)\n");
}

#[tokio::test]
async fn code_scanning_and_pull_requests_get_the_same_place() {
    let wrong = playbook("x", "observe").replace("- disable_agent", "- disabel_agent");
    let folder = folder(&[("x.yaml", &wrong)]);
    let file = folder.path().join("x.yaml");
    let file = shown(&file);

    let sarif = types(&["lint", file, "--format", "sarif"]).await.json();
    let github = types(&["lint", file, "--format", "github"]).await;
    let junit = types(&["lint", file, "--format", "junit"]).await;
    let plain = types(&["lint", file, "--format", "json"]).await.json();

    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(result["ruleId"], "P004");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["region"], json!({ "startLine": 9, "startColumn": 5 }));
    assert_eq!(
        github.output,
        format!(
            "::error file={file},line=9,col=5,title=P004::unknown action `disabel_agent`; did you \
             mean `disable_agent`?\n"
        )
    );
    assert!(junit.output.contains("tests=\"1\" failures=\"1\""));
    let first = "<failure message=\"error[P004]: unknown action `disabel_agent`\">";
    assert!(junit.output.contains(first), "{}", junit.output);
    assert_eq!(plain["faults"][0]["code"], "P004");
    assert_eq!(plain["faults"][0]["name"], "unknown-word");
}

#[tokio::test]
async fn what_enforces_without_a_test_is_refused() {
    let folder = folder(&[("x.yaml", &playbook("x", "enforce"))]);
    let file = folder.path().join("x.yaml");

    let untested = types(&["lint", shown(&file)]).await;
    let one_sided = tests("x")
        .split("  - case: it stays quiet")
        .next()
        .unwrap()
        .to_owned();
    std::fs::write(folder.path().join("x.test.yaml"), one_sided).unwrap();
    let one_sided = types(&["lint", shown(&file)]).await;
    let watching = tests("x").replace(
        "expect: { decision: respond, state: contained }",
        "mode: as_written\n    expect: { decision: observe }",
    );
    std::fs::write(folder.path().join("x.test.yaml"), watching).unwrap();
    let watching = types(&["lint", shown(&file)]).await;
    std::fs::write(folder.path().join("x.test.yaml"), tests("x")).unwrap();
    let proved = types(&["lint", shown(&file)]).await;

    assert_eq!(untested.exit, Exit::Failed);
    let folder = format!("{}/", shown(folder.path()));
    assert_eq!(
        untested.output.replace(&folder, ""),
        "\
error[P070]: no test proves what this playbook does
 --> x.yaml:6:7
  |
6 | mode: enforce
  |       ^^^^^^^
  |
  = help: write x.test.yaml: one case where it acts, one where it stays quiet
"
    );
    assert_eq!(one_sided.exit, Exit::Failed);
    assert!(one_sided.output.starts_with("error[P071]"), "{one_sided:?}");
    assert_eq!(watching.exit, Exit::Failed, "{}", watching.output);
    assert!(watching.output.starts_with("error[P071]"), "{watching:?}");
    assert_eq!(proved.exit, Exit::Done, "{}", proved.output);
}

#[tokio::test]
async fn a_blueprint_without_a_cap_is_refused() {
    let uncapped: String = playbook("x", "observe")
        .replace("entity: agent", "entity: blueprint")
        .replace("disable_agent", "disable_blueprint")
        .lines()
        .filter(|line| !line.starts_with("guardrail"))
        .fold(String::new(), |text, line| text + line + "\n");
    let folder = folder(&[("x.yaml", &uncapped)]);

    let ended = types(&["lint", shown(folder.path())]).await;

    assert_eq!(ended.exit, Exit::Failed);
    let folder = format!("{}/", shown(folder.path()));
    assert_eq!(
        ended.output.replace(&folder, ""),
        "\
error[P060]: this playbook may stop any number of agents
 --> x.yaml:5:9
  |
5 | entity: blueprint
  |         ^^^^^^^^^ one blueprint is the switch of all its agents
  |
  = help: add `guardrail: { entities_max: 5, window: 10m, on_breach: ask }`
"
    );
}

#[tokio::test]
async fn a_playbook_that_another_one_forestalls_is_told() {
    let folder = folder(&[
        ("a.yaml", &playbook("a", "observe")),
        ("b.yaml", &playbook("b", "observe")),
    ]);

    let ended = types(&["lint", shown(folder.path())]).await;

    assert_eq!(ended.exit, Exit::Done);
    let first = ended.output.lines().next();
    assert_eq!(
        first,
        Some("warning[P080]: `a` forestalls this playbook wherever both are called")
    );
}
