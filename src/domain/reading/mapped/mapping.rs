//! Where a sender's template puts what we need, and what the well-known senders' templates say
//! unless the configuration says otherwise.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::super::tree::Node;
use super::super::{NotUnderstood, ReaderKind};
use crate::domain::detection::Severity;

/// Longest place, in bytes.
const PLACE_MAX: usize = 256;
/// Most steps of a place.
const STEPS_MAX: usize = 16;

/// Where something stands in a body, such as `/result/severity`: names and numbers of items, each
/// after a `/`. Names are compared without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

/// Why something is no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place: write names after slashes, such as /result/severity")]
pub struct BadPlace(String);

/// Where the severity is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeverityFrom {
    /// Always this one.
    Fixed(Severity),
    /// The word that stands there.
    At(Place),
}

/// A place and the words that count there, in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// Where.
    pub at: Place,
    /// Which words.
    pub words: Vec<String>,
}

/// How one sender's template is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// A row, a list of rows, a text with either in it as JSON, or tags.
    pub rows: Place,
    /// A name of the contract to the column that holds it, where the column is called otherwise; a
    /// column that begins with `=` is a fixed value.
    pub columns: BTreeMap<String, String>,
    /// The rule that fired: `types` may give it a detection type.
    pub rule: Option<Place>,
    /// What finds the same alert again.
    pub alert_id: Option<Place>,
    /// How bad.
    pub severity: SeverityFrom,
    /// The sender's words for severities, in lower case, beside our own.
    pub severities: BTreeMap<String, Severity>,
    /// When the sender noticed.
    pub detected_at: Option<Place>,
    /// What says that the alert is over.
    pub ended: Option<When>,
    /// What the sender's test begins with.
    pub test: Option<When>,
}

impl Place {
    /// Takes 1 to 16 steps.
    pub fn new(text: &str) -> Result<Self, BadPlace> {
        let steps = text.split('/').skip(1);
        let fits = text.starts_with('/')
            && text.len() <= PLACE_MAX
            && steps.clone().count() <= STEPS_MAX
            && steps.clone().all(|step| !step.is_empty());
        fits.then(|| Self(text.to_owned()))
            .ok_or_else(|| BadPlace(text.to_owned()))
    }

    /// What stands there; `null` where nothing does.
    pub(super) fn in_body<'a>(&self, root: &Node<'a>) -> Result<Node<'a>, NotUnderstood> {
        let mut node = root.clone();
        for step in self.0.split('/').skip(1) {
            node = match node.value {
                Value::Array(_) => {
                    let number = step.parse::<usize>().ok();
                    let item = number.and_then(|number| node.items().nth(number));
                    item.unwrap_or_else(|| Node::at(&Value::Null, &self.0))
                }
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Object(_) => node.get(step)?,
            };
        }
        Ok(node)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl When {
    /// Does one of the words stand there?
    pub(super) fn is(&self, root: &Node<'_>) -> Result<bool, NotUnderstood> {
        let node = self.at.in_body(root)?;
        Ok(self.words.iter().any(|word| node.says(word)))
    }

    /// Does what stands there begin with one of the words?
    pub(super) fn begins(&self, root: &Node<'_>) -> Result<bool, NotUnderstood> {
        let node = self.at.in_body(root)?;
        let text = node.text().unwrap_or_default();
        let begins = |word: &String| {
            let start = text.get(..word.len());
            !word.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        Ok(self.words.iter().any(begins))
    }
}

impl Mapping {
    pub(super) fn severity_in(&self, root: &Node<'_>) -> Result<Severity, NotUnderstood> {
        let place = match &self.severity {
            SeverityFrom::Fixed(severity) => return Ok(*severity),
            SeverityFrom::At(place) => place,
        };
        let said = place.in_body(root)?.said().unwrap_or_default();
        let own = self.severities.get(&said.to_ascii_lowercase()).copied();
        own.or_else(|| Severity::from_word(&said)).ok_or_else(|| {
            NotUnderstood::new(format!(
                "`{place}` names no severity. Let the sender write informational, low, medium, high \
                 or critical there, or set map.severity or map.severities of the source"
            ))
        })
    }

    /// What is assumed of a well-known sender; `None` for a reader that needs no mapping, and for
    /// `mapped`, about which nothing is known.
    pub fn usual(reader: ReaderKind) -> Option<Self> {
        match reader {
            ReaderKind::Splunk => Some(Self::splunk()),
            ReaderKind::Elastic => Some(Self::elastic()),
            ReaderKind::Datadog => Some(Self::datadog()),
            ReaderKind::Sumo => Some(Self::sumo()),
            ReaderKind::Mapped
            | ReaderKind::Sentinel
            | ReaderKind::AzureMonitor
            | ReaderKind::Defender
            | ReaderKind::Ocsf
            | ReaderKind::CloudEvents
            | ReaderKind::Estop
            | ReaderKind::Entra => None,
        }
    }

    /// A mapping of which only the rows and the severity are known.
    pub fn of(rows: Place, severity: SeverityFrom) -> Self {
        Self {
            rows,
            columns: BTreeMap::new(),
            rule: None,
            alert_id: None,
            severity,
            severities: BTreeMap::new(),
            detected_at: None,
            ended: None,
            test: None,
        }
    }

    /// Splunk's webhook action: its body is fixed.
    fn splunk() -> Self {
        Self {
            rule: Some(at("/search_name")),
            alert_id: Some(at("/sid")),
            detected_at: Some(at("/result/_time")),
            ..Self::of(at("/result"), SeverityFrom::At(at("/result/severity")))
        }
    }

    /// The template for Kibana's webhook connector in `deploy/senders.md`.
    fn elastic() -> Self {
        Self {
            rule: Some(at("/rule/id")),
            alert_id: Some(at("/alert/id")),
            detected_at: Some(at("/date")),
            ended: Some(when("/alert/action_group", &["recovered"])),
            ..Self::of(at("/rows"), SeverityFrom::At(at("/severity")))
        }
    }

    /// The template for Datadog's webhook in `deploy/senders.md`.
    fn datadog() -> Self {
        let severities = [
            ("p1", Severity::Critical),
            ("p2", Severity::High),
            ("p3", Severity::Medium),
            ("p4", Severity::Low),
            ("p5", Severity::Informational),
        ];
        Self {
            rule: Some(at("/monitor")),
            alert_id: Some(at("/cycle")),
            detected_at: Some(at("/date")),
            severities: severities.map(|(word, it)| (word.to_owned(), it)).into(),
            ended: Some(when("/transition", &["Recovered", "Warn Recovered"])),
            test: Some(when("/title", &["[TEST]"])),
            ..Self::of(at("/tags"), SeverityFrom::At(at("/priority")))
        }
    }

    /// The template for Sumo Logic's webhook connection in `deploy/senders.md`.
    fn sumo() -> Self {
        let ended = ["ResolvedCritical", "ResolvedWarning", "ResolvedMissingData"];
        let severities = [("warning".to_owned(), Severity::Medium)];
        Self {
            rule: Some(at("/monitor")),
            alert_id: Some(at("/id")),
            detected_at: Some(at("/time")),
            severities: severities.into(),
            ended: Some(when("/trigger", &ended)),
            ..Self::of(at("/rows"), SeverityFrom::At(at("/trigger")))
        }
    }
}

/// A place of ours.
fn at(text: &str) -> Place {
    Place(text.to_owned())
}

fn when(place: &str, words: &[&str]) -> When {
    When {
        at: at(place),
        words: words.iter().map(|&word| word.to_owned()).collect(),
    }
}
