//! What ships is proved, described and well formed.

use std::path::Path;

use estop::catalog::{Catalog, formatted, playbook_schema, proved, read, read_cases, test_schema};
use estop::cli::Exit;

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
