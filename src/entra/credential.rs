//! The ways this process proves who it is, over `azure_identity`.
//!
//! A credential is built anew for every request: the crate's own cache hands out a token until
//! five minutes before its end and could not be refreshed early, and a file may have changed.

use std::path::PathBuf;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::{ClientOptions, RetryOptions, Transport as Pipe};
use azure_identity::{
    ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::assertion::{CertificateFiles, Signer};
use super::wire::{Said, Wire, as_https};
use super::{AccessToken, Claims, Error, private};
use crate::clock::Clock;
use crate::domain::entity::{ObjectId, TenantId};
use crate::domain::moment::Moment;
use crate::transport::Transport;

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

impl Authority {
    /// Where tokens are asked for, and whom an assertion is meant for.
    pub(super) fn token_url(&self) -> String {
        let login = self.login.as_str().trim_end_matches('/');
        format!("{login}/{}/oauth2/v2.0/token", self.tenant)
    }
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
    Certificate {
        client: ObjectId,
        files: CertificateFiles,
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
    pub(super) clock: Clock,
}

impl Credential {
    /// Asks the authority for a token. A managed identity's platform takes no claims and may
    /// answer from its own cache; the others offer `cp1` and pass `claims` on.
    pub(super) async fn fetch(self, claims: Option<Claims>) -> Result<AccessToken, Error> {
        let said = Said::default();
        let credential = self.build(claims, &said)?;
        let got = credential
            .get_token(&[self.authority.scope.as_str()], None)
            .await
            .map_err(|error| said.sorted(&error))?;
        let ends = got.expires_on.unix_timestamp().saturating_mul(1000);
        let secret = SecretString::from(got.token.secret().to_owned());
        let token = AccessToken::new(&secret, Moment::from_millis(ends))?;
        match token.identity() {
            Some(identity) if identity.tenant != self.authority.tenant => {
                Err(Error::misconfigured(format!(
                    "we were given a token for the tenant {}, not for ours",
                    identity.tenant
                )))
            }
            Some(_) | None => Ok(token),
        }
    }

    fn build(
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
            Proof::Certificate { client, files } => {
                if let Some(warning) = files.check(self.clock.now())?.warning {
                    tracing::warn!("{warning}");
                }
                let signer = Signer {
                    files: files.clone(),
                    client: *client,
                    authority: self.authority.clone(),
                    clock: self.clock.clone(),
                };
                let options = ClientAssertionCredentialOptions { client_options };
                ClientAssertionCredential::new(tenant, client.to_string(), signer, Some(options))
                    .map(|credential| credential as Arc<dyn TokenCredential>)
            }
            Proof::ClientSecret { client, file } => {
                let secret = private::text_in(file, "the client secret")?;
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
            claims: match self.proof {
                Proof::ManagedIdentity { .. } => None,
                Proof::WorkloadIdentity { .. }
                | Proof::Certificate { .. }
                | Proof::ClientSecret { .. } => Some(Claims::asked(claims.as_ref())),
            },
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
