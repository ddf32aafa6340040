//! What a service is built from, so that a test can hand in another clock or tenant.

use super::examine;
use super::ground::Ground;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::CredentialFile;
use crate::entra::{Authority, CertificateFiles, TokenSource};
use crate::graph::Budgets;
use crate::sentinel::{Table, TableTerms};
use crate::transport::Transport;

/// Which playbooks are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Playbooks {
    /// As their files say.
    AsWritten,
    /// The shipped ones in the mode they recommend. Only against a simulated tenant.
    AsRecommended,
}

/// Everything outside the service that it needs.
pub struct Parts {
    /// What a deployment has set.
    pub config: Config,
    /// Time and chance.
    pub clock: Clock,
    /// The way to Graph.
    pub transport: Transport,
    /// The way to the places where people are told.
    pub outward: Transport,
    /// What lets us in, where the role enters the tenant at all.
    pub tokens: Option<TokenSource>,
    /// What lets us into Foundry, where it is configured.
    pub foundry_tokens: Option<TokenSource>,
    /// What lets us into Azure Resource Manager, where a subscription is configured.
    pub azure_tokens: Option<TokenSource>,
    /// What lets us add lines to a table, where one is configured.
    pub table_tokens: Option<TokenSource>,
    /// How much may be asked of Graph.
    pub budgets: Budgets,
    /// The playbooks in force.
    pub catalog: Catalog,
    /// On what it runs.
    pub ground: Ground,
}

/// The service did not start.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct StartError {
    /// What, where, and what to do.
    pub what: String,
}

impl StartError {
    pub(super) fn config(what: String) -> Self {
        Self { what }
    }
}

impl Parts {
    /// The way to a table, where one is configured.
    pub(super) fn table(&self, table: Option<&(TableTerms, String)>) -> Option<Table> {
        let ((terms, _), tokens) = table.zip(self.table_tokens.clone())?;
        Some(Table {
            terms: terms.clone(),
            transport: self.transport.clone(),
            tokens,
            clock: self.clock.clone(),
        })
    }

    /// The real outside: the system's clock, the network, the configured credential.
    pub fn real(config: Config, playbooks: Playbooks) -> Result<Self, StartError> {
        let clock = Clock::system();
        let transport = Transport::over_network()
            .map_err(|error| StartError::config(format!("no network client: {error}")))?;
        let tokens_for = |scope: String| tokens(&config, &clock, &transport, scope);
        let role = config.role;
        let tokens = role.enters_tenant().then(|| config.endpoints.scope());
        let tokens = tokens.map(tokens_for).transpose()?;
        let foundry = config.actions.foundry.as_ref().filter(|_| role.works());
        let foundry_tokens = foundry
            .map(|foundry| tokens_for(foundry.scope.clone()))
            .transpose()?;
        let asks_azure = config.subscription.is_some() || config.incidents.sentinel.is_some();
        let azure_tokens = match asks_azure && role.works() {
            true => Some(tokens_for(examine::azure_scope(&config)?)?),
            false => None,
        };
        let table = config.ocsf.table.as_ref().or(config.anchors.table.as_ref());
        let table_tokens = table
            .filter(|_| role.works())
            .map(|(_, scope)| tokens_for(scope.clone()))
            .transpose()?;
        let catalog = catalog(&config, playbooks)?;
        let size = config.size;
        // A client of its own: a far end that hangs takes no connection from Graph.
        let outward = Transport::over_network()
            .map_err(|error| StartError::config(format!("no network client: {error}")))?;
        Ok(Self {
            config,
            clock,
            transport,
            outward,
            tokens,
            foundry_tokens,
            azure_tokens,
            table_tokens,
            budgets: Budgets::for_tenant(size),
            catalog,
            ground: Ground::default(),
        })
    }
}

/// What lets us in, by the configured credential.
pub fn tokens(
    config: &Config,
    clock: &Clock,
    transport: &Transport,
    scope: String,
) -> Result<TokenSource, StartError> {
    let authority = Authority {
        login: config.endpoints.login().clone(),
        tenant: config.tenant,
        scope,
    };
    let (clock, transport) = (clock.clone(), transport.clone());
    let client = |what: &str| {
        config.client_id.ok_or_else(|| {
            StartError::config(format!(
                "`tenant.client_id` is needed for the credential {what}"
            ))
        })
    };
    Ok(match &config.credential {
        CredentialFile::ManagedIdentity => {
            TokenSource::managed_identity(clock, transport, authority, config.client_id)
        }
        CredentialFile::WorkloadIdentity => {
            let client = client("workload_identity")?;
            TokenSource::workload_identity(clock, transport, authority, client, None)
        }
        CredentialFile::Certificate(named) => {
            let client = client("certificate")?;
            let files = CertificateFiles {
                key: named.key_file.clone(),
                certificate: named.certificate_file.clone(),
            };
            // Said now, while somebody looks, and not at the first detection.
            let checked = files.check(clock.now());
            checked.map_err(|error| StartError::config(format!("`tenant.credential`: {error}")))?;
            TokenSource::certificate(clock, transport, authority, client, files)
        }
        CredentialFile::ClientSecretFile(path) => {
            let client = client("client_secret_file")?;
            TokenSource::client_secret_file(clock, transport, authority, client, path.clone())
        }
    })
}

fn catalog(config: &Config, playbooks: Playbooks) -> Result<Catalog, StartError> {
    if !config.role.enters_tenant() {
        // Nobody there decides anything by them.
        return Ok(Catalog::default());
    }
    let read = match (&config.playbooks, playbooks) {
        // What is in force is in the store, and is taken from there.
        (Some(_), Playbooks::AsWritten) if !config.role.works() => Ok(Catalog::default()),
        (_, Playbooks::AsRecommended) => Catalog::shipped_as_recommended(),
        (Some(folder), Playbooks::AsWritten) => Catalog::load_dir(folder),
        (None, Playbooks::AsWritten) => Catalog::shipped(),
    };
    read.map_err(|faults| {
        let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
        StartError::config(said.join("\n"))
    })
}
