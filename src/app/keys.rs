//! The keys that lie in files: signing keys of sources, and our own key for status addresses.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::StartError;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::detection::SourceName;
use crate::domain::source::SourceTerms;
use crate::ingress::{Source, SourceState, Sources};
use crate::signature::{KeyRing, Secret, TicketKey};

/// Reads every source's keys. A weak, missing or shared key keeps the service from starting.
pub(super) fn sources(config: &Config) -> Result<Sources, StartError> {
    let mut list = Vec::new();
    for (name, source) in &config.sources {
        let keys = KeyRing::from_files(&source.secret_files)
            .map_err(|unusable| StartError::config(format!("`sources.{name}`: {unusable}")))?;
        let state = if source.enabled {
            SourceState::Enabled
        } else {
            SourceState::Disabled
        };
        list.push(Source {
            name: name.clone(),
            keys,
            state,
        });
    }
    Sources::new(list).map_err(|unusable| StartError::config(unusable.to_string()))
}

/// What is agreed with each source, for triage.
pub(super) fn terms(config: &Config) -> BTreeMap<SourceName, SourceTerms> {
    config
        .sources
        .iter()
        .map(|(name, source)| (name.clone(), source.terms.clone()))
        .collect()
}

/// The key of status addresses, made at the first start. It lies beside the database and not in
/// it, so that a copy of the database opens no status page.
pub(super) fn ticket_key(path: &Path, clock: &Clock) -> Result<TicketKey, StartError> {
    if !path.exists() {
        write_once(path, &Secret::fresh(clock.random()).reveal())
            .map_err(|error| unusable(path, &error.to_string()))?;
    }
    let text = std::fs::read_to_string(path).map_err(|error| unusable(path, &error.to_string()))?;
    let secret = Secret::parse(text.trim()).map_err(|error| unusable(path, &error.to_string()))?;
    Ok(TicketKey::new(secret))
}

fn write_once(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn unusable(path: &Path, why: &str) -> StartError {
    StartError::config(format!(
        "the key of status addresses, {}: {why}",
        path.display()
    ))
}
