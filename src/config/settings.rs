//! The configuration in force: checked, with defaults and overrides applied.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use super::BadConfig;
use super::actions::ActionsConfig;
use super::anchors::{AnchorsConfig, one_scope};
use super::bounds::{attribute_set, caps, pace, token_lifetime};
use super::copilot::{CopilotConfig, copilot};
use super::drill::{DrillConfig, drill};
use super::file::{CredentialFile, File};
use super::heartbeat::{HeartbeatConfig, heartbeat};
use super::incidents::IncidentsConfig;
use super::limits::{self, TlsConfig};
use super::ocsf::OcsfConfig;
use super::overrides::Overrides;
use super::page::{PageConfig, pages};
use super::pull::{PullConfig, pull};
use super::senders::{SourceConfig, callback_hosts, sources, warned_of};
use super::shared::shared_by;
use super::tenant::{endpoints, relative, size};
use super::traces::TracesConfig;
use super::warned::warnings;
use crate::command::Activators;
use crate::domain::callback::CallbackHosts;
use crate::domain::caps::Caps;
use crate::domain::detection::SourceName;
use crate::domain::entity::{ObjectId, TenantId};
use crate::domain::permission::Profile;
use crate::domain::playbook::ServiceMode;
use crate::domain::retention::Retention;
use crate::domain::role::ServiceRole;
use crate::graph::{Endpoints, TenantSize};
use crate::ingress::PerSecond;
use crate::listener::Limits;
use crate::store::{Place, ServerPlace};

/// The longest an access token lives as far as we know: clients with continuous access evaluation
/// get 24 hours (Microsoft, 2025-07).
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How often the inventory is refreshed unless the file says otherwise.
const INVENTORY_EVERY: Duration = Duration::from_secs(5 * 60);
/// How often what we hold is looked at again unless the file says otherwise.
const DRIFT_EVERY: Duration = Duration::from_secs(60);
/// How long a part of evidence is tried unless the file says otherwise.
const EVIDENCE_WITHIN: Duration = Duration::from_secs(3600);

