//! What calls a playbook: a detection, several of one blueprint together, the clock, a person.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use super::finding::Finding;
pub use super::param::{Param, ParamKind};
pub use super::reach::Reach;

use super::detection::{Detection, DetectionType, Severity, SourceName};
use super::moment::Span;
use super::schedule::Schedule;

/// What calls a playbook. Every part that is written must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The detection types it answers; empty where no detection calls it.
    pub detection: Vec<DetectionType>,
    /// The sources it listens to; empty means all.
    pub source: Vec<SourceName>,
    /// The severities it answers; `None` means all.
    pub severity: Option<SeverityBand>,
    /// What it takes beside a detection.
    #[serde(default)]
    pub call: Call,
}

/// What it takes beside a detection, or in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// One detection is enough.
    #[default]
    Each,
    /// So many of one blueprint, close together.
    Together(Together),
    /// The clock calls it, for everything of its kind that is found so.
    Schedule {
        /// When.
        at: ScheduleText,
        /// What is looked for.
        find: Finding,
        /// How long before its end a credential counts as expiring.
        within: Option<Span>,
    },
    /// A person calls it, with these parameters.
    Manual {
        /// Every parameter by name, and what it must be.
        params: BTreeMap<String, ParamKind>,
    },
}

/// Detections of one blueprint within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Together {
    /// What is counted.
    pub of: Counted,
    /// How many are enough.
    pub least: u32,
    /// The window.
    pub within: Span,
}

/// What is counted towards an outbreak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// Different agents: one that shouts counts once.
    Agents,
    /// Detections, of one agent too.
    Detections,
}

/// A cron expression that was read once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScheduleText(String);

impl ScheduleText {
    /// Takes a schedule that was read.
    pub fn of(schedule: &Schedule) -> Self {
        Self(schedule.to_string())
    }

    /// The schedule; `None` where a stored text is no longer one.
    pub fn schedule(&self) -> Option<Schedule> {
        Schedule::parse(&self.0).ok()
    }
}

impl fmt::Display for ScheduleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `high` means exactly high, `high+` means high and worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeverityBand {
    /// The mildest severity that counts.
    pub from: Severity,
    /// Does anything worse count too?
    pub and_worse: bool,
}

impl SeverityBand {
    /// Does this severity fall into the band?
    pub fn takes(self, severity: Severity) -> bool {
        severity == self.from || (self.and_worse && severity > self.from)
    }
}

impl fmt::Display for SeverityBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.from, if self.and_worse { "+" } else { "" })
    }
}

impl Trigger {
    /// Why this detection does not call the playbook by itself or count towards it; `None` when it
    /// does.
    pub fn why_not(&self, detection: &Detection) -> Option<String> {
        match &self.call {
            Call::Each | Call::Together(_) => {}
            Call::Schedule { .. } => return Some("it is called by its schedule".to_owned()),
            Call::Manual { .. } => return Some("it is called by people".to_owned()),
        }
        if !self.detection.contains(&detection.detection_type) {
            return Some(format!("detection type is {}", detection.detection_type));
        }
        if !self.source.is_empty() && !self.source.contains(&detection.source) {
            return Some(format!("source is {}", detection.source));
        }
        match self.severity {
            Some(band) if !band.takes(detection.severity) => {
                Some(format!("severity is {}, not {band}", detection.severity))
            }
            Some(_) | None => None,
        }
    }

    /// How many detections together call it, where it takes more than one.
    pub const fn together(&self) -> Option<Together> {
        match &self.call {
            Call::Together(together) => Some(*together),
            Call::Each | Call::Schedule { .. } | Call::Manual { .. } => None,
        }
    }
}
