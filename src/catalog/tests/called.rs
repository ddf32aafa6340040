//! What calls a playbook beside one detection, as authors write it and as they are told.

use super::{Catalog, agent, detection, noon, taken, told, with};
use crate::catalog::{Code, Facts, Level};
use crate::domain::decision::Truth;
use crate::domain::entity::{Entity, EntityKind};
use crate::domain::param::{Param, ParamKind};
use crate::domain::playbook::{Call, PlaybookName, Reach};
use crate::domain::reach::{Called, Reached};
use crate::domain::trigger::{Counted, Finding};

const TRIGGER: &str = "trigger:\n  detection: [signInSpike]\n";

/// A playbook for blueprints, with this trigger.
fn of_blueprints(trigger: &str) -> String {
    with(TRIGGER, trigger)
        .replace(
            "entity: agent\n",
            "entity: blueprint\nguardrail: { entities_max: 1, window: 1h, on_breach: ask }\n",
        )
        .replace("disable_agent", "disable_blueprint")
}

#[test]
fn each_way_of_being_called_is_read() {
    let outbreak = of_blueprints(
        "trigger:\n  detection: [signInSpike]\n  together: { agents: 3, within: 10m }\n",
    );
    let outbreak = taken(&outbreak);
    let clock = taken(&with(
        TRIGGER,
        "trigger: { schedule: \"0 6 * * 1\", find: ownerless }\n",
    ));
    let person = taken(&with(
        TRIGGER,
        "trigger: { manual: { change: text, hours: number } }\n",
    ));

    let together = outbreak.playbook.trigger.together().unwrap();
    assert_eq!((together.least, together.of), (3, Counted::Agents));
    let Call::Schedule { find, .. } = &clock.playbook.trigger.call else {
        panic!("{:?}", clock.playbook.trigger);
    };
    assert_eq!(*find, Finding::Ownerless);
    let Call::Manual { params } = &person.playbook.trigger.call else {
        panic!("{:?}", person.playbook.trigger);
    };
    assert_eq!(params["hours"], ParamKind::Number);
}

/// Triggers and ways that are refused, each with what is said.
fn misfits() -> Vec<(String, &'static str)> {
    vec![
        (
            with(
                TRIGGER,
                "trigger: { schedule: \"0 6 * * 1\", find: orphaned, severity: high }\n",
            ),
            "`severity` does not go with `schedule`",
        ),
        (
            with(
                TRIGGER,
                "trigger: { schedule: \"61 6 * * 1\", find: orphaned }\n",
            ),
            "is not a schedule",
        ),
        (
            with(
                TRIGGER,
                "trigger: { schedule: \"0 6 * * 1\", find: expiring_credential, within: 30d }\n",
            ),
            "this trigger calls for no `agent`; `expiring_credential` is said of `blueprint`",
        ),
        (
            with(
                TRIGGER,
                "trigger: { schedule: \"0 6 * * 1\", find: expiring_credential }\n",
            ),
            "say how long before its end",
        ),
        (
            with(
                "  detection: [signInSpike]\n",
                "  detection: [signInSpike]\n  find: orphaned\n",
            ),
            "`find` belongs to `schedule`",
        ),
        (
            with(
                "  detection: [signInSpike]\n",
                "  detection: [signInSpike]\n  together: { agents: 3, within: 10m }\n",
            ),
            "detections are counted by blueprint",
        ),
        (
            of_blueprints(
                "trigger:\n  detection: [signInSpike]\n  together: { agents: 1, within: 10m }\n",
            ),
            "one alone is not together",
        ),
        (
            with("entity: agent\n", "entity: agent\nvia: [agent]\n"),
            "no `agent` is reached by `agent`; it is reached by agent_user, owner, sponsor, maker, consent",
        ),
        (
            with("mode: observe\n", "mode: enforce\nvia: [owner]\n"),
            "what is reached here is only ever proposed; write `mode: ask`",
        ),
        (
            with(
                "age(detection.detected_at) < duration(\"7d\")",
                "param.change == \"x\"",
            ),
            "name parameters in `trigger: { manual",
        ),
    ]
}

#[test]
fn what_does_not_go_together_is_refused_with_what_would() {
    for (text, wanted) in misfits() {
        let told = told(&text);
        assert!(
            told.iter().any(|one| one.contains(wanted)),
            "{wanted}\n{told:?}"
        );
    }
}

#[test]
fn a_parameter_without_a_name_is_refused() {
    for name in ["\"\"", "Case", "the-case"] {
        let manual = format!("trigger: {{ manual: {{ {name}: text }} }}\n");
        let told = told(&with(TRIGGER, &manual));

        let refused = |one: &String| one.contains("is not the name of a parameter");
        assert!(told.iter().any(refused), "{name}: {told:?}");
    }
}

