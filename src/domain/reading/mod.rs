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
//! Read next: `strict`, `sentinel`, `estop`.

mod estop;
mod folded;
mod sentinel;
pub mod strict;

use std::collections::BTreeMap;
use std::fmt;

use super::detection::{Detection, DetectionType, ENTITIES_MAX, Sighting, SourceName};
use super::entity::TenantId;
use super::id::DetectionId;
use super::moment::Moment;

/// How a source's deliveries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderKind {
    /// The body of Microsoft Sentinel's incident trigger, as a Logic App forwards it.
    Sentinel,
    /// Our own canonical form.
    Estop,
}

impl ReaderKind {
    /// Every reader.
    pub const ALL: [Self; 2] = [Self::Sentinel, Self::Estop];

    /// The word for it in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sentinel => "sentinel",
            Self::Estop => "estop",
        }
    }

    /// The reader a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reader| reader.word() == word)
    }
}

impl fmt::Display for ReaderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a reader must know beside the bytes.
#[derive(Clone, Debug)]
pub struct Context {
    /// Our tenant. A sighting of another one is kept and remarked.
    pub tenant: TenantId,
    /// `sources.NAME.types`: analytic rule id in lower case → detection type.
    pub types: BTreeMap<String, DetectionType>,
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
}

/// The delivery is authentic and cannot be read. It is quarantined, shown, and can be replayed
/// after a fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct NotUnderstood {
    /// What is missing, where, and what to do about it, for people.
    pub what: String,
}

impl NotUnderstood {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// Reads a verified body as this reader's senders write it.
pub fn read(reader: ReaderKind, body: &[u8], context: &Context) -> Result<Reading, NotUnderstood> {
    let text = strict::check(body)?;
    let reading = match reader {
        ReaderKind::Sentinel => sentinel::read(text, context)?,
        ReaderKind::Estop => estop::read(text, context)?,
    };
    match reading {
        Reading::Detection(mut detection) => {
            remark_foreign(&mut detection, context.tenant);
            Ok(Reading::Detection(detection))
        }
        Reading::Nothing { why } => Ok(Reading::Nothing { why }),
    }
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
