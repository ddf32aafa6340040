use super::*;
use crate::domain::action::Action;
use crate::domain::entity::EntityKind;
use crate::domain::moment::Span;
use crate::domain::playbook::{Also, Audience, Mode};

#[test]
fn a_plain_playbook_is_read() {
    let loaded = taken(PLAIN);

    let playbook = &loaded.playbook;
    assert_eq!(playbook.name.as_str(), "x");
    assert_eq!(playbook.digest.len(), 64);
    assert_eq!(playbook.when[0].name, "fresh");
    assert_eq!(playbook.steps[0].action, Action::DisableAgent);
    assert_eq!(playbook.mode, Mode::Observe);
    assert_eq!((&*loaded.text, loaded.remarks.len()), (PLAIN, 0));
}

#[test]
fn every_part_of_a_playbook_is_kept() {
    let text = PLAIN.replacen("mode: observe", "mode: enforce\nrecommended: enforce", 1)
        + "  - disable_agent_user: { optional: true }\nalso: [agent_users]\nowner: soc\n"
        + "guardrail: { entities_max: 5, window: 10m, on_breach: ask }\n"
        + "hold: { for: 7d, then: keep }\nnotify: [sponsors, incident]\n";

    let playbook = taken(&text).playbook;

    assert_eq!(playbook.recommended, Some(Mode::Enforce));
    assert_eq!(playbook.entity, EntityKind::Agent);
    assert_eq!(playbook.also, [Also::AgentUsers]);
    assert_eq!(playbook.guardrail.unwrap().entities_max, 5);
    assert_eq!(playbook.hold.map(|hold| hold.span), Span::parse("7d"));
    assert_eq!(playbook.notify, Audience::ALL);
    let optional: Vec<bool> = playbook.steps.iter().map(|step| step.optional).collect();
    assert_eq!(optional, [false, true]);
}

#[test]
fn a_fault_is_drawn_where_it_stands() {
    let text = with("- disable_agent", "- disabel_agent");

    assert_eq!(
        drawn(&faults(&text)),
        "\
error[P004]: unknown action `disabel_agent`
  --> x.yaml:11:5
   |
11 |   - disabel_agent
   |     ^^^^^^^^^^^^^
   |
   = help: did you mean `disable_agent`?"
    );
}

#[test]
fn a_fault_in_an_expression_is_drawn_in_the_file() {
    let text = with_clause("'detection.sevrity == \"high\"'");

    assert_eq!(
        drawn(&faults(&text)),
        "\
error[P021]: `detection` has no field `sevrity`
 --> x.yaml:6:21
  |
6 |   fresh: 'detection.sevrity == \"high\"'
  |                     ^^^^^^^
  |
  = help: did you mean `detection.severity`?"
    );
}

#[test]
fn all_faults_are_told_at_once_in_order() {
    let text = PLAIN
        .replace("signInSpike", "signInSpikes")
        .replace("mode: observe", "mod: observe")
        .replace("disable_agent", "disabel_agent")
        .replace("detected_at", "detected");

    assert_eq!(
        told(&text),
        [
            "1:1 `mode` is missing",
            "4:15 unknown detection type `signInSpikes`; did you mean `signInSpike`?",
            "6:24 `detection` has no field `detected`; did you mean `detection.detected_at`?",
            "9:1 unknown key `mod`; did you mean `mode`?",
            "11:5 unknown action `disabel_agent`; did you mean `disable_agent`?",
        ]
    );
}

#[test]
fn an_option_beside_its_step_is_refused() {
    let beside = format!("{PLAIN}  - {{ optional: true }}\n");
    let two = with(
        "- disable_agent",
        "- disable_agent: {}\n    confirm_compromised: {}",
    );
    let nested = with("- disable_agent", "- [disable_agent]");

    assert_eq!(
        told(&beside),
        [
            "12:7 `optional` is not an action; write it under its action: `- disable_agent: { optional: true }`"
        ]
    );
    assert_eq!(
        told(&two),
        ["11:5 a step must name exactly one action; begin each action with its own `- `"]
    );
    assert_eq!(told(&nested), ["11:5 a step must be an action, not a list"]);
}

#[test]
fn what_is_not_supported_yet_is_refused_by_name() {
    let end = |line: &str| format!("{PLAIN}{line}\n");
    let cases = [(end("activation: required"), "activation")];

    for (text, word) in cases {
        let told = told(&text);
        assert_eq!(told.len(), 1, "{told:?}");
        let expected = format!(" `{word}` is not supported yet");
        assert!(told[0].ends_with(&expected), "{told:?}");
    }
    let notified = told(&end("notify: [sponsors, { slack: \"#soc\" }, teams]"));
    assert_eq!(notified.len(), 2, "{notified:?}");
    assert!(
        notified[0].contains("`slack` in `notify` is not supported yet"),
        "{notified:?}"
    );
    assert!(
        notified[1].contains("`teams` is not supported yet"),
        "{notified:?}"
    );
}

