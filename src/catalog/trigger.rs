//! What calls a playbook: detection types, sources and severities. What calls it otherwise is read
//! by `calling`.

use super::calling;
use super::code::Code;
use super::fault::Faults;
use super::fields::{self, Map, Words};
use super::suggest;
use super::yaml::{Entry, Node, short};
use crate::domain::detection::{DetectionType, Severity, SourceName};
use crate::domain::playbook::{SeverityBand, Trigger};

/// Most detection types, and most sources, one trigger names.
pub(super) const NAMES_MAX: usize = 50;
/// How many letters off a known detection type counts as a typo of it.
const TYPO_MAX: usize = 2;

pub(super) const KEYS: Words<'static> = Words {
    noun: "key in `trigger`",
    known: &[
        "detection",
        "source",
        "severity",
        "together",
        "schedule",
        "find",
        "within",
        "manual",
    ],
    later: &[],
};

/// The detection types estop knows, as shipped.
pub fn detection_types() -> impl Iterator<Item = &'static str> {
    listed(include_str!("detection_types.txt"))
}

/// The detection types that a planned change sets off by itself, and that may be announced.
pub fn noisy_types() -> impl Iterator<Item = &'static str> {
    listed(include_str!("noisy_types.txt"))
}

fn listed(text: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Reads `trigger`.
pub(super) fn read(entry: &Entry, faults: &mut Faults) -> Option<Trigger> {
    let map = Map::of(&entry.value, "trigger", &entry.key_span, faults)?;
    map.only(&KEYS, faults);
    if let Some(call) = calling::without_detection(&map, faults) {
        return Some(Trigger {
            detection: Vec::new(),
            source: Vec::new(),
            severity: None,
            call: call?,
        });
    }
    let call = calling::with_detection(&map, faults);
    let detection = map
        .must("detection", faults)
        .and_then(|entry| types(entry, faults));
    let source = match map.get("source") {
        Some(entry) => sources(entry, faults),
        None => Some(Vec::new()),
    };
    let severity = match map.get("severity") {
        Some(entry) => band(&entry.value, faults).map(Some),
        None => Some(None),
    };
    Some(Trigger {
        detection: detection?,
        source: source?,
        severity: severity?,
        call: call?,
    })
}

fn types(entry: &Entry, faults: &mut Faults) -> Option<Vec<DetectionType>> {
    let items = fields::list(&entry.value, "detection", NAMES_MAX, faults)?;
    if items.is_empty() {
        faults
            .error(&entry.key_span, "`detection` names no detection type")
            .help("a playbook answers the detections it names, never all of them");
        return None;
    }
    let read: Vec<_> = items.iter().map(|item| one_type(item, faults)).collect();
    no_repeats(items, faults);
    read.into_iter().collect()
}

fn one_type(node: &Node, faults: &mut Faults) -> Option<DetectionType> {
    let word = fields::text(node, "detection", faults)?;
    let Some(name) = DetectionType::new(word) else {
        let what = format!("`{}` is not a detection type", short(word));
        faults
            .error(&node.span, what)
            .help("one is 1 to 128 letters, digits, `.`, `-` and `_`");
        return None;
    };
    if detection_types().any(|known| known == word) {
        return Some(name);
    }
    if let Some(meant) = typo_of(word) {
        let what = format!("unknown detection type `{}`", short(word));
        faults
            .error(&node.span, what)
            .coded(Code::MistypedDetection)
            .meant(Some(meant));
        return None;
    }
    let what = format!(
        "detection type `{}` is not on the shipped list",
        short(word)
    );
    faults
        .warning(&node.span, what)
        .coded(Code::UnlistedDetection)
        .help("it is taken as written: make sure that a sender writes exactly this");
    Some(name)
}

/// The known detection type this word is a near miss of; `None` for the known ones themselves.
pub(super) fn typo_of(word: &str) -> Option<&'static str> {
    let known: Vec<&str> = detection_types().collect();
    if known.contains(&word) {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    suggest::nearest(word, &known)
        .filter(|meant| suggest::distance(&lower, &meant.to_ascii_lowercase()) <= TYPO_MAX)
}

fn sources(entry: &Entry, faults: &mut Faults) -> Option<Vec<SourceName>> {
    let items = fields::list(&entry.value, "source", NAMES_MAX, faults)?;
    if items.is_empty() {
        faults
            .error(&entry.key_span, "`source` names no source")
            .help("leave the key out to listen to all of them");
        return None;
    }
    let mut read = Vec::new();
    for item in items {
        let word = fields::text(item, "source", faults);
        let name = word.and_then(SourceName::new);
        if let (Some(word), None) = (word, &name) {
            let what = format!("`{}` is not the name of a source", short(word));
            faults
                .error(&item.span, what)
                .help("one is 1 to 64 lower-case letters, digits, `-` and `_`");
        }
        read.push(name);
    }
    no_repeats(items, faults);
    read.into_iter().collect()
}

fn no_repeats(items: &[Node], faults: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for item in items {
        if let super::yaml::Shape::Text { text, .. } = &item.shape {
            if seen.contains(&text.as_str()) {
                faults.error(&item.span, format!("`{}` is named twice", short(text)));
            }
            seen.push(text);
        }
    }
}

fn band(node: &Node, faults: &mut Faults) -> Option<SeverityBand> {
    let text = fields::text(node, "severity", faults)?;
    let (word, and_worse) = match text.strip_suffix('+') {
        Some(word) => (word, true),
        None => (text, false),
    };
    let words = Severity::ALL.map(Severity::word);
    match Severity::from_word(word).filter(|severity| severity.word() == word) {
        Some(from) => Some(SeverityBand { from, and_worse }),
        None => {
            let what = format!("unknown severity `{}`", short(text));
            let fault = faults.error(&node.span, what).coded(Code::UnknownWord);
            match suggest::nearest(word, &words) {
                Some(meant) if and_worse => fault.meant(Some(&format!("{meant}+"))),
                Some(meant) => fault.meant(Some(meant)),
                None => fault.help(format!(
                    "expected one of {}, or such as `high+`",
                    words.join(", ")
                )),
            };
            None
        }
    }
}
