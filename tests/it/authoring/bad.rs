//! Bad playbooks are refused, good ones are taken.

use estop::catalog::{Code, Level, read};

use super::playbook;

/// The plain playbook with a clause.
fn clause(expression: &str) -> String {
    let when = format!("when: {{ c: '{expression}' }}\non_unknown: observe\nentity: agent");
    playbook("x", "observe").replace("entity: agent", &when)
}

fn with(passage: &str, other: &str) -> String {
    let text = playbook("x", "observe");
    assert!(text.contains(passage), "{passage}");
    text.replacen(passage, other, 1)
}

fn uncapped() -> String {
    with("entity: agent", "entity: blueprint")
        .replace("disable_agent", "disable_blueprint")
        .replace("guardrail:", "#")
}

#[test]
fn p06_twenty_bad_playbooks_are_refused_by_name() {
    let always = [
        "true",
        "1 < 2",
        "!false",
        "detection.id == detection.id",
        "detection.severity == \"high\" || true",
        "detection.severity != \"high\" || detection.severity == \"high\"",
        "entity.kind in [\"agent\", \"service_principal\", \"agent_user\", \"user\", \"blueprint\"]",
        "false && detection.confidence > 5",
    ];
    let always = always.map(|expression| (clause(expression), Code::Constant));
    let others = [
        (
            with("entity: agent", "entity: detection.account"),
            Code::UntrustedTarget,
        ),
        (
            with("entity: agent", "entity: \"{{ alert.title }}\""),
            Code::UntrustedTarget,
        ),
        (
            with("entity: agent", "entity: ${TARGET}"),
            Code::UntrustedTarget,
        ),
        (
            with("entity: agent", "entity: \"*\""),
            Code::UntrustedTarget,
        ),
        (
            with("- disable_agent", "- disable_agent: { id: detection.note }"),
            Code::UntrustedTarget,
        ),
        (
            with("- disable_agent", "- disable_agent: { target: everyone }"),
            Code::UntrustedTarget,
        ),
        (with("[threatIntelligenceAccount]", "[]"), Code::WrongValue),
        (
            with("[threatIntelligenceAccount]", "[\"*\"]"),
            Code::WrongValue,
        ),
        (clause("detection.severity == \"High\""), Code::WrongKind),
        (
            clause("entity.display_name == \"payroll\""),
            Code::UnknownName,
        ),
        (
            clause("detection.title.contains(\"agent\")"),
            Code::UnknownName,
        ),
        (uncapped(), Code::Uncapped),
    ];

    let mut refused = 0;
    for (text, code) in always.into_iter().chain(others) {
        let Err(faults) = read("x.yaml", &text) else {
            panic!("taken:\n{text}");
        };
        let errors: Vec<_> = faults
            .iter()
            .filter(|fault| fault.level == Level::Error)
            .map(|fault| (fault.code, fault.what.clone()))
            .collect();
        assert!(
            errors.iter().any(|(it, _)| *it == code),
            "{errors:?}\n{text}"
        );
        refused += 1;
    }
    assert_eq!(refused, 20);
}

#[test]
fn p06_five_good_playbooks_are_taken() {
    let good = [
        playbook("x", "observe"),
        clause("detection.confidence >= 80"),
        clause("!has(detection.confidence) || detection.confidence > 50"),
        clause("age(detection.detected_at) < duration(\"7d\")"),
        clause("!detection.id.matches(\"^test-\") && detection.severity != \"low\""),
    ];

    for text in good {
        assert!(read("x.yaml", &text).is_ok(), "{text}");
    }
}
