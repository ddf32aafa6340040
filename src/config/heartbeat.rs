//! The synthetic detection, checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::BadConfig;
use super::senders::SourceConfig;
use crate::domain::detection::SourceName;
use crate::domain::moment::Span;
use crate::domain::reading::ReaderKind;
use crate::domain::role::ServiceRole;
use crate::watch::HeartTerms;

/// From beat to beat.
const EVERY: Duration = Duration::from_secs(300);
const EVERY_LEAST: Duration = Duration::from_secs(10);

/// `heartbeat:` as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeartbeatFile {
    source: String,
    key_file: PathBuf,
    every: Option<Span>,
    to: Option<Url>,
}

/// How the heart beats, and what signs it.
#[derive(Clone, Debug)]
pub struct HeartbeatConfig {
    /// Where, how often, as whom.
    pub terms: HeartTerms,
    /// A key of that source.
    pub key_file: PathBuf,
}

/// Checks the section: its source must be one that reads our own form.
pub(super) fn heartbeat(
    base: &Path,
    file: Option<HeartbeatFile>,
    (senders, role, listen): (&BTreeMap<SourceName, SourceConfig>, ServiceRole, SocketAddr),
) -> Result<Option<HeartbeatConfig>, BadConfig> {
    let Some(file) = file else { return Ok(None) };
    let bad = |what: String| BadConfig(format!("`heartbeat`: {what}"));
    let source = SourceName::new(&file.source);
    let known = source.as_ref().and_then(|name| senders.get(name));
    let (Some(source), Some(sender)) = (source.clone(), known) else {
        return Err(bad(format!("there is no `sources.{}`", file.source)));
    };
    if sender.terms.reader != ReaderKind::Estop || !sender.enabled {
        return Err(bad(format!(
            "`sources.{source}` must be enabled and have `reader: estop`"
        )));
    }
    let every = file.every.map_or(EVERY, |span| span.0);
    if every < EVERY_LEAST {
        return Err(bad(format!("`every` is less than {}", Span(EVERY_LEAST))));
    }
    let here = || {
        if role == ServiceRole::Worker {
            let what = "`to` must be written: a worker has no door; name that of `ingest`";
            return Err(bad(what.to_owned()));
        }
        let url: Result<Url, _> = format!("http://{listen}").parse();
        url.map_err(|why| bad(format!("`listen` is no address to send to: {why}")))
    };
    Ok(Some(HeartbeatConfig {
        terms: HeartTerms {
            source,
            to: file.to.map_or_else(here, Ok)?,
            every,
        },
        key_file: base.join(file.key_file),
    }))
}