#[test]
fn verify_is_no_step_to_write() {
    let verify = told(&with("- disable_agent", "- disable_agent\n  - verify"));
    assert!(verify[0].contains("`verify` is not written as a step"));
}

#[test]
fn p01_what_yaml_can_hide_is_refused() {
    let cases = [
        (
            with("summary: Stop", "summary: !!str Stop"),
            "tags are not allowed",
        ),
        (
            with("- disable_agent", "- !act disable_agent"),
            "tags are not allowed",
        ),
        (with("trigger:\n", "trigger: !t\n"), "tags are not allowed"),
        (
            with("summary: Stop", "summary: &a Stop"),
            "anchors are not allowed",
        ),
        (
            with("summary: Stop the agent.", "summary: *a"),
            "aliases are not allowed",
        ),
        (
            with("mode: observe", "mode: observe\n<<: { owner: x }"),
            "merge keys are not allowed",
        ),
        (
            with("mode: observe", "mode: observe\nmode: enforce"),
            "duplicate key `mode`",
        ),
        (
            with("mode: observe", "mode: observe\n\"mode\": enforce"),
            "duplicate key `mode`",
        ),
        (
            with("mode: observe", "mode: observe\n[a]: b"),
            "a key must be a plain word",
        ),
        (
            format!("{PLAIN}---\nplaybook: y\n"),
            "a second document begins here",
        ),
        (format!("%YAML 1.1\n---\n{PLAIN}"), "this is not YAML"),
    ];

    for (text, expected) in cases {
        let told = told(&text);
        assert!(
            told.iter().any(|one| one.contains(expected)),
            "{expected}: {told:?}"
        );
    }
}

#[test]
fn a_value_of_the_wrong_shape_is_refused() {
    let end = |line: &str| format!("{PLAIN}{line}\n");
    let guardrail = |inner: &str| end(&format!("guardrail: {{ {inner}, on_breach: ask }}"));
    let cases = [
        (
            with("- disable_agent", "- disable_agent: { optional: yes }"),
            "11:32 `optional` is `yes`, not true or false",
        ),
        (
            with("- disable_agent", "- disable_agent: { optional: \"true\" }"),
            "11:32 `optional` is `true`, not true or false",
        ),
        (
            with("[signInSpike]", "signInSpike"),
            "4:14 `detection` must be a list, not a text",
        ),
        (
            guardrail("entities_max: 0, window: 1m"),
            "12:28 `entities_max` is not a number from 1 to 1000",
        ),
        (
            guardrail("entities_max: 0x5, window: 1m"),
            "12:28 `entities_max` is not a number from 1 to 1000",
        ),
        (
            guardrail("entities_max: 5, window: 5"),
            "12:39 `window` is `5`, not a length of time; it needs a unit: 5s, 5m, 5h or 5d",
        ),
        (
            guardrail("entities_max: 5, window: 30d"),
            "12:39 `window` must lie between 10s and 7d",
        ),
        (end("hold: { for: 7d }"), "12:1 `then` is missing"),
        (
            with("summary: Stop the agent.", "summary:"),
            "2:8 `summary` is empty",
        ),
        (
            with("summary: Stop the agent.", "summary: ~"),
            "2:10 `summary` is empty",
        ),
        (
            end("owner: [soc]"),
            "12:8 `owner` must be a text, not a list",
        ),
    ];

    for (text, expected) in cases {
        assert_eq!(told(&text), [expected]);
    }
}

#[test]
fn a_trigger_must_be_exact() {
    let cases = [
        (
            with("[signInSpike]", "[]"),
            "4:3 `detection` names no detection type; a playbook answers the detections it names, never all of them",
        ),
        (
            with("[signInSpike]", "[signinspike]"),
            "4:15 unknown detection type `signinspike`; did you mean `signInSpike`?",
        ),
        (
            with("[signInSpike]", "[signInSpike, signInSpike]"),
            "4:28 `signInSpike` is named twice",
        ),
        (
            with("[signInSpike]", "[signInSpike]\n  severity: 3"),
            "5:13 unknown severity `3`; expected one of informational, low, medium, high, critical, or such as `high+`",
        ),
        (
            with("[signInSpike]", "[signInSpike]\n  severity: hihg+"),
            "5:13 unknown severity `hihg+`; did you mean `high+`?",
        ),
        (
            with("[signInSpike]", "[signInSpike]\n  source: [Sentinel]"),
            "5:12 `Sentinel` is not the name of a source; one is 1 to 64 lower-case letters, digits, `-` and `_`",
        ),
        (
            with("[signInSpike]", "[signInSpike]\n  sorce: [sentinel]"),
            "5:3 unknown key in `trigger` `sorce`; did you mean `source`?",
        ),
    ];

    for (text, expected) in cases {
        assert_eq!(told(&text), [expected]);
    }
}

