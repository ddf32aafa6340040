//! One `estop.yaml`, read once: flags over `ESTOP_*` over the file over defaults.
//!
//! Knows: YAML, paths, what may be set.
//! Never: opening what it names; that is the roof's.
//!
//! Laws
//! * An unknown key is an error that says what was meant.
//! * A secret stands in a file of its own, never in the configuration.
//! * Paths are relative to the file that names them.
//!
//! Read next: `file`, then `settings` and `senders`, then `show`.

mod actions;
mod activation;
mod anchors;
mod azure;
mod bounds;
mod copilot;
mod drill;
mod file;
mod heartbeat;
mod incidents;
mod keys;
mod limits;
mod mapping;
mod ocsf;
mod overrides;
mod page;
mod pull;
mod retention;
mod senders;
mod settings;
mod shared;
mod show;
mod tenant;
mod traces;
mod verify;
mod warned;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use actions::{ActionsConfig, FoundryConfig};
pub use anchors::AnchorsConfig;
pub use copilot::CopilotConfig;
pub use drill::DrillConfig;
pub use file::{CertificateFile, CredentialFile, SourceFile};
pub use heartbeat::HeartbeatConfig;
pub use incidents::IncidentsConfig;
pub use keys::{Key, keys};
pub use limits::TlsConfig;
pub use mapping::{MapFile, WhenFile};
pub use ocsf::OcsfConfig;
pub use overrides::Overrides;
pub use page::{FarConfig, PageConfig};
pub use pull::PullConfig;
pub use senders::SourceConfig;
pub use settings::Config;
pub use show::{Shown, shown};
pub use traces::TracesConfig;
pub use verify::{
    BasicFile, EntraFile, HeaderFile, HmacFile, KeysFile, OneOrMore, SignedConfig, TimestampFile,
    VerifyConfig, VerifyFile, WebhooksFile, hmac_scheme,
};

/// Where the file is looked for when nobody names one.
pub const DEFAULT_FILES: [&str; 2] = ["estop.yaml", "/etc/estop/estop.yaml"];

/// The parts of the process environment that estop reads, taken once by `main`.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Keeps these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// A variable's value, unless it is unset or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// The configuration cannot be used. Says what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadConfig(pub String);

/// The file to read: the one named, else the first default that is there.
pub fn find(named: Option<&Path>) -> Result<PathBuf, BadConfig> {
    if let Some(path) = named {
        return Ok(path.to_path_buf());
    }
    DEFAULT_FILES
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .ok_or_else(|| {
            BadConfig(format!(
                "there is no configuration: neither {} exists. Name one with --config FILE",
                DEFAULT_FILES.join(" nor ")
            ))
        })
}

/// Where the store of this configuration is, for commands that open it themselves.
pub fn store_place(named: Option<&Path>) -> Result<crate::store::Place, BadConfig> {
    let path = find(named)?;
    let config = Config::read(&path, &Overrides::default())?;
    Ok(config.store)
}