/// Everything the roof needs to build the service.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from.
    pub path: PathBuf,
    /// Which part of the service this process is.
    pub role: ServiceRole,
    /// Where deliveries are taken.
    pub listen: SocketAddr,
    /// Where the control API listens.
    pub control_listen: SocketAddr,
    /// The certificate of the door for senders; `None` means plain HTTP.
    pub tls: Option<TlsConfig>,
    /// How many connections each listener bears.
    pub limits: Limits,
    /// How many deliveries are taken in a second.
    pub per_second: PerSecond,
    /// How senders reach us; `None` means by the listening address.
    pub public_url: Option<Url>,
    /// Where the store lies.
    pub store: Place,
    /// How far the service may go until a person says otherwise.
    pub mode: ServiceMode,
    /// Our tenant.
    pub tenant: TenantId,
    /// Where Graph and its login are.
    pub endpoints: Endpoints,
    /// How we prove who we are.
    pub credential: CredentialFile,
    /// Which permissions the deployment grants us.
    pub profile: Profile,
    /// How many users the directory has, for the limit of reads.
    pub size: TenantSize,
    /// Our app id, where the credential needs one.
    pub client_id: Option<ObjectId>,
    /// The senders.
    pub sources: BTreeMap<SourceName, SourceConfig>,
    /// The folder of playbooks; `None` means the shipped ones.
    pub playbooks: Option<PathBuf>,
    /// What lets a playbook's bytes act.
    pub activation: Activators,
    /// What some actions need to know.
    pub actions: ActionsConfig,
    /// Whom we touch only on two people's word.
    pub protected: Vec<ObjectId>,
    /// What we are and depend on, beside what our token says.
    pub ourselves: Vec<ObjectId>,
    /// How many entities may be contained without a person.
    pub caps: Caps,
    /// How often the inventory is refreshed; `None` means never.
    pub inventory_every: Option<Duration>,
    /// How often what we hold is looked at again; `None` means never.
    pub drift_every: Option<Duration>,
    /// The set of custom security attributes that the inventory reads beside the tags.
    pub inventory_attributes: Option<String>,
    /// How long each part of evidence is tried; `None` means that none is gathered.
    pub evidence_within: Option<Duration>,
    /// The secret of the key that signs evidence.
    pub evidence_key: PathBuf,
    /// How long an access token may live at most.
    pub token_lifetime: Duration,
    /// The hosts that waiting workflows may be called back on.
    pub callback_hosts: CallbackHosts,
    /// The canary of drills, where there is one.
    pub drill: Option<DrillConfig>,
    /// The Azure subscription the tenant's logs are sent to; doctor asks Azure where it is named.
    pub subscription: Option<ObjectId>,
    /// Where people are told.
    pub pages: Vec<PageConfig>,
    /// The way back to incidents.
    pub incidents: IncidentsConfig,
    /// Where the record is handed on to.
    pub ocsf: OcsfConfig,
    /// Where the head of the record is anchored.
    pub anchors: AnchorsConfig,
    /// How long things are kept.
    pub retention: Retention,
    /// The keys that close the bodies of deliveries; `None` means that they lie open.
    pub store_key: Option<PathBuf>,
    /// What is pulled from ID Protection, where anything is.
    pub pull: Option<PullConfig>,
    /// The gate of Copilot Studio, where there is one.
    pub copilot: Option<CopilotConfig>,
    /// The synthetic detection, where one is sent.
    pub heartbeat: Option<HeartbeatConfig>,
    /// Where traces go, if anywhere.
    pub traces: Option<TracesConfig>,
    /// The key of status addresses.
    pub ticket_key: PathBuf,
    /// As long as this file is there, nothing is written to the tenant.
    pub pause_file: PathBuf,
    /// What is contained while the database is away is written here, and told later.
    pub offline_journal: PathBuf,
    /// What a person should know before relying on it.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads and checks a file.
    pub fn read(path: &Path, overrides: &Overrides) -> Result<Self, BadConfig> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| BadConfig(format!("{name} cannot be read: {error}")))?;
        let file = File::parse(&name, &text)?;
        let base = path.parent().unwrap_or(Path::new("."));
        let mut config = Self::checked(path, base, file, overrides)?;
        config.warnings.extend(limits::warned(&config));
        one_scope(&config.anchors, &config.ocsf)?;
        Ok(config)
    }

    fn checked(
        path: &Path,
        base: &Path,
        file: File,
        overrides: &Overrides,
    ) -> Result<Self, BadConfig> {
        let protected = file.protected.ok_or_else(|| unprotected(path))?;
        let mut warnings = warnings(&protected, &file.tenant);
        let named = overrides.store.clone().or(file.store);
        let store = store(
            base,
            named.as_deref(),
            [file.store_password_file, file.store_ca_file],
        )?;
        let role = overrides.role.or(file.role).unwrap_or_default();
        let store = shared_by(role, store)?;
        let beside = Beside::of(base, &store);
        let listen = overrides.listen.or(file.listen);
        let listen = listen.unwrap_or_else(|| local(8787));
        let sources = sources(base, file.sources)?;
        let (bounds, per_second) = file.limits.checked()?;
        warnings.extend(warned_of(&sources));
        let left_alone = [protected.as_slice(), &file.ourselves].concat();
        Ok(Self {
            path: path.to_path_buf(),
            role,
            listen,
            control_listen: overrides
                .control_listen
                .or(file.control.map(|control| control.listen))
                .unwrap_or_else(|| local(8788)),
            public_url: overrides.public_url.clone().or(file.public_url),
            tls: file.tls.map(|tls| tls.checked(base)),
            limits: bounds,
            per_second,
            store,
            mode: overrides.mode.or(file.mode).unwrap_or(ServiceMode::Observe),
            tenant: file.tenant.id,
            endpoints: endpoints(&file.tenant)?,
            size: size(file.tenant.size.as_deref())?,
            client_id: file.tenant.client_id,
            profile: file.tenant.profile.unwrap_or(Profile::Agents),
            credential: relative(base, file.tenant.credential),
            pull: pull(file.pull, &sources)?,
            copilot: copilot(file.copilot)?,
            heartbeat: heartbeat(base, file.heartbeat, (&sources, role, listen))?,
            sources,
            activation: file.activation.checked()?,
            actions: file.actions.checked()?,
            playbooks: file.playbooks.map(|folder| base.join(folder)),
            protected,
            ourselves: file.ourselves,
            caps: caps(file.caps, file.automatic_blueprints)?,
            inventory_every: pace("inventory.every", file.inventory.every, INVENTORY_EVERY)?,
            drift_every: pace("drift.every", file.drift.every, DRIFT_EVERY)?,
            inventory_attributes: attribute_set(file.inventory.attributes)?,
            evidence_within: pace("evidence.within", file.evidence.within, EVIDENCE_WITHIN)?,
            evidence_key: beside.file(file.evidence.key_file, "evidence-key"),
            token_lifetime: token_lifetime(file.token_lifetime, TOKEN_LIFETIME)?,
            callback_hosts: callback_hosts(file.callback_hosts)?,
            drill: drill(file.drill, &left_alone)?,
            subscription: file.azure.map(|azure| azure.subscription),
            pages: pages(base, file.page)?,
            incidents: file.incidents.checked()?,
            ocsf: file.ocsf.checked(base)?,
            anchors: file
                .anchors
                .checked(base, beside.file(None, "anchor-key"))?,
            retention: file.retention.checked()?,
            traces: file.traces.map(|traces| traces.checked(base)).transpose()?,
            store_key: file.store_key_file.map(|path| base.join(path)),
            ticket_key: beside.file(file.ticket_key_file, "ticket-key"),
            pause_file: beside.file(file.pause_file, "pause"),
            offline_journal: beside.file(file.offline_journal, "offline"),
            warnings,
        })
    }
}