#[test]
fn steps_must_fit_what_the_playbook_acts_on() {
    let cases = [
        (
            with("entity: agent", "entity: blueprint")
                + "guardrail: { entities_max: 1, window: 1h, on_breach: ask }\n",
            "11:5 `disable_agent` cannot be done to entity `blueprint`; it is done to `agent`",
        ),
        (
            with("- disable_agent", "- disable_agent_user"),
            "11:5 `disable_agent_user` reaches the agent's users, not the agent; add `also: [agent_users]`, which says that they are stopped too",
        ),
        (
            with("- disable_agent", "- disable_agent\n  - disable_agent"),
            "12:5 `disable_agent` stands here twice",
        ),
        (
            with("entity: agent", "entity: agent_user\nalso: [agent_users]")
                .replace("- disable_agent", "- disable_agent_user"),
            "9:1 `also` adds nothing to entity `agent_user`; only an `agent` has users beside it: leave the key out",
        ),
        (
            with("  - disable_agent\n", "  []\n"),
            "10:1 `steps` is empty: this playbook does nothing",
        ),
    ];

    for (text, expected) in cases {
        assert_eq!(told(&text), [expected]);
    }
}

#[test]
fn a_playbook_must_say_what_it_is_and_what_the_unknown_means() {
    let cases = [
        (
            with("playbook: x", "playbook: y"),
            "1:11 the file is not named after its playbook; name the file `y.yaml`",
        ),
        (
            with("playbook: x", "playbook: by-hand"),
            "1:11 `by-hand` is the name of what a person orders",
        ),
        (
            with("on_unknown: observe\n", ""),
            "5:1 this playbook does not say what an unknown clause means; add `on_unknown: observe`: what cannot be known is watched, not contained",
        ),
        (with("mode: observe\n", ""), "1:1 `mode` is missing"),
        (
            with("fresh:", "Fresh One:"),
            "6:3 `Fresh One` is not the name of a clause; one is 1 to 64 lower-case letters, digits and `_`",
        ),
        (
            "".to_owned(),
            "1:1 this file holds no playbook; it begins with `playbook: NAME`",
        ),
        (
            "- a\n".to_owned(),
            "1:1 a playbook must be a map, not a list",
        ),
    ];

    for (text, expected) in cases {
        assert_eq!(told(&text), [expected]);
    }
}

#[test]
fn remarks_refuse_nothing() {
    let text = PLAIN
        .replace("[signInSpike]", "[contosoHoneytoken]")
        .replace("mode: observe", "mode: enforce")
        .replace("entity: agent", "entity: agent\nalso: [agent_users]");

    let remarks = taken(&text).remarks;

    let told: Vec<(Level, &str)> = remarks
        .iter()
        .map(|fault| (fault.level, fault.what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                Level::Warning,
                "detection type `contosoHoneytoken` is not on the shipped list"
            ),
            (Level::Warning, "no step reaches the agent's users"),
            (Level::Warning, "this playbook enforces without a guardrail"),
        ]
    );
}

#[test]
fn line_endings_and_byte_order_marks_change_nothing() {
    let windows = PLAIN.replace('\n', "\r\n");
    let marked = format!("\u{feff}{PLAIN}");

    for text in [windows.as_str(), marked.as_str()] {
        let playbook = taken(text).playbook;

        assert_eq!(playbook.steps, taken(PLAIN).playbook.steps);
        assert_eq!(playbook.when, taken(PLAIN).playbook.when);
    }
    let misspelt = windows.replace("disable_agent", "disabel_agent");
    assert_eq!(
        told(&misspelt),
        ["11:5 unknown action `disabel_agent`; did you mean `disable_agent`?"]
    );
}

#[test]
fn too_many_faults_are_counted_rather_than_told() {
    let text = PLAIN.to_owned() + &"mode: observe\n".repeat(1_000);

    let all = faults(&text);

    assert_eq!(all.len(), crate::catalog::FAULTS_MAX + 1);
    let last = all.last().unwrap();
    assert_eq!(last.what, "960 more faults in this file are not shown");
}
