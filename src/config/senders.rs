//! The senders of a configuration, checked.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::BadConfig;
use super::file::{MayFile, SourceFile};
use super::mapping::mapping;
use super::verify::{self, VerifyConfig};
use crate::domain::callback::CallbackHosts;
use crate::domain::detection::{DetectionType, SourceName};
use crate::domain::playbook::PlaybookName;
use crate::domain::reach::OWN_SOURCES;
use crate::domain::reading::ReaderKind;
use crate::domain::source::{May, SourceTerms};

/// One configured sender.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// How its deliveries are verified.
    pub verify: VerifyConfig,
    /// What is agreed with it.
    pub terms: SourceTerms,
    /// Are its deliveries taken?
    pub enabled: bool,
    /// How long it may send nothing, where it says so.
    pub silent_after: Option<Duration>,
}

/// Checks every sender of the file.
pub(super) fn sources(
    base: &Path,
    files: BTreeMap<String, SourceFile>,
) -> Result<BTreeMap<SourceName, SourceConfig>, BadConfig> {
    files
        .into_iter()
        .map(|(name, file)| {
            let source = SourceName::new(&name).ok_or_else(|| {
                BadConfig(format!("`sources.{name}`: a source's name is 1 to 64 lower-case letters, digits, `-` and `_`"))
            })?;
            if name.starts_with(OWN_SOURCES) {
                return Err(BadConfig(format!("`sources.{name}`: names that begin with `{OWN_SOURCES}` are estop's own; call it otherwise")));
            }
            Ok((source, source_config(base, &name, file)?))
        })
        .collect()
}

/// Checks the hosts that may be called back.
pub(super) fn callback_hosts(names: Vec<String>) -> Result<CallbackHosts, BadConfig> {
    CallbackHosts::new(names).map_err(|why| BadConfig(format!("`callback_hosts`: {why}")))
}

/// What a person should know before relying on a sender.
pub(super) fn warned_of(
    sources: &BTreeMap<SourceName, SourceConfig>,
) -> impl Iterator<Item = String> {
    sources.iter().filter_map(|(name, source)| {
        let said = source.verify.warning()?;
        Some(format!("`sources.{name}`: {said}"))
    })
}

fn source_config(base: &Path, name: &str, file: SourceFile) -> Result<SourceConfig, BadConfig> {
    let at = |what: String| BadConfig(format!("`sources.{name}`: {what}"));
    let reader = ReaderKind::from_word(&file.reader).ok_or_else(|| {
        let known = ReaderKind::ALL.map(ReaderKind::word);
        let near = crate::catalog::nearest(&file.reader, &known);
        let near = near.map(|near| format!(" (did you mean `{near}`?)"));
        at(format!(
            "reader `{}` is not known{}; write {}",
            file.reader,
            near.unwrap_or_default(),
            known.join(" or ")
        ))
    })?;
    let mut types = BTreeMap::new();
    for (rule, detection_type) in file.types {
        let detection_type = DetectionType::new(&detection_type)
            .ok_or_else(|| at(format!("`{detection_type}` is not a detection type")))?;
        types.insert(rule.to_ascii_lowercase(), detection_type);
    }
    Ok(SourceConfig {
        verify: verify::verify(base, file.verify).map_err(|what| verify::at(name, what))?,
        terms: SourceTerms {
            reader,
            types,
            mapping: mapping(reader, file.map).map_err(at)?,
            may: may(file.may).map_err(at)?,
        },
        enabled: file.enabled.unwrap_or(true),
        silent_after: file.silent_after.map(|span| span.0),
    })
}

pub(super) fn may(file: Option<MayFile>) -> Result<May, String> {
    let mut may = May::default();
    let Some(file) = file else { return Ok(may) };
    may.entities = file.entities.unwrap_or(may.entities);
    may.mode = file.mode.unwrap_or(may.mode);
    if let Some(names) = file
        .playbooks
        .filter(|names| names.iter().all(|name| name != "*"))
    {
        let named = names.iter().map(|name| {
            PlaybookName::new(name).ok_or_else(|| format!("`{name}` is not a playbook's name"))
        });
        may.playbooks = Some(named.collect::<Result<_, _>>()?);
    }
    Ok(may)
}
