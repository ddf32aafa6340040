//! The shipped playbooks: valid, called by what they say, and no more powerful than we ask for.

use std::collections::{BTreeMap, BTreeSet};

use estop::catalog::{Catalog, Level, lint};
use estop::domain::action::Action;
use estop::domain::detection::{Detection, DetectionType, Severity, Sighting, SourceName};
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::id::DetectionId;
use estop::domain::moment::Moment;
use estop::domain::playbook::{Mode, Playbook};
use uuid::Uuid;

const NOW: Moment = Moment::from_millis(1_790_000_000_000);

fn root(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn detection(playbook: &Playbook, detection_type: DetectionType) -> Detection {
    let entity = Entity {
        kind: playbook.entity,
        id: ObjectId::from_uuid(Uuid::from_u128(7)),
    };
    Detection {
        id: DetectionId::from_uuid(Uuid::from_u128(1)),
        key: "1".to_owned(),
        source: SourceName::new("sentinel").unwrap(),
        detection_type,
        severity: Severity::High,
        confidence: None,
        activity_at: Some(NOW),
        detected_at: Some(NOW),
        received_at: NOW,
        entities: vec![Sighting {
            entity,
            tenant: None,
            found_at: "entities[0]".to_owned(),
            blueprint: None,
            background: None,
        }],
        incident: None,
        remarks: Vec::new(),
    }
}

#[test]
fn every_shipped_playbook_is_called_by_each_detection_it_names() {
    let catalog = Catalog::shipped_as_recommended().unwrap();

    for loaded in catalog.all() {
        for named in &loaded.playbook.trigger.detection {
            let detection = detection(&loaded.playbook, named.clone());
            let considered = catalog.considered(&detection, &detection.entities[0], NOW);
            let own = considered
                .iter()
                .find(|one| one.playbook == loaded.playbook.name)
                .unwrap();

            assert!(own.matched, "{}: {own:?}", loaded.playbook.name);
        }
    }
}

#[test]
fn no_shipped_playbook_is_called_by_a_detection_it_does_not_name() {
    let catalog = Catalog::shipped_as_recommended().unwrap();

    for loaded in catalog.all() {
        let detection = detection(
            &loaded.playbook,
            DetectionType::new("somethingElse").unwrap(),
        );
        let considered = catalog.considered(&detection, &detection.entities[0], NOW);

        assert!(
            considered.iter().all(|one| !one.matched),
            "{}",
            loaded.playbook.name
        );
    }
}

#[test]
fn shipped_playbooks_are_clean_and_only_observe() {
    let worse: Vec<_> = lint(&[root("playbooks")])
        .into_iter()
        .filter(|fault| fault.level != Level::Note)
        .map(|fault| fault.to_string())
        .collect();
    let catalog = Catalog::shipped().unwrap();

    assert!(worse.is_empty(), "{}", worse.join("\n"));
    for loaded in catalog.all() {
        assert_eq!(
            loaded.playbook.mode,
            Mode::Observe,
            "{}",
            loaded.playbook.name
        );
        assert!(
            loaded.playbook.recommended.is_some(),
            "{}",
            loaded.playbook.name
        );
    }
}

#[test]
fn the_permissions_we_ask_for_are_what_the_shipped_playbooks_need_and_no_more() {
    let mut needed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let catalog = Catalog::shipped().unwrap();
    let shipped = catalog
        .all()
        .flat_map(|loaded| loaded.playbook.steps.iter());
    // A person may order a blueprint to be contained, and everything is read back.
    let always = [Action::DisableBlueprint, Action::Verify];
    for action in shipped.map(|step| step.action).chain(always) {
        for permission in action.permissions() {
            needed.entry(permission).or_default().insert(action.word());
        }
    }

    let written = std::fs::read_to_string(root("deploy/permissions.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();

    let expected = serde_json::to_string_pretty(&needed).unwrap();
    assert_eq!(
        written["application"],
        serde_json::json!(needed),
        "it should be {expected}"
    );
}
