//! The shipped playbooks: valid, called by what they say, and no more powerful than we ask for.

use std::collections::{BTreeMap, BTreeSet};

use estop::catalog::{Catalog, Level, lint};
use estop::domain::action::Action;
use estop::domain::detection::{Detection, DetectionType, Severity, Sighting, SourceName};
use estop::domain::entity::{Entity, ObjectId};
use estop::domain::id::DetectionId;
use estop::domain::moment::Moment;
use estop::domain::permission::Profile;
use estop::domain::playbook::{Call, Mode, Playbook};
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
        severity: playbook
            .trigger
            .severity
            .map_or(Severity::High, |band| band.from),
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
        called: None,
    }
}

#[test]
fn every_shipped_playbook_is_called_by_each_detection_it_names() {
    let catalog = Catalog::shipped_as_recommended().unwrap();

    let by_detections = |call: &Call| matches!(call, Call::Each);
    for loaded in catalog.all() {
        if !by_detections(&loaded.playbook.trigger.call) {
            continue;
        }
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
    let mut needed: BTreeMap<Profile, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    let catalog = Catalog::shipped().unwrap();
    let shipped = catalog
        .all()
        .flat_map(|loaded| loaded.playbook.steps.iter());
    // A person may order a blueprint to be contained, and everything is read back.
    let always = [Action::DisableBlueprint, Action::Verify];
    for action in shipped.map(|step| step.action).chain(always) {
        for permission in action.permissions() {
            let of_profile = needed.entry(action.profile()).or_default();
            of_profile
                .entry(permission)
                .or_default()
                .insert(action.word());
        }
    }

    let written = std::fs::read_to_string(root("deploy/permissions.json")).unwrap();
    let written: serde_json::Value = serde_json::from_str(&written).unwrap();

    for (key, profile) in [
        ("application", Profile::Agents),
        ("classic", Profile::Classic),
        ("eradicate", Profile::Eradicate),
    ] {
        let needed = needed.remove(&profile).unwrap_or_default();
        let expected = serde_json::to_string_pretty(&needed).unwrap();
        assert_eq!(
            written[key],
            serde_json::json!(needed),
            "{key} should be {expected}"
        );
    }
}

#[test]
fn the_catalogue_page_is_what_the_shipped_playbooks_say() {
    let page = Catalog::shipped().unwrap().page();
    let beside = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("CATALOG.md");
    std::fs::write(&beside, &page).unwrap();

    let kept = std::fs::read_to_string(root("playbooks/CATALOG.md")).unwrap_or_default();

    let fix = format!("cp {} playbooks/CATALOG.md", beside.display());
    assert!(kept == page, "{fix}");
}

#[test]
fn every_known_detection_type_has_a_shipped_playbook_or_a_reason() {
    let repeats = ["riskyAgent"];
    let hygiene = [
        "blueprintCredentialExpired",
        "agentHttpApplicationPermissions",
    ];
    let for_people_alone = ["estopUnrecordedChange"];
    let left_out = [&repeats[..], &hygiene, &for_people_alone].concat();
    let catalog = Catalog::shipped().unwrap();
    let answered: BTreeSet<&str> = catalog
        .all()
        .flat_map(|loaded| &loaded.playbook.trigger.detection)
        .map(DetectionType::as_str)
        .collect();

    let unanswered: Vec<&str> = estop::catalog::detection_types()
        .filter(|known| !answered.contains(known))
        .collect();

    assert_eq!(unanswered, left_out);
}
