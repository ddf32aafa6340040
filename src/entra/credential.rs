//! The ways this process proves who it is, over `azure_identity`.
//!
//! A credential is built anew for every request: the crate's own cache hands out a token until
//! five minutes before its end and could not be refreshed early, and a file may have changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, RetryOptions, Transport as Pipe};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::wire::{Said, Wire, as_https};
use super::{AccessToken, Claims, Error};
use crate::domain::entity::{ObjectId, TenantId};
use crate::domain::moment::Moment;
use crate::transport::Transport;

/// Longest client secret that is read from a file.
const SECRET_LIMIT: usize = 4 * 1024;

/// Where tokens come from, for which tenant, and what for.
#[derive(Clone, Debug)]
pub struct Authority {
    /// `https://login.microsoftonline.com/` and its like; plain http only for a simulated one.
    pub login: Url,
    /// Our tenant.
    pub tenant: TenantId,
    /// What the tokens are for, such as `https://graph.microsoft.com/.default`.
    pub scope: String,
}

/// How we prove who we are.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    ManagedIdentity {
        client: Option<ObjectId>,
    },
    WorkloadIdentity {
        client: ObjectId,
        file: Option<PathBuf>,
    },
    ClientSecret {
        client: ObjectId,
        file: PathBuf,
    },
}

/// One credential, ready to ask.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    pub(super) authority: Authority,
    pub(super) proof: Proof,
    pub(super) transport: Transport,
}

impl Credential {
    /// Asks the authority for a token. A managed identity's platform takes no claims and may
    /// answer from its own cache; the others pass `claims` on.
    pub(super) async fn fetch(self, claims: Option<Claims>) -> Result<AccessToken, Error> {
        let said = Said::default();
        let credential = self.build(claims, &said).await?;
        let got = credential
            .get_token(&[self.authority.scope.as_str()], None)
            .await
            .map_err(|error| said.sorted(&error))?;
        let ends = got.expires_on.unix_timestamp().saturating_mul(1000);
        let secret = SecretString::from(got.token.secret().to_owned());
        AccessToken::new(&secret, Moment::from_millis(ends))
    }

    async fn build(
        &self,
        claims: Option<Claims>,
        said: &Said,
    ) -> Result<Arc<dyn TokenCredential>, Error> {
        let client_options = self.options(claims, said.clone());
        let tenant = self.authority.tenant.to_string();
        let built: azure_core::Result<Arc<dyn TokenCredential>> = match &self.proof {
            Proof::ManagedIdentity { client } => {
                let user_assigned_id = client.map(|id| UserAssignedId::ClientId(id.to_string()));
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id,
                    client_options,
                }))
                .map(|credential| credential as Arc<dyn TokenCredential>)
            }
            Proof::WorkloadIdentity { client, file } => {
                WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options },
                    client_id: Some(client.to_string()),
                    tenant_id: Some(tenant),
                    token_file_path: file.clone(),
                }))
                .map(|credential| credential as Arc<dyn TokenCredential>)
            }
            Proof::ClientSecret { client, file } => {
                let secret = secret_in(file).await?;
                ClientSecretCredential::new(
                    &tenant,
                    client.to_string(),
                    Secret::new(secret.expose_secret().to_owned()),
                    Some(ClientSecretCredentialOptions { client_options }),
                )
                .map(|credential| credential as Arc<dyn TokenCredential>)
            }
        };
        built.map_err(|error| Error::misconfigured(error.to_string()))
    }

    fn options(&self, claims: Option<Claims>, said: Said) -> ClientOptions {
        let mut cloud = CustomConfiguration::default();
        cloud.authority_host = as_https(&self.authority.login).to_string();
        let wire = Wire {
            transport: self.transport.clone(),
            login: self.authority.login.clone(),
            claims,
            said,
        };
        ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::from(cloud))),
            transport: Some(Pipe::new(Arc::new(wire))),
            // Who asked decides what happens next, not the pipeline.
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        }
    }
}

async fn secret_in(file: &Path) -> Result<SecretString, Error> {
    let unfit =
        |why: &str| Error::misconfigured(format!("the client secret in {} {why}", file.display()));
    only_ours(file)
        .await
        .map_err(|error| unfit(&error.to_string()))?
        .then_some(())
        .ok_or_else(|| unfit("may be read by others: set its mode to 0600"))?;
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|error| unfit(&error.to_string()))?;
    let text = text.trim();
    if text.is_empty() || text.len() > SECRET_LIMIT {
        return Err(unfit("is empty or too long"));
    }
    Ok(text.to_owned().into())
}

#[cfg(unix)]
async fn only_ours(file: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = tokio::fs::metadata(file).await?.permissions().mode();
    Ok(mode & 0o077 == 0)
}

#[cfg(not(unix))]
async fn only_ours(_: &Path) -> std::io::Result<bool> {
    Ok(true)
}
