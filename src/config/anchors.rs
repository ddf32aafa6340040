//! Where the head of the record is anchored: `anchors:`, checked.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::BadConfig;
use super::ocsf::{OcsfConfig, TableFile};
use crate::pager;
use crate::sentinel::TableTerms;

/// `anchors:` as people write it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnchorsFile {
    key_file: Option<PathBuf>,
    file: Option<PathBuf>,
    webhook: Option<WebhookFile>,
    table: Option<TableFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookFile {
    url: Url,
    secret_file: PathBuf,
}

/// Where the head of the record is anchored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorsConfig {
    /// The secret of the key that signs anchors.
    pub key_file: PathBuf,
    /// A file of one anchor a line, best on another machine's disk.
    pub file: Option<PathBuf>,
    /// A webhook, and the secret it is signed with.
    pub webhook: Option<(Url, PathBuf)>,
    /// A table, and what a token for it is asked for.
    pub table: Option<(TableTerms, String)>,
}

impl AnchorsFile {
    /// `beside` is where the key lies unless it is named: beside the store.
    pub(super) fn checked(self, base: &Path, beside: PathBuf) -> Result<AnchorsConfig, BadConfig> {
        let bad = |what: &str, why: String| BadConfig(format!("`anchors.{what}`: {why}"));
        let table = self.table.map(TableFile::checked).transpose();
        let webhook = self.webhook.map(|webhook| {
            pager::checked(&webhook.url).map_err(|why| bad("webhook.url", why.to_string()))?;
            Ok((webhook.url, base.join(webhook.secret_file)))
        });
        Ok(AnchorsConfig {
            key_file: self.key_file.map_or(beside, |path| base.join(path)),
            file: self.file.map(|path| base.join(path)),
            webhook: webhook.transpose()?,
            table: table.map_err(|why| bad("table", why))?,
        })
    }
}

/// One token lets us into both tables.
pub(super) fn one_scope(anchors: &AnchorsConfig, ocsf: &OcsfConfig) -> Result<(), BadConfig> {
    match (&anchors.table, &ocsf.table) {
        (Some((_, one)), Some((_, other))) if one != other => Err(BadConfig(
            "`anchors.table.scope` and `ocsf.table.scope` must be the same".to_owned(),
        )),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

impl AnchorsConfig {
    /// Is there any place for anchors?
    pub fn is_anywhere(&self) -> bool {
        self.file.is_some() || self.webhook.is_some() || self.table.is_some()
    }
}
