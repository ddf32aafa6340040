//! Where traces go: `traces:`, checked.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::BadConfig;
use crate::pager;

/// `traces:` as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TracesFile {
    otlp: Url,
    headers_file: Option<PathBuf>,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracesConfig {
    /// The whole address, as a rule ending in `/v1/traces`.
    pub otlp: Url,
    /// A file of headers the collector wants, one `Name: value` a line.
    pub headers: Option<PathBuf>,
}

impl TracesFile {
    pub(super) fn checked(self, base: &Path) -> Result<TracesConfig, BadConfig> {
        pager::checked(&self.otlp).map_err(|why| BadConfig(format!("`traces.otlp`: {why}")))?;
        Ok(TracesConfig {
            otlp: self.otlp,
            headers: self.headers_file.map(|path| base.join(path)),
        })
    }
}
