//! Where the record is handed on to: `ocsf:`, checked.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::BadConfig;
use crate::pager;
use crate::sentinel::TableTerms;

/// What a token for it is asked for.
const SCOPE: &str = "https://monitor.azure.com/.default";

/// `ocsf:` as people write it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OcsfFile {
    file: Option<PathBuf>,
    table: Option<TableFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableFile {
    endpoint: Url,
    rule: String,
    stream: String,
    scope: Option<String>,
}

/// Where the record goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OcsfConfig {
    /// A file of one event a line.
    pub file: Option<PathBuf>,
    /// A table, and what a token for it is asked for.
    pub table: Option<(TableTerms, String)>,
}

impl OcsfFile {
    pub(super) fn checked(self, base: &Path) -> Result<OcsfConfig, BadConfig> {
        let table = self.table.map(TableFile::checked).transpose();
        let table = table.map_err(|why| BadConfig(format!("`ocsf.table`: {why}")))?;
        Ok(OcsfConfig {
            file: self.file.map(|path| base.join(path)),
            table,
        })
    }
}

impl TableFile {
    pub(super) fn checked(self) -> Result<(TableTerms, String), String> {
        pager::checked(&self.endpoint).map_err(|bad| bad.to_string())?;
        let scope = self.scope.unwrap_or_else(|| SCOPE.to_owned());
        if !scope.starts_with("https://") || !scope.ends_with("/.default") {
            return Err(format!(
                "`scope` is `{scope}`; it must be https://…/.default"
            ));
        }
        let terms = TableTerms::new(self.endpoint, &self.rule, &self.stream)?;
        Ok((terms, scope))
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use super::OcsfConfig;

    fn read(ocsf: &str) -> Result<OcsfConfig, String> {
        let text = format!(
            "tenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  credential: managed_identity\n\
             ocsf: {ocsf}\n"
        );
        let file = File::parse("estop.yaml", &text).map_err(|bad| bad.to_string())?;
        let checked = file.ocsf.checked(std::path::Path::new("/var/lib/estop"));
        checked.map_err(|bad| bad.to_string())
    }

    #[test]
    fn the_record_goes_to_a_file_or_a_rule_s_own_stream() {
        let table = |endpoint: &str, rule: &str| {
            format!("{{ endpoint: \"{endpoint}\", rule: {rule}, stream: Custom-Estop }}")
        };
        let good = table("https://x.ingest.monitor.azure.com", "dcr-0a1b");

        let config = read(&format!("{{ file: ocsf.ndjson, table: {good} }}")).unwrap();

        assert_eq!(
            config.file.unwrap(),
            std::path::Path::new("/var/lib/estop/ocsf.ndjson")
        );
        assert!(config.table.is_some());
        for bad in [
            table("http://x.example", "dcr-0a1b"),
            table("https://x.example", "0a1b"),
        ] {
            assert!(read(&format!("{{ table: {bad} }}")).is_err(), "{bad}");
        }
    }
}
