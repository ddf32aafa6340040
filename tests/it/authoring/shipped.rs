//! What ships is proved, described and well formed.

use std::collections::BTreeSet;
use std::path::Path;

use estop::catalog::{
    Case, Catalog, formatted, playbook_schema, proved, read, read_cases, test_schema,
};
use estop::cli::Exit;
use estop::domain::playbook::{Audience, Call, Mode};
use estop::domain::run::RunState;
use serde_json::Value;

use super::{root, shown, types};

#[tokio::test]
async fn every_shipped_playbook_does_what_its_tests_claim() {
    let folder = root("playbooks");

    let ended = types(&["test", shown(&folder)]).await;

    assert_eq!(ended.exit, Exit::Done, "{}", ended.output);
    let all = proved(&[folder]).unwrap_or_else(|faults| panic!("{}", faults[0]));
    assert_eq!(all.len(), Catalog::shipped_files().len());
    for one in all {
        let name = &one.loaded.playbook.name;
        let (_, cases) = one.cases.unwrap_or_else(|| panic!("{name} has no tests"));
        assert!(cases.has_positive() && cases.has_negative(), "{name}");
    }
}

#[test]
fn the_schemas_in_the_repository_are_what_the_parser_knows() {
    for (file, schema) in [
        ("playbooks/playbook.schema.json", playbook_schema()),
        ("playbooks/playbook.test.schema.json", test_schema()),
    ] {
        let kept = std::fs::read_to_string(root(file)).unwrap();
        let wanted = format!("{schema:#}\n");
        let name = file.rsplit('/').next().unwrap();
        let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&beside, &wanted).unwrap();

        assert!(kept == wanted, "cp {} {file}", beside.display());
    }
}

/// What a reader of YAML 1.1 takes for true or false (yaml.org/type/bool.html), in small letters.
const BOOLEANS: [&str; 8] = ["y", "n", "yes", "no", "true", "false", "on", "off"];

/// The names of every key in a schema.
fn keys_in(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (name, inner) in members {
                if let ("properties", Value::Object(keys)) = (name.as_str(), inner) {
                    found.extend(keys.keys().cloned());
                }
                keys_in(inner, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys_in(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn no_key_of_ours_is_a_boolean_to_a_reader_of_yaml_1_1() {
    let mut ours = BTreeSet::new();
    keys_in(&playbook_schema(), &mut ours);
    keys_in(&test_schema(), &mut ours);
    let of_files = ours.len();
    for key in estop::config::keys() {
        ours.extend(key.path.split('.').map(str::to_owned));
    }

    assert!(of_files > 50 && ours.len() > of_files + 50, "{ours:?}");
    for key in ours {
        assert!(!BOOLEANS.contains(&key.to_lowercase().as_str()), "{key}");
    }
}

#[test]
fn the_old_word_for_where_a_fault_strikes_is_refused_with_the_new_one() {
    let text = "playbook: x\ncases:\n  - case: it is throttled\n    \
                detection: { type: signInSpike, severity: high, entity: invoice-bot }\n    \
                faults:\n      - { on: disable_agent, goes: throttled }\n    \
                expect: { decision: respond }\n";

    let faults = read_cases("x.test.yaml", text).unwrap_err();

    assert_eq!(faults.len(), 1, "{}", faults[0]);
    assert_eq!(faults[0].what, "unknown key of a fault `on`");
    assert_eq!(faults[0].help.as_deref(), Some("did you mean `at`?"));
    let mended = text.replace("{ on:", "{ at:");
    assert!(read_cases("x.test.yaml", &mended).is_ok());
}

#[test]
fn every_shipped_playbook_that_asks_shows_a_yes_and_silence_and_each_tells_whom_it_should() {
    let all = proved(&[root("playbooks")]).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let mut asking = 0;
    for one in all {
        let (playbook, cases) = (&one.loaded.playbook, &one.cases.unwrap().1);
        let name = playbook.name.as_str();
        if playbook.recommended == Some(Mode::Ask) {
            asking += 1;
            assert!(cases.has_approval(), "{name}: nobody agrees in its tests");
            let silent = |case: &Case| case.expect.state == Some(RunState::Expired);
            assert!(cases.cases.iter().any(silent), "{name}: nobody is silent");
        }
        // An investigation is nobody else's to hear of; what the clock or an outbreak calls has no
        // incident of its own.
        let detected = matches!(playbook.trigger.call, Call::Each);
        match name {
            "agent-under-investigation" => assert_eq!(playbook.notify, []),
            _ if detected => assert!(playbook.notify.contains(&Audience::Incident), "{name}"),
            _ => assert_eq!(playbook.notify, [Audience::Sponsors], "{name}"),
        }
    }
    assert!(asking >= 16, "{asking}");
}

#[test]
fn every_shipped_file_names_its_schema_and_has_the_one_form() {
    let mut files = 0;
    for entry in std::fs::read_dir(root("playbooks")).unwrap() {
        let path = entry.unwrap().path();
        let name = shown(&path);
        if !name.ends_with(".yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let schema = if name.ends_with(".test.yaml") {
            "playbook.test.schema.json"
        } else {
            "playbook.schema.json"
        };

        let modeline = format!("# yaml-language-server: $schema={schema}\n");
        assert!(text.starts_with(&modeline), "{name}");
        let done = formatted(name, &text).unwrap_or_else(|faults| panic!("{}", faults[0]));
        assert!(done == text, "estop playbook fmt {name}");
        files += 1;
    }
    assert_eq!(files, 2 * Catalog::shipped_files().len());
}

#[test]
fn every_example_on_the_authoring_page_is_read() {
    let page = std::fs::read_to_string(root("playbooks/README.md")).unwrap();
    let (mut playbooks, mut tests) = (0, 0);

    for block in page.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let name = text.split("playbook: ").nth(1).unwrap().lines().next();
        let name = name.unwrap().split(' ').next().unwrap();
        if text.contains("\ncases:") {
            read_cases(&format!("{name}.test.yaml"), text)
                .unwrap_or_else(|faults| panic!("{}", faults[0]));
            tests += 1;
        } else {
            let file = format!("{name}.yaml");
            read(&file, text).unwrap_or_else(|faults| panic!("{}", faults[0]));
            playbooks += 1;
        }
    }

    assert!(playbooks > 0 && tests > 0);
}
