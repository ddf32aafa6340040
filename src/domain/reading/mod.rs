//! From a sender's bytes to a detection, or to the reason why not.
//!
//! Knows: the shapes senders write, and the words everyone shares.
//! Never: whether the bytes are genuine (that was settled before), files, sockets, the time.
//!
//! Laws
//! * Bytes that two parsers could read in two ways are not understood ([`strict`]).
//! * A target comes only from a field that the sender's own configuration fills, only as a GUID,
//!   never by name.
//! * What is not understood says what is missing, where, and what to do; it is never half read.
//!
//! Read next: `strict`, `contract`, `sentinel`, then the other senders.

mod kind;
pub mod strict;

mod claim;
mod contract;
mod folded;
mod tree;

mod azure_monitor;
mod cloudevents;
mod defender;
mod entra;
mod estop;
mod mapped;
mod ocsf;
mod ours;
mod sentinel;

use std::collections::BTreeMap;

pub use contract::NAMES as CONTRACT;
pub use kind::ReaderKind;
pub use mapped::{BadPlace, Mapping, Place, SeverityFrom, When};
pub use ours::read_ours;

use super::detection::{Detection, DetectionType, ENTITIES_MAX, IncidentRef, Sighting, SourceName};
use super::entity::TenantId;
use super::found::OpaqueId;
use super::id::DetectionId;
use super::moment::Moment;
use super::shown::shown;

/// Alerts of one delivery that are asked for by id, at most.
pub const LOOK_UPS_MAX: usize = 3;

/// What a reader must know beside the bytes.
#[derive(Clone, Debug)]
pub struct Context {
    /// Our tenant. A sighting of another one is kept and remarked.
    pub tenant: TenantId,
    /// `sources.NAME.types`: analytic rule id in lower case → detection type.
    pub types: BTreeMap<String, DetectionType>,
    /// How the source's template is read, where its reader wants that; `None` is the usual way.
    pub mapping: Option<Mapping>,
    /// Who sent it.
    pub source: SourceName,
    /// The name the detection will have.
    pub id: DetectionId,
    /// When we took it.
    pub received_at: Moment,
}

/// What a delivery turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A claim that something bad happened.
    Detection(Box<Detection>),
    /// Understood, and on purpose nothing follows.
    Nothing {
        /// Why, for people.
        why: String,
    },
    /// It names nobody, and says which alerts may: their maker can be asked.
    Incomplete(Box<Incomplete>),
}

/// An incident or alert that came without the ids of whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// What is to be said when nobody knows more.
    pub why: NotUnderstood,
    /// The alerts' ids with their maker, at most [`LOOK_UPS_MAX`].
    pub alerts: Vec<OpaqueId>,
    /// Where people follow it.
    pub incident: Option<IncidentRef>,
}

impl Incomplete {
    /// The alert as its maker has it (`alerts_v2`) completes what came: its detection, followed
    /// where the delivery says.
    pub fn completed(
        &self,
        alert: &OpaqueId,
        answer: &[u8],
        context: &Context,
    ) -> Result<Reading, NotUnderstood> {
        match read(ReaderKind::Defender, answer, context)? {
            Reading::Detection(mut detection) => {
                for sighting in &mut detection.entities {
                    sighting.found_at = format!("alerts_v2/{alert}.{}", sighting.found_at);
                }
                if self.incident.is_some() {
                    detection.incident.clone_from(&self.incident);
                }
                Ok(Reading::Detection(detection))
            }
            Reading::Nothing { why } => Ok(Reading::Nothing { why }),
            Reading::Incomplete(more) => Err(more.why),
        }
    }
}

/// Longest explanation of what is not understood, in characters.
const WHAT_MAX: usize = 1_000;

/// The delivery is authentic and cannot be read. It is quarantined, shown, and can be replayed
/// after a fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NotUnderstood {
    /// What is missing, where, and what to do about it, for people.
    pub what: String,
}

impl NotUnderstood {
    /// It may repeat a piece of the delivery, and goes to the log, to people and to the sender.
    fn new(what: impl AsRef<str>) -> Self {
        let what = shown(what.as_ref(), WHAT_MAX);
        Self { what }
    }
}

/// Reads a verified body as this reader's senders write it.
pub fn read(reader: ReaderKind, body: &[u8], context: &Context) -> Result<Reading, NotUnderstood> {
    let text = strict::check(body)?;
    let mut reading = match reader {
        ReaderKind::Sentinel => sentinel::read(text, context)?,
        ReaderKind::AzureMonitor => azure_monitor::read(text, context)?,
        ReaderKind::Defender => defender::read(text, context)?,
        ReaderKind::Ocsf => ocsf::read(text, context)?,
        ReaderKind::CloudEvents => cloudevents::read(text, context)?,
        ReaderKind::Splunk
        | ReaderKind::Elastic
        | ReaderKind::Datadog
        | ReaderKind::Sumo
        | ReaderKind::Mapped => mapped(reader, text, context)?,
        ReaderKind::Estop => estop::read(text, context)?,
        ReaderKind::Entra => entra::read(text, context)?,
    };
    if let Reading::Detection(detection) = &mut reading {
        remark_foreign(detection, context.tenant);
    }
    Ok(reading)
}

fn mapped(reader: ReaderKind, text: &str, context: &Context) -> Result<Reading, NotUnderstood> {
    let usual = || Mapping::usual(reader);
    match context.mapping.clone().or_else(usual) {
        Some(mapping) => mapped::read(text, &mapping, context),
        None => Err(NotUnderstood::new(format!(
            "the reader {reader} needs to be told where things stand. Write sources.{}.map",
            context.source
        ))),
    }
}

/// A detection type in the sender's word.
fn typed(word: &str, place: &str) -> Result<DetectionType, NotUnderstood> {
    DetectionType::new(word).ok_or_else(|| {
        NotUnderstood::new(format!(
            "{place} is not a name of 1 to 128 letters, digits, `.`, `-` and `_`. Map a column \
             such as RiskEventType to it"
        ))
    })
}

fn remark_foreign(detection: &mut Detection, ours: TenantId) {
    let foreign = |sighting: &&Sighting| sighting.tenant.is_some_and(|tenant| tenant != ours);
    for sighting in detection.entities.iter().filter(foreign) {
        detection.remarks.push(format!(
            "{} is said to live in another tenant than ours ({})",
            sighting.entity, sighting.found_at
        ));
    }
}

/// The sensor's own id finds a detection only together with what it says: a rule that fills the id
/// with a constant must not let one agent's detection swallow another's.
fn key_of(id: &str, detection_type: &str, sightings: &[Sighting]) -> String {
    let mut entities: Vec<_> = sightings.iter().map(|s| s.entity.to_string()).collect();
    entities.sort_unstable();
    entities.dedup();
    format!("{id}/{detection_type}/{}", entities.join(","))
}

/// Keeps each entity once, as it was first found.
fn merged(sightings: Vec<Sighting>) -> Result<Vec<Sighting>, NotUnderstood> {
    let mut seen = std::collections::BTreeSet::new();
    let kept: Vec<_> = sightings
        .into_iter()
        .filter(|sighting| seen.insert(sighting.entity))
        .collect();
    if kept.len() > ENTITIES_MAX {
        return Err(NotUnderstood::new(format!(
            "{} entities are named and one detection may name {ENTITIES_MAX}. Group fewer rows \
             into one alert",
            kept.len()
        )));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests;
