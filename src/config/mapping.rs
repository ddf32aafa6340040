//! `sources.NAME.map`: where a sender's template puts what we need.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::detection::Severity;
use crate::domain::reading::{CONTRACT, Mapping, Place, ReaderKind, SeverityFrom, When};

/// The mapping as people write it; what is left out stays as it usually is for the reader.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapFile {
    /// Where the row or rows stand, such as `/result`.
    pub rows: Option<String>,
    /// A name of the contract to the column that holds it, or to `=` and a fixed value.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// Where the rule's name or id stands.
    pub rule: Option<String>,
    /// Where the alert's id stands.
    pub id: Option<String>,
    /// Where the severity stands, or the severity itself.
    pub severity: Option<String>,
    /// The sender's words for severities.
    #[serde(default)]
    pub severities: BTreeMap<String, Severity>,
    /// Where the time of the alert stands.
    pub at: Option<String>,
    /// What says that the alert is over.
    pub ended: Option<WhenFile>,
    /// What the sender's test begins with.
    pub test: Option<WhenFile>,
}

/// A place and words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhenFile {
    /// Where.
    pub at: String,
    /// Which words.
    pub is: Vec<String>,
}

/// The mapping of one source; `None` where its reader needs none or takes the usual one.
pub(super) fn mapping(
    reader: ReaderKind,
    file: Option<MapFile>,
) -> Result<Option<Mapping>, String> {
    let takes = Mapping::usual(reader).is_some() || reader == ReaderKind::Mapped;
    match file {
        None if reader == ReaderKind::Mapped => {
            Err("the reader `mapped` needs `map:` with rows and severity".to_owned())
        }
        None => Ok(None),
        Some(_) if !takes => Err(format!(
            "the reader `{reader}` takes no `map:`; leave it out"
        )),
        Some(file) => merged(reader, file).map(Some),
    }
}

fn merged(reader: ReaderKind, file: MapFile) -> Result<Mapping, String> {
    let needed = |what: &str| format!("`map.{what}` is missing; the reader `{reader}` knows none");
    let (rows, severity) = (place(file.rows)?, severity(file.severity)?);
    let mut mapping = match Mapping::usual(reader) {
        Some(usual) => usual,
        None => Mapping::of(
            rows.clone().ok_or_else(|| needed("rows"))?,
            severity.clone().ok_or_else(|| needed("severity"))?,
        ),
    };
    mapping.rows = rows.unwrap_or(mapping.rows);
    mapping.severity = severity.unwrap_or(mapping.severity);
    mapping.columns = columns(file.columns)?;
    mapping.rule = place(file.rule)?.or(mapping.rule);
    mapping.alert_id = place(file.id)?.or(mapping.alert_id);
    mapping.detected_at = place(file.at)?.or(mapping.detected_at);
    mapping.ended = when(file.ended)?.or(mapping.ended);
    mapping.test = when(file.test)?.or(mapping.test);
    let own = file.severities.into_iter();
    mapping
        .severities
        .extend(own.map(|(word, severity)| (word.to_ascii_lowercase(), severity)));
    Ok(mapping)
}

fn place(text: Option<String>) -> Result<Option<Place>, String> {
    text.map(|text| Place::new(&text).map_err(|why| format!("map: {why}")))
        .transpose()
}

fn severity(text: Option<String>) -> Result<Option<SeverityFrom>, String> {
    match text.as_deref().map(Severity::from_word) {
        Some(Some(fixed)) => Ok(Some(SeverityFrom::Fixed(fixed))),
        Some(None) | None => Ok(place(text)?.map(SeverityFrom::At)),
    }
}

fn when(file: Option<WhenFile>) -> Result<Option<When>, String> {
    let Some(WhenFile { at, is }) = file else {
        return Ok(None);
    };
    let at = Place::new(&at).map_err(|why| format!("map: {why}"))?;
    Ok(Some(When { at, words: is }))
}

/// Only names of the contract may be mapped, as we write them.
fn columns(file: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    for (name, column) in &file {
        if !CONTRACT.contains(&name.as_str()) {
            let near = crate::catalog::nearest(name, &CONTRACT);
            let near = near.map_or_else(
                || format!("write one of {}", CONTRACT.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(format!(
                "`map.columns.{name}` is no name of the contract; {near}"
            ));
        }
        if column.is_empty() {
            return Err(format!("`map.columns.{name}` names no column"));
        }
    }
    Ok(file)
}
