//! Azure Resource Manager, for the two things estop asks of it: where the tenant's logs are sent,
//! and which Azure roles an entity holds.
//!
//! Knows: two paths, their answers' shapes.
//! Never: a write; no right in Azure is needed but reading.
//!
//! Laws
//! * The token for it goes to its own host only.
//! * What cannot be read is unknown, never "not sent".

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION};
use serde::Deserialize;
use url::Url;

use crate::clock::Clock;
use crate::domain::entity::ObjectId;
use crate::domain::evidence::AzureRole;
use crate::entra::{self, AccessToken, TokenSource};
use crate::transport::{Answer, Request, Transport};

/// Longest wait for the answer.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Tenant-wide settings of Entra itself (`microsoft.aadiam`), not of a subscription.
const PLACE: &str = "/providers/microsoft.aadiam/diagnosticSettings?api-version=2017-04-01-preview";
/// Most pages of one subscription's role assignments.
const PAGES_MAX: usize = 20;

/// What asks Azure Resource Manager. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Arm {
    /// `https://management.azure.com` or its like in another cloud.
    pub base: Url,
    /// The way there.
    pub transport: Transport,
    /// What lets us in, for `{base}/.default`.
    pub tokens: TokenSource,
    /// Time.
    pub clock: Clock,
}

/// One setting: which logs go where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagnosticSetting {
    /// What people call it.
    pub name: String,
    /// The categories that are switched on, such as `RiskyAgents`.
    pub categories: Vec<String>,
    /// The workspace they go to, as a resource id; `None` when they go to storage or a stream.
    pub workspace: Option<String>,
}

/// Why nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Later perhaps.
    #[error("not now: {0}")]
    TryAgain(String),
    /// We may not read it.
    #[error("refused with {status}: {code}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Azure's code.
        code: String,
    },
    /// The answer makes no sense.
    #[error("unknown: {0}")]
    Unknown(String),
}

#[derive(Deserialize)]
struct Listed {
    value: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    logs: Vec<Log>,
    workspace_id: Option<String>,
}

#[derive(Deserialize)]
struct Log {
    category: Option<String>,
    enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Roles {
    value: Vec<Role>,
    next_link: Option<String>,
}

#[derive(Deserialize)]
struct Role {
    properties: RoleProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleProperties {
    role_definition_id: String,
    principal_id: ObjectId,
    scope: String,
}

#[derive(Deserialize)]
struct Told {
    error: Code,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Arm {
    /// The tenant-wide diagnostic settings. Needs a directory role that may read them (Microsoft:
    /// Security Reader is the least).
    pub async fn diagnostic_settings(&self) -> Result<Vec<DiagnosticSetting>, Error> {
        read(&self.get(format!("{}{PLACE}", self.host())).await?)
    }

    /// The Azure roles that a principal holds itself in one subscription, at any scope of it. Needs
    /// the Azure role Reader there.
    pub async fn roles_of(
        &self,
        subscription: ObjectId,
        principal: ObjectId,
    ) -> Result<Vec<AzureRole>, Error> {
        let path = format!(
            "{}/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments",
            self.host()
        );
        let query = format!("api-version=2022-04-01&$filter=principalId%20eq%20'{principal}'");
        let mut next = Some(format!("{path}?{query}"));
        let mut held = Vec::new();
        for _ in 0..PAGES_MAX {
            let Some(place) = next.take() else { break };
            // The token must not follow a link elsewhere.
            if !place.starts_with(&path) {
                return Err(Error::Unknown("the next page lies elsewhere".to_owned()));
            }
            let page: Roles = serde_json::from_slice(&self.get(place).await?)
                .map_err(|_| Error::Unknown("an answer we cannot read".to_owned()))?;
            for role in page.value {
                if role.properties.principal_id != principal {
                    return Err(Error::Unknown("the answer is about another".to_owned()));
                }
                held.push(role.properties.into());
            }
            next = page.next_link;
        }
        match next {
            None => Ok(held),
            Some(_) => Err(Error::Unknown(format!("more than {PAGES_MAX} pages"))),
        }
    }

    fn host(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    async fn get(&self, address: String) -> Result<bytes::Bytes, Error> {
        let token = self.tokens.token().await.map_err(no_token)?;
        let answer = self.exchange(&token, &address).await?;
        if answer.status() != http::StatusCode::UNAUTHORIZED {
            return sorted(answer);
        }
        // Once, as with Graph: the token may have been revoked before its time.
        let token = self.tokens.refresh_with_claims(&token, None).await;
        sorted(self.exchange(&token.map_err(no_token)?, &address).await?)
    }

    async fn exchange(&self, token: &AccessToken, address: &str) -> Result<Answer, Error> {
        let request: Request = http::Request::get(address)
            .header(AUTHORIZATION, token.authorization())
            .header(ACCEPT, "application/json")
            .body(bytes::Bytes::new())
            .map_err(|error| Error::Unknown(error.to_string()))?;
        let sent = self.clock.within(CALL_LIMIT, self.transport.send(request));
        match sent.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => Err(Error::TryAgain(failure.to_string())),
            Err(late) => Err(Error::TryAgain(late.to_string())),
        }
    }
}

fn no_token(error: entra::Error) -> Error {
    Error::TryAgain(error.to_string())
}

fn sorted(answer: Answer) -> Result<bytes::Bytes, Error> {
    match answer.status().as_u16() {
        200 => Ok(answer.into_body()),
        status @ (408 | 429 | 500..=599) => Err(Error::TryAgain(format!("HTTP {status}"))),
        // Not Azure's: somebody on the way answered.
        status @ 201..=399 => Err(Error::Unknown(format!("HTTP {status}"))),
        status => Err(Error::Refused {
            status,
            code: serde_json::from_slice::<Told>(answer.body())
                .map_or_else(|_| format!("HTTP {status}"), |told| told.error.code),
        }),
    }
}

impl From<RoleProperties> for AzureRole {
    fn from(role: RoleProperties) -> Self {
        let definition = role.role_definition_id.rsplit('/').next();
        Self {
            definition: definition.unwrap_or_default().to_owned(),
            scope: role.scope,
        }
    }
}

fn read(body: &[u8]) -> Result<Vec<DiagnosticSetting>, Error> {
    let listed: Listed = serde_json::from_slice(body)
        .map_err(|_| Error::Unknown("an answer we cannot read".to_owned()))?;
    let settings = listed.value.into_iter().map(|setting| DiagnosticSetting {
        name: setting.name,
        categories: setting
            .properties
            .logs
            .into_iter()
            .filter(|log| log.enabled)
            .filter_map(|log| log.category)
            .collect(),
        workspace: setting.properties.workspace_id,
    });
    Ok(settings.collect())
}
