//! Files that people write: playbooks, their tests, their conditions, the configuration. A fault
//! points into the file; what is taken says the same when it is written in the one form.

use std::collections::BTreeMap;
use std::path::Path;

use estop::catalog::{Catalog, FAULTS_MAX, Fault, Level, formatted, read, read_cases};
use estop::config::{Config, Overrides};
use estop::domain::decision::Truth;
use estop::domain::detection::{
    Background, Detection, DetectionType, Severity, Sighting, SourceName,
};
use estop::domain::entity::{Entity, EntityKind, ObjectId};
use estop::domain::id::DetectionId;
use uuid::Uuid;

use super::now;

pub fn playbook(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let loaded = match read("x.yaml", text) {
        Ok(loaded) => loaded,
        Err(faults) => return told(&faults, text),
    };
    assert_eq!(loaded.playbook.name.as_str(), "x");
    assert!(!loaded.playbook.steps.is_empty());
    assert!(loaded.remarks.iter().all(|it| it.level != Level::Error));
    let Ok(form) = formatted("x.yaml", text) else {
        return;
    };
    let again = read("x.yaml", &form).unwrap_or_else(|faults| panic!("{faults:?}"));
    let digest = |it: &estop::domain::playbook::Playbook| {
        let mut it = it.clone();
        it.digest.clear();
        it
    };
    assert_eq!(digest(&again.playbook), digest(&loaded.playbook), "{form}");
}

pub fn playbook_test(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let cases = match read_cases("x.test.yaml", text) {
        Ok(cases) => cases,
        Err(faults) => return told(&faults, text),
    };
    assert!(!cases.cases.is_empty());
    let lines = text.lines().count();
    assert!(
        cases
            .cases
            .iter()
            .all(|case| (1..=lines).contains(&case.line))
    );
    if let Ok(form) = formatted("x.test.yaml", text) {
        let again = read_cases("x.test.yaml", &form).unwrap();
        let unplaced = |mut cases: estop::catalog::Cases| {
            cases.cases.iter_mut().for_each(|case| case.line = 0);
            cases
        };
        assert_eq!(unplaced(again), unplaced(cases), "{form}");
    }
}

/// Formatting is done once: what has the one form stays.
pub fn playbook_format(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    for file in ["x.yaml", "x.test.yaml"] {
        match formatted(file, text) {
            Ok(form) => assert_eq!(formatted(file, &form).as_ref(), Ok(&form)),
            Err(faults) => told(&faults, &text.replace("\r\n", "\n")),
        }
    }
}

/// Faults point into the text, are not too many, and can be drawn.
fn told(faults: &[Fault], text: &str) {
    assert!((1..=FAULTS_MAX).contains(&faults.len()));
    assert!(faults.iter().any(|fault| fault.level == Level::Error));
    for fault in faults {
        assert!(fault.span.start <= fault.span.end && fault.span.end <= text.len());
        assert!(
            fault.line <= text.lines().count() + 1,
            "line {}",
            fault.line
        );
        assert!(!fault.to_string().is_empty() && !fault.coloured().is_empty());
    }
}

/// A condition is bounded before it is compiled, comes to the same value each time, and does not
/// guess: with everything known it may be true or false, and it is unknown where a field it reads is
/// not known and nothing else decides.
pub fn clause(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let quoted = serde_json::to_string(text).unwrap();
    let playbook = format!(
        "playbook: x\nsummary: Stop the agent.\ntrigger:\n  detection: [signInSpike]\nwhen:\n  \
         it: {quoted}\non_unknown: observe\nentity: agent\nmode: observe\nsteps:\n  - disable_agent\n"
    );
    let catalog = match Catalog::of_texts([("x.yaml", playbook.as_str())]) {
        Ok(catalog) => catalog,
        Err(faults) => return told(&faults, &playbook),
    };
    let detection = detection();
    for sighting in &detection.entities {
        let weighed = || catalog.considered(&detection, sighting, now());
        let value = weighed().remove(0).when.remove(0);
        assert_eq!(weighed().remove(0).when.remove(0), value);
        assert_eq!(value.text, text);
        assert_eq!(value.because.is_some(), value.truth == Truth::Unknown);
        let denied = format!("!({text})");
        if let Some(other) = weighed_once(&denied, &detection, sighting) {
            let opposite = match value.truth {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            };
            assert_eq!(other, opposite, "{denied}");
        }
    }
}

fn weighed_once(text: &str, detection: &Detection, sighting: &Sighting) -> Option<Truth> {
    let quoted = serde_json::to_string(text).unwrap();
    let playbook = format!(
        "playbook: x\nsummary: Stop the agent.\ntrigger:\n  detection: [signInSpike]\nwhen:\n  \
         it: {quoted}\non_unknown: observe\nentity: agent\nmode: observe\nsteps:\n  - disable_agent\n"
    );
    let catalog = Catalog::of_texts([("x.yaml", playbook.as_str())]).ok()?;
    let value = catalog.considered(detection, sighting, now()).remove(0);
    Some(value.when[0].truth)
}

/// One entity of which much is known, and one of which nothing is.
fn detection() -> Detection {
    let id = ObjectId::from_uuid(Uuid::from_u128(1 << 64 | 1));
    let known = Sighting {
        entity: Entity::agent(id),
        tenant: Some(id),
        found_at: "entities[0]".to_owned(),
        blueprint: Some(id),
        background: Some(Background {
            kind: EntityKind::Agent,
            tags: BTreeMap::from([("env".to_owned(), "sandbox".to_owned())]),
            kin: vec![id],
            reached: Vec::new(),
            unproposable: None,
        }),
    };
    let stranger = Sighting {
        tenant: None,
        blueprint: None,
        background: None,
        ..known.clone()
    };
    Detection {
        id: DetectionId::from_uuid(Uuid::from_u128(9)),
        key: "k".to_owned(),
        source: SourceName::new("sentinel").unwrap(),
        detection_type: DetectionType::new("signInSpike").unwrap(),
        severity: Severity::High,
        confidence: None,
        activity_at: None,
        detected_at: Some(now().minus(std::time::Duration::from_secs(3600))),
        received_at: now(),
        entities: vec![known, stranger],
        incident: None,
        remarks: Vec::new(),
        called: None,
    }
}

/// A configuration is refused with words, or taken as it stands; and with one key more than we know
/// it is refused.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("estop.yaml");
    let taken = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Config::read(&path, &Overrides::default())
    };
    match taken(text) {
        Err(bad) => assert!(!bad.0.is_empty()),
        Ok(config) => {
            if let Some(file) = config.store.file() {
                lies_there(file, folder.path());
            }
            let more = format!("{}\nprotectet: []\n", text.trim_end());
            assert!(taken(&more).is_err(), "an unknown key was taken");
        }
    }
}

/// A path is relative to the file that names it, unless it is whole.
fn lies_there(path: &Path, folder: &Path) {
    assert!(path.starts_with(folder) || path.is_absolute(), "{path:?}");
}