/// Files that lie beside the store's, or beside the configuration where the store has none, unless
/// they are named.
struct Beside<'a> {
    base: &'a Path,
    stem: PathBuf,
}

impl<'a> Beside<'a> {
    fn of(base: &'a Path, store: &Place) -> Self {
        let stem = match store {
            Place::File(path) => path.clone(),
            Place::Server(_) => base.join("estop"),
        };
        Self { base, stem }
    }

    fn file(&self, named: Option<PathBuf>, what: &str) -> PathBuf {
        match named {
            Some(named) => self.base.join(named),
            None => PathBuf::from(format!("{}.{what}", self.stem.display())),
        }
    }
}

fn unprotected(path: &Path) -> BadConfig {
    BadConfig(format!(
        "{}: `protected` must be written: the object ids estop must not touch without two people, \
         such as emergency access accounts. An empty list is accepted: protected: []",
        path.display()
    ))
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Where the store lies, and the files that let us into a server.
fn store(
    base: &Path,
    named: Option<&str>,
    [password, ca]: [Option<PathBuf>; 2],
) -> Result<Place, BadConfig> {
    let place = Place::read(named.unwrap_or("sqlite:estop.db"), base);
    let place = place.map_err(|why| BadConfig(format!("`store`: {why}")))?;
    match place {
        Place::Server(server) => Ok(Place::Server(ServerPlace {
            password_file: password.map(|path| base.join(path)),
            ca_file: ca.map(|path| base.join(path)),
            ..server
        })),
        Place::File(_) if password.is_some() || ca.is_some() => Err(BadConfig(
            "`store_password_file` and `store_ca_file` are for a store in PostgreSQL".to_owned(),
        )),
        file @ Place::File(_) => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::File;

    const SMALL: &str =
        "tenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  credential: managed_identity\n";

    #[test]
    fn an_unknown_key_says_what_was_meant() {
        let text = format!("{SMALL}protectd: []\n");

        let said = File::parse("estop.yaml", &text).unwrap_err().to_string();

        assert!(
            said.contains("protectd") && said.contains("did you mean `protected`?"),
            "{said}"
        );
        assert!(said.contains("estop.yaml"), "{said}");
    }

    #[test]
    fn a_credential_is_a_word_or_a_file() {
        let secret = SMALL.replace("managed_identity", "{ client_secret_file: secret }");

        assert!(File::parse("estop.yaml", SMALL).is_ok());
        assert!(File::parse("estop.yaml", &secret).is_ok());
        let pair = "{ certificate: { key_file: a.key, certificate_file: a.pem } }";
        let pair = SMALL.replace("managed_identity", pair);
        assert!(File::parse("estop.yaml", &pair).is_ok());
        let half = pair.replace(", certificate_file: a.pem", "");
        assert!(File::parse("estop.yaml", &half).is_err());
        assert!(File::parse("estop.yaml", &SMALL.replace("managed_identity", "hope")).is_err());
    }

    #[test]
    fn every_credential_the_example_names_is_a_configuration_we_take() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(root.join("deploy/estop.example.yaml")).unwrap();
        let named: Vec<&str> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("# credential: "))
            .collect();

        for credential in &named {
            let yaml = SMALL.replace("managed_identity", credential);
            assert!(File::parse("estop.yaml", &yaml).is_ok(), "{credential}");
        }
        assert_eq!(named.len(), 3);
    }

    #[test]
    fn the_example_in_deploy_is_a_configuration_we_take() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/estop.example.yaml");

        let config = super::Config::read(&path, &super::Overrides::default()).unwrap();

        assert_eq!(config.sources.len(), 2);
        assert_eq!(config.size, super::TenantSize::Small);
        assert_eq!(config.caps, super::Caps::default());
        assert_eq!(config.token_lifetime, super::TOKEN_LIFETIME);
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }
}
