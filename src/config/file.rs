//! The file as people write it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::BadConfig;
use super::actions::ActionsFile;
use super::activation::ActivationFile;
use super::anchors::AnchorsFile;
use super::azure::AzureFile;
use super::copilot::CopilotFile;
use super::heartbeat::HeartbeatFile;
use super::incidents::IncidentsFile;
use super::limits::{LimitsFile, TlsFile};
use super::mapping::MapFile;
use super::ocsf::OcsfFile;
use super::page::PageFile;
use super::pull::PullFile;
use super::retention::RetentionFile;
use super::traces::TracesFile;
use super::verify::VerifyFile;
use crate::domain::caps::Caps;
use crate::domain::entity::{EntityKind, ObjectId};
use crate::domain::moment::Span;
use crate::domain::permission::Profile;
use crate::domain::playbook::{Mode, ServiceMode};
use crate::domain::role::ServiceRole;

/// Largest configuration that is read.
const FILE_MAX: usize = 256 * 1024;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) role: Option<ServiceRole>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) public_url: Option<url::Url>,
    pub(super) tls: Option<TlsFile>,
    #[serde(default)]
    pub(super) limits: LimitsFile,
    pub(super) control: Option<ControlFile>,
    pub(super) store: Option<String>,
    pub(super) mode: Option<ServiceMode>,
    pub(super) tenant: TenantFile,
    #[serde(default)]
    pub(super) sources: BTreeMap<String, SourceFile>,
    pub(super) playbooks: Option<PathBuf>,
    #[serde(default)]
    pub(super) activation: ActivationFile,
    #[serde(default)]
    pub(super) actions: ActionsFile,
    pub(super) protected: Option<Vec<ObjectId>>,
    #[serde(default, rename = "self")]
    pub(super) ourselves: Vec<ObjectId>,
    #[serde(default)]
    pub(super) caps: Caps,
    pub(super) automatic_blueprints: Option<bool>,
    #[serde(default)]
    pub(super) inventory: InventoryFile,
    #[serde(default)]
    pub(super) drift: DriftFile,
    #[serde(default)]
    pub(super) evidence: EvidenceFile,
    pub(super) token_lifetime: Option<Span>,
    #[serde(default)]
    pub(super) callback_hosts: Vec<String>,
    pub(super) ticket_key_file: Option<PathBuf>,
    pub(super) pause_file: Option<PathBuf>,
    pub(super) offline_journal: Option<PathBuf>,
    pub(super) drill: Option<DrillFile>,
    pub(super) azure: Option<AzureFile>,
    #[serde(default)]
    pub(super) page: BTreeMap<String, PageFile>,
    #[serde(default)]
    pub(super) incidents: IncidentsFile,
    #[serde(default)]
    pub(super) ocsf: OcsfFile,
    #[serde(default)]
    pub(super) anchors: AnchorsFile,
    #[serde(default)]
    pub(super) retention: RetentionFile,
    pub(super) store_key_file: Option<PathBuf>,
    pub(super) store_password_file: Option<PathBuf>,
    pub(super) store_ca_file: Option<PathBuf>,
    pub(super) pull: Option<PullFile>,
    pub(super) copilot: Option<CopilotFile>,
    pub(super) heartbeat: Option<HeartbeatFile>,
    pub(super) traces: Option<TracesFile>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ControlFile {
    pub(super) listen: SocketAddr,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantFile {
    pub(super) id: ObjectId,
    pub(super) cloud: Option<String>,
    pub(super) graph_url: Option<String>,
    pub(super) login_url: Option<String>,
    pub(super) credential: CredentialFile,
    pub(super) client_id: Option<ObjectId>,
    pub(super) profile: Option<Profile>,
    pub(super) size: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DrillFile {
    pub(super) canary: ObjectId,
    pub(super) schedule: Option<String>,
    pub(super) max_age: Option<Span>,
    pub(super) hold: Option<Span>,
}

/// How the tenant is looked around in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InventoryFile {
    pub(super) every: Option<Span>,
    pub(super) attributes: Option<String>,
}

/// How what we hold is looked at again.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DriftFile {
    pub(super) every: Option<Span>,
}

/// How evidence is gathered beside a strike, and what signs it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceFile {
    pub(super) within: Option<Span>,
    pub(super) key_file: Option<PathBuf>,
}

/// How we prove who we are to Entra.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialFile {
    /// The platform's own identity.
    ManagedIdentity,
    /// A federated token in a file.
    WorkloadIdentity,
    /// A certificate and its private key.
    Certificate(CertificateFile),
    /// A secret in a file. Warned about: it can be copied.
    ClientSecretFile(PathBuf),
}

/// A certificate whose public part the application registration has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFile {
    /// PEM file of the private RSA key, mode 0600.
    pub key_file: PathBuf,
    /// PEM file of the certificate.
    pub certificate_file: PathBuf,
}

/// One sender.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// How its bodies are read: `sentinel`, `estop` and others.
    pub reader: String,
    /// How its deliveries are verified. A source without it does not start.
    pub verify: VerifyFile,
    /// What it may ask for.
    pub may: Option<MayFile>,
    /// Analytic rule id to detection type, for senders that do not name the type.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// Where its template puts what we need, for readers of templates.
    pub map: Option<MapFile>,
    /// `false` refuses everything it sends.
    pub enabled: Option<bool>,
    /// How long it may send nothing before a person is told; learned where it is left out.
    pub silent_after: Option<Span>,
}

/// What a source may ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MayFile {
    /// The kinds of entity it may name.
    pub entities: Option<Vec<EntityKind>>,
    /// The strongest mode a run on its word may have.
    pub mode: Option<Mode>,
    /// The playbooks it may call; `["*"]` means all.
    pub playbooks: Option<Vec<String>>,
}

impl File {
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, BadConfig> {
        strict(name, text)
    }
}

/// One strict document; `name` stands before what is wrong with it.
pub(super) fn strict<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, BadConfig> {
    if text.len() > FILE_MAX {
        return Err(BadConfig(format!("{name} is larger than {FILE_MAX} bytes")));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1, max_depth: 16, max_nodes: 10_000,
            max_anchors: 0, max_aliases: 0, max_merge_keys: 0
        },
        strict_booleans: true
    };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| BadConfig(explained(name, &error.to_string())))
}

/// The parser's words in one line, with the place in front and what was probably meant behind.
fn explained(name: &str, said: &str) -> String {
    let first = said.lines().next().unwrap_or(said);
    let first = first.strip_prefix("error: ").unwrap_or(first);
    format!("{name}: {first}{}", meant(first).unwrap_or_default())
}

fn meant(said: &str) -> Option<String> {
    let written = said.split('`').nth(1)?;
    let (_, known) = said.split_once("expected one of ")?;
    let known: Vec<&str> = known
        .split(", ")
        .map(|word| word.trim_matches('`'))
        .collect();
    let nearest = crate::catalog::nearest(written, &known)?;
    Some(format!("\n  help: did you mean `{nearest}`?"))
}
