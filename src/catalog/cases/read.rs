//! A test file's text to its cases.

use super::{
    ADVANCE, CASE, CASES_MAX, Case, Cases, DETECTION, FAULT, FAULTS_MAX, FILE, Injected, Mishap,
    RehearsedMode, Said, TIMES_MAX, called, expect, people,
};
use crate::catalog::code::Code;
use crate::catalog::fault::{Fault, Faults};
use crate::catalog::fields::{self, Map, Words};
use crate::catalog::yaml::{self, Entry, Node, Shape, short};
use crate::catalog::{read::LINE_MAX, steps};
use crate::domain::action::Action;
use crate::domain::detection::{DetectionType, Severity, SourceName};
use crate::domain::entity::EntityKind;
use crate::domain::playbook::PlaybookName;

/// Who says so, where a case does not.
pub(super) const SOURCE: &str = "rehearsal";
/// How old a detection is, where a case does not say.
const AGE: &str = "1m";

/// Reads one test file. `file` is only for messages and the name: `x/NAME.test.yaml` must hold the
/// cases of the playbook `NAME`.
///
/// # Errors
/// Everything that was found wrong, at most [`crate::catalog::FAULTS_MAX`].
pub fn read_cases(file: &str, text: &str) -> Result<Cases, Vec<Fault>> {
    let mut faults = Faults::none_in(file, text);
    let read = yaml::tree(text, &mut faults).and_then(|root| {
        let map = Map::of(&root, "a test file", &(0..0), &mut faults)?;
        whole(&map, file, &mut faults)
    });
    match read {
        Some(cases) if !faults.refuse() => Ok(cases),
        Some(_) | None => {
            if !faults.refuse() {
                faults
                    .error(&(0..text.len().min(1)), "this file holds no cases")
                    .coded(Code::Missing)
                    .help("it begins with `playbook: NAME`, and then `cases:`");
            }
            Err(faults.told())
        }
    }
}

fn whole(map: &Map<'_>, file: &str, faults: &mut Faults) -> Option<Cases> {
    map.only(&FILE, faults);
    let playbook = map
        .must("playbook", faults)
        .and_then(|entry| name(entry, file, faults));
    let cases = map.must("cases", faults).and_then(|entry| {
        let items = fields::list(&entry.value, "cases", CASES_MAX, faults)?;
        if items.is_empty() {
            faults.error(&entry.key_span, "`cases` is empty: nothing is proved");
        }
        let read: Vec<_> = items.iter().map(|item| case(item, faults)).collect();
        read.into_iter().collect::<Option<Vec<_>>>()
    });
    Some(Cases {
        playbook: playbook?,
        cases: cases?,
    })
}

fn name(entry: &Entry, file: &str, faults: &mut Faults) -> Option<PlaybookName> {
    let word = fields::text(&entry.value, "playbook", faults)?;
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
    if stem != format!("{word}.test.yaml") {
        faults
            .error(
                &entry.value.span,
                "the file is not named after the playbook it proves",
            )
            .coded(Code::Misnamed)
            .because(format!("the file is `{}`", short(stem)))
            .help(format!("name the file `{word}.test.yaml`"));
        return None;
    }
    PlaybookName::new(word)
}

fn case(node: &Node, faults: &mut Faults) -> Option<Case> {
    let map = Map::of(node, "a case", &node.span, faults)?;
    map.only(&CASE, faults);
    let name = map.must("case", faults).and_then(|entry| {
        let text = fields::text(&entry.value, "case", faults)?;
        if text.chars().count() > LINE_MAX {
            let what = format!("`case` is longer than {LINE_MAX} characters");
            faults.error(&entry.value.span, what);
            return None;
        }
        Some(text.trim().to_owned())
    });
    let called = called::read(&map, faults);
    let said = match &called {
        Some(Some((said, _))) => Some(said.clone()),
        Some(None) => map
            .must("detection", faults)
            .and_then(|entry| said(entry, faults)),
        None => None,
    };
    let injected = match map.get("faults") {
        Some(entry) => injected(entry, faults),
        None => Some(Vec::new()),
    };
    let people = people::read(map.get("people"), faults);
    let advance = match map.get("advance") {
        Some(entry) => fields::time(&entry.value, "advance", ADVANCE, faults).map(Some),
        None => Some(None),
    };
    let mode = match map.get("mode") {
        Some(entry) => mode(entry, faults),
        None => Some(RehearsedMode::AsRecommended),
    };
    let expect = map
        .must("expect", faults)
        .and_then(|entry| expect::read(entry, faults));
    Some(Case {
        name: name?,
        line: faults.line_of(node.span.start),
        said: said?,
        called: called?.map(|(_, params)| params),
        faults: injected?,
        people: people?,
        advance: advance?,
        mode: mode?,
        expect: expect?,
    })
}

fn mode(entry: &Entry, faults: &mut Faults) -> Option<RehearsedMode> {
    let words = Words {
        noun: "mode of a rehearsal",
        known: &RehearsedMode::WORDS,
        later: &[],
    };
    match words.read(&entry.value, faults)? {
        "as_written" => Some(RehearsedMode::AsWritten),
        _ => Some(RehearsedMode::AsRecommended),
    }
}