#[test]
fn a_clause_may_ask_for_a_named_parameter_by_its_kind() {
    let text = |clause| {
        with(TRIGGER, "trigger: { manual: { hours: number } }\n")
            .replace("age(detection.detected_at) < duration(\"7d\")", clause)
    };
    let loaded = taken(&text("param.hours > 4"));
    let mut said = detection("estop.person");
    said.called = Some(Box::new(Called {
        playbook: PlaybookName::new("x").unwrap(),
        params: [("hours".to_owned(), Param::Number(5))].into(),
        requester: None,
        ask_first: false,
    }));

    let facts = Facts::new(&said, &agent(), noon());

    assert_eq!(loaded.when[0].value(&facts).truth, Truth::True);
    assert!(told(&text("param.hour > 4"))[0].contains("did you mean `param.hours`"));
    assert!(told(&text("param.hours == \"4\""))[0].contains("cannot compare"));
}

#[test]
fn a_playbook_that_is_called_otherwise_answers_no_detection_by_itself() {
    for trigger in [
        "trigger: { schedule: \"0 6 * * 1\", find: ownerless }\n",
        "trigger: { manual: {} }\n",
    ] {
        let text = with(TRIGGER, trigger);
        let catalog = Catalog::of_texts([("x.yaml", text.as_str())]).unwrap_or_else(|_| panic!());

        let considered = catalog.considered(&detection("signInSpike"), &agent(), noon());

        assert!(!considered[0].matched);
        assert!(considered[0].why_not.is_some());
    }
}

#[test]
fn only_the_playbook_that_is_called_answers() {
    let manual = with(TRIGGER, "trigger: { manual: {} }\n");
    let other = manual.replace("playbook: x", "playbook: y");
    let files = [("x.yaml", manual.as_str()), ("y.yaml", other.as_str())];
    let catalog = Catalog::of_texts(files).unwrap_or_else(|_| panic!());
    let mut said = detection("estop.person");
    said.called = Some(Box::new(Called {
        playbook: PlaybookName::new("y").unwrap(),
        params: [].into(),
        requester: None,
        ask_first: false,
    }));

    let considered = catalog.considered(&said, &agent(), noon());

    let matched: Vec<bool> = considered.iter().map(|one| one.matched).collect();
    assert_eq!(matched, [false, true]);
}

#[test]
fn whoever_is_reached_is_answered_only_by_a_playbook_that_says_so() {
    let via = with("entity: agent\n", "entity: agent\nvia: [agent_user]\n");
    let plain = with("playbook: x", "playbook: y");
    let files = [("x.yaml", via.as_str()), ("y.yaml", plain.as_str())];
    let catalog = Catalog::of_texts(files).unwrap_or_else(|_| panic!());
    let mut reached = agent();
    reached.background = Some(crate::domain::detection::Background {
        kind: EntityKind::Agent,
        tags: [].into(),
        kin: vec![],
        reached: vec![Reached {
            by: Reach::AgentUser,
            from: Entity::agent_user(reached.entity.id),
        }],
        unproposable: None,
    });
    let said = detection("signInSpike");

    let by_way = catalog.considered(&said, &reached, noon());
    let named = catalog.considered(&said, &agent(), noon());

    let matched = |all: &[crate::domain::decision::Considered]| -> Vec<bool> {
        all.iter().map(|one| one.matched).collect()
    };
    assert_eq!(matched(&by_way), [true, false]);
    assert_eq!(matched(&named), [true, true]);
    assert_eq!(catalog.reaches(&said), [Reach::AgentUser].into());
}

#[test]
fn a_stronger_playbook_that_leaves_steps_out_is_told_before_it_takes_anothers_place() {
    let asked = "approval: { from: [soc], within: 5m, on_timeout: keep }\n";
    let mode = |mode: &str, recommended: &str| {
        format!("mode: {mode}\nrecommended: {recommended}\n{asked}")
    };
    let more = with(
        "steps:\n",
        "also: [agent_users]\nsteps:\n  - disable_agent_user\n",
    );
    let weakened = |less: &str, more_mode: &str| {
        let folder = tempfile::tempdir().unwrap();
        let less = with("playbook: x", "playbook: a").replace("mode: observe\n", less);
        std::fs::write(folder.path().join("a.yaml"), less).unwrap();
        let more = more.replace("mode: observe\n", more_mode);
        std::fs::write(folder.path().join("x.yaml"), more).unwrap();
        let told = crate::catalog::lint(&[folder.path().to_path_buf()]);
        let about = told.iter().filter(|one| one.code == Code::Weakened);
        about
            .map(|one| (one.level, one.to_string()))
            .collect::<Vec<_>>()
    };

    let by_mode = weakened(&mode("observe", "ask"), "mode: observe\n");
    let by_name = weakened(&mode("ask", "observe"), &mode("ask", "ask"));
    let never = weakened("mode: observe\n", &mode("observe", "ask"));

    for told in [by_mode, by_name] {
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, Level::Warning);
        assert!(told[0].1.contains("leaves out disable_agent_user"));
    }
    assert_eq!(never, []);
}
