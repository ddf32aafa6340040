//! What is pulled from Entra ID Protection, checked, and the synthetic detection.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::BadConfig;
use super::file::MayFile;
use super::senders::{SourceConfig, may};
use crate::domain::detection::SourceName;
use crate::domain::moment::Span;
use crate::domain::pull::RiskList;
use crate::domain::reading::ReaderKind;
use crate::domain::source::SourceTerms;
use crate::watch::PullTerms;

/// What deliveries are named after that were pulled.
const SOURCE: &str = "entra";
/// From round to round. Three lists a minute are a twentieth of what the tenant allows everyone.
const EVERY: Duration = Duration::from_secs(60);
/// More often than this would crowd out who else asks: one request a second is all there is.
const EVERY_LEAST: Duration = Duration::from_secs(10);
/// How long a detection may take until it shows in the list.
const OVERLAP: Duration = Duration::from_secs(6 * 3600);
/// How far back the very first reading looks.
const FIRST: Duration = Duration::from_secs(3600);

/// `pull:` as people write it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PullFile {
    source: Option<String>,
    lists: Option<Vec<RiskList>>,
    every: Option<Span>,
    overlap: Option<Span>,
    first: Option<Span>,
    may: Option<MayFile>,
}

/// What is pulled, and what may follow from it.
#[derive(Clone, Debug)]
pub struct PullConfig {
    /// Which lists, how often, for which source.
    pub terms: PullTerms,
    /// What is agreed with that source.
    pub source: SourceTerms,
}

/// Checks the section. Its source must be one that nobody sends as.
pub(super) fn pull(
    file: Option<PullFile>,
    senders: &BTreeMap<SourceName, SourceConfig>,
) -> Result<Option<PullConfig>, BadConfig> {
    let Some(file) = file else { return Ok(None) };
    let bad = |what: String| BadConfig(format!("`pull`: {what}"));
    let name = file.source.as_deref().unwrap_or(SOURCE);
    let source =
        SourceName::new(name).ok_or_else(|| bad(format!("`{name}` is not a source's name")))?;
    if senders.contains_key(&source) {
        return Err(bad(format!(
            "`sources.{source}` is a sender; give what is pulled a source of its own: \
             pull: {{ source: entra }}"
        )));
    }
    let every = file.every.map_or(EVERY, |span| span.0);
    if every < EVERY_LEAST {
        return Err(bad(format!(
            "`every` is less than {}: one request a second is all a tenant has, for everyone",
            Span(EVERY_LEAST)
        )));
    }
    let mut lists = file.lists.unwrap_or_else(|| RiskList::ALL.to_vec());
    lists.sort_unstable();
    lists.dedup();
    if lists.is_empty() {
        return Err(bad("`lists` is empty; leave it out for all".to_owned()));
    }
    Ok(Some(PullConfig {
        terms: PullTerms {
            source,
            lists,
            every,
            overlap: file.overlap.map_or(OVERLAP, |span| span.0),
            first: file.first.map_or(FIRST, |span| span.0),
        },
        source: SourceTerms {
            reader: ReaderKind::Entra,
            types: BTreeMap::new(),
            mapping: None,
            may: may(file.may).map_err(bad)?,
        },
    }))
}