fn said(entry: &Entry, faults: &mut Faults) -> Option<Said> {
    let map = Map::of(&entry.value, "detection", &entry.key_span, faults)?;
    map.only(&DETECTION, faults);
    let detection_type = map.must("type", faults).and_then(|entry| {
        let word = fields::text(&entry.value, "type", faults)?;
        named(
            DetectionType::new(word),
            (entry, "a detection type"),
            faults,
        )
    });
    let severity = map.must("severity", faults).and_then(|entry| {
        let words = Words {
            noun: "severity",
            known: &Severity::ALL.map(Severity::word),
            later: &[],
        };
        Severity::from_word(words.read(&entry.value, faults)?)
    });
    let source = match map.get("source") {
        None => SourceName::new(SOURCE),
        Some(entry) => fields::text(&entry.value, "source", faults).and_then(|word| {
            named(
                SourceName::new(word),
                (entry, "the name of a source"),
                faults,
            )
        }),
    };
    let entity = map
        .must("entity", faults)
        .and_then(|entry| fields::text(&entry.value, "entity", faults));
    let kind = match map.get("kind") {
        None => Some(None),
        Some(entry) => kind(entry, faults).map(Some),
    };
    let age = age(map.get("age"), faults);
    let confidence = match map.get("confidence") {
        None => Some(None),
        Some(entry) => fields::number(&entry.value, "confidence", 100, faults)
            .map(|sure| u8::try_from(sure).ok()),
    };
    Some(Said {
        detection_type: detection_type?,
        severity: severity?,
        source: source?,
        entity: entity?.to_owned(),
        kind: kind?,
        age: age?,
        confidence: confidence?,
    })
}

fn named<T>(name: Option<T>, (entry, noun): (&Entry, &str), faults: &mut Faults) -> Option<T> {
    if name.is_none() {
        faults.error(&entry.value.span, format!("this is not {noun}"));
    }
    name
}

fn kind(entry: &Entry, faults: &mut Faults) -> Option<EntityKind> {
    let words = Words {
        noun: "entity kind",
        known: &EntityKind::ALL.map(EntityKind::word),
        later: &[],
    };
    EntityKind::from_word(words.read(&entry.value, faults)?)
}

/// `unknown` is a sensor that does not say when it noticed.
fn age(entry: Option<&Entry>, faults: &mut Faults) -> Option<Option<crate::domain::moment::Span>> {
    match entry.map(|entry| &entry.value) {
        None => Some(crate::domain::moment::Span::parse(AGE)),
        Some(Node {
            shape: Shape::Text { text, .. },
            ..
        }) if text == "unknown" => Some(None),
        Some(node) => fields::time(node, "age", ADVANCE, faults).map(Some),
    }
}

fn injected(entry: &Entry, faults: &mut Faults) -> Option<Vec<Injected>> {
    let items = fields::list(&entry.value, "faults", FAULTS_MAX, faults)?;
    let read: Vec<_> = items.iter().map(|item| one_fault(item, faults)).collect();
    read.into_iter().collect()
}

fn one_fault(node: &Node, faults: &mut Faults) -> Option<Injected> {
    let map = Map::of(node, "a fault", &node.span, faults)?;
    if let Some(old) = map.get("on") {
        // Until `at` took its place: a reader of YAML 1.1 takes a bare `on` for true.
        faults
            .error(&old.key_span, "unknown key of a fault `on`")
            .coded(Code::UnknownWord)
            .meant(Some("at"));
        return None;
    }
    map.only(&FAULT, faults);
    let at = map
        .must("at", faults)
        .and_then(|entry| action(fields::text(&entry.value, "at", faults)?, entry, faults));
    let goes = map.must("goes", faults).and_then(|entry| {
        let words = Words {
            noun: "mishap",
            known: &Mishap::ALL.map(Mishap::word),
            later: &[],
        };
        let word = words.read(&entry.value, faults)?;
        Mishap::ALL.into_iter().find(|mishap| mishap.word() == word)
    });
    let times = match map.get("times") {
        None => Some(Some(1)),
        Some(entry) => match &entry.value.shape {
            Shape::Text { text, .. } if text == "always" => Some(None),
            Shape::Text { .. } | Shape::List(_) | Shape::Map(_) | Shape::Reported => {
                fields::number(&entry.value, "times", TIMES_MAX, faults).map(Some)
            }
        },
    };
    Some(Injected {
        at: at?,
        goes: goes?,
        times: times?,
    })
}

/// The action this word names, `verify` included.
pub(super) fn action(word: &str, entry: &Entry, faults: &mut Faults) -> Option<Action> {
    let known = all_actions();
    let words = Words {
        noun: "action",
        known: &known,
        later: &[],
    };
    let found = words.check(word, &entry.key_span, faults);
    found.then(|| Action::from_word(word)).flatten()
}

/// The actions a case may speak of: those of a playbook, and reading back.
pub(in crate::catalog) fn all_actions() -> Vec<&'static str> {
    let mut known = steps::actions();
    known.push(Action::Verify.word());
    known
}
