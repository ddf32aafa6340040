//! The agents' runtime in Foundry: let an agent start no new session, or let it again.
//!
//! Knows: the two calls of Foundry's data plane, and which agent runs where, as configured.
//! Never: Graph, why an agent is stopped, sessions already running (they drain).
//!
//! Laws
//! * A token for Foundry goes to the configured projects only, over TLS, or http on loopback.
//! * A lost answer is *unknown*, never failed and never done; both calls may be repeated.
//! * An agent that is not in the configuration is not guessed.
//!
//! Read next: `Foundry::switch`, then `sorted`.

mod place;

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{AUTHORIZATION, RETRY_AFTER, USER_AGENT};

pub use place::{BadProject, checked};

use crate::clock::Clock;
use crate::domain::entity::ObjectId;
use crate::domain::found::Runtime;
use crate::entra::{self, AccessToken, TokenSource};
use crate::transport::{Answer, Failure, Request, Transport};

/// Longest wait for one answer.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Pause after a failure that says nothing about when to come back.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause Foundry may ask for.
const PAUSE_LIMIT: Duration = Duration::from_secs(60);
/// Longest code of a refusal that is kept.
const WORD_LIMIT: usize = 128;

/// Whether an agent may start sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// No new one; those running drain.
    Stopped,
    /// As usual.
    Allowed,
}

/// Why there is no success, sorted by what a caller can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing changed: try again after the pause.
    #[error("not now: {because}")]
    TryAgain {
        /// How long to wait first.
        after: Duration,
        /// The call was answered so. Else it was not sent at all.
        answered: bool,
        /// The call and what was heard.
        because: String,
    },
    /// It may have taken effect. Both calls may be repeated.
    #[error("unknown: {because}")]
    Unknown {
        /// The call and what was heard.
        because: String,
    },
    /// No such agent in that project.
    #[error("not found: {because}")]
    NotFound {
        /// The call.
        because: String,
    },
    /// A person must look.
    #[error("refused, {code}: {because}")]
    Refused {
        /// Foundry's error code, or `HTTP 403`.
        code: String,
        /// The call.
        because: String,
    },
}

/// What a deployment says about Foundry.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The version of the data plane, such as `2025-11-15-preview`.
    pub api_version: String,
    /// Where each agent identity runs. Classic agents of one project share one identity.
    pub agents: BTreeMap<ObjectId, Vec<Runtime>>,
}

/// The way to Foundry. Cheap enough to clone.
#[derive(Clone, Debug)]
pub struct Foundry {
    terms: Terms,
    tokens: TokenSource,
    transport: Transport,
    clock: Clock,
}

impl Foundry {
    /// Opens no connection yet. `tokens` are for Foundry, not for Graph.
    pub fn new(terms: Terms, tokens: TokenSource, transport: Transport, clock: Clock) -> Self {
        Self {
            terms,
            tokens,
            transport,
            clock,
        }
    }

    /// Where an agent runs, as configured; empty when nobody has said it.
    pub fn runtimes_of(&self, agent: ObjectId) -> Vec<Runtime> {
        self.terms.agents.get(&agent).cloned().unwrap_or_default()
    }

    /// Stops or allows new sessions of one agent, and answers the proof for people. Safe to repeat.
    pub async fn switch(&self, runtime: &Runtime, to: Sessions) -> Result<String, Error> {
        let spoken = spoken(runtime, to);
        let mut configured = self.terms.agents.values().flatten();
        if !configured.any(|one| one.project == runtime.project) {
            return Err(Error::Refused {
                code: "notConfigured".to_owned(),
                because: format!("{spoken}: its project is no longer configured"),
            });
        }
        let token = self.tokens.token().await;
        let token = token.map_err(|error| no_token(&spoken, error))?;
        let answer = self.exchange(runtime, to, &token).await?;
        if answer.status() != http::StatusCode::UNAUTHORIZED {
            return sorted(&spoken, &answer);
        }
        let token = self.tokens.refresh_with_claims(&token, None).await;
        let token = token.map_err(|error| no_token(&spoken, error))?;
        let answer = self.exchange(runtime, to, &token).await?;
        sorted(&spoken, &answer)
    }

    async fn exchange(
        &self,
        runtime: &Runtime,
        to: Sessions,
        token: &AccessToken,
    ) -> Result<Answer, Error> {
        let spoken = spoken(runtime, to);
        let address = place::of(runtime, verb(to), &self.terms.api_version);
        let request = request(&address, token).map_err(|error| Error::Refused {
            code: "BadPlace".to_owned(),
            because: format!("{spoken}: {error}"),
        })?;
        let sent = self.transport.send(request);
        match self.clock.within(CALL_LIMIT, sent).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure @ Failure::NotSent(_))) => Err(Error::TryAgain {
                after: PAUSE,
                answered: false,
                because: format!("{spoken}: {failure}"),
            }),
            Ok(Err(failure @ Failure::Lost(_))) => Err(Error::Unknown {
                because: format!("{spoken}: {failure}"),
            }),
            Err(late) => Err(Error::Unknown {
                because: format!("{spoken}: {late}"),
            }),
        }
    }
}

const fn verb(to: Sessions) -> &'static str {
    match to {
        Sessions::Stopped => "disable",
        Sessions::Allowed => "enable",
    }
}

fn spoken(runtime: &Runtime, to: Sessions) -> String {
    format!("POST Foundry agents/{}:{}", runtime.name, verb(to))
}

fn sorted(spoken: &str, answer: &Answer) -> Result<String, Error> {
    let status = answer.status().as_u16();
    let because = format!("{spoken} {status}");
    match status {
        200..=299 if answer.body().is_empty() => Ok(because),
        404 if code(answer).is_some() => Err(Error::NotFound { because }),
        409 | 412 | 429 => Err(Error::TryAgain {
            after: pause(answer),
            answered: true,
            because,
        }),
        // Foundry answers without content (Microsoft: agents, disable and enable). A page with 200,
        // a redirect or a 404 in other words come from somebody on the way.
        200..=399 | 404 | 408 | 500..=599 => Err(Error::Unknown { because }),
        _ => Err(Error::Refused {
            code: code(answer).unwrap_or_else(|| format!("HTTP {status}")),
            because,
        }),
    }
}

fn pause(answer: &Answer) -> Duration {
    let said = answer.headers().get(RETRY_AFTER);
    let seconds = said.and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(PAUSE, |seconds| {
        Duration::from_secs(seconds).clamp(PAUSE, PAUSE_LIMIT)
    })
}

fn code(answer: &Answer) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(answer.body()).ok()?;
    let code = body["error"]["code"].as_str()?;
    let plain = code.chars().filter(|letter| !letter.is_control());
    Some(plain.take(WORD_LIMIT).collect())
}

fn no_token(call: &str, error: entra::Error) -> Error {
    match error {
        entra::Error::TryAgain { because } => Error::TryAgain {
            after: PAUSE,
            answered: false,
            because: format!("{call}: {because}"),
        },
        entra::Error::Refused { code } => Error::Refused {
            because: format!("{call}: no access token for Foundry"),
            code,
        },
        entra::Error::Misconfigured { because } => Error::Refused {
            code: "NoCredential".to_owned(),
            because: format!("{call}: {because}"),
        },
    }
}

/// A request without a body, ready to be sent.
fn request(address: &str, token: &AccessToken) -> Result<Request, http::Error> {
    http::Request::post(address)
        .header(AUTHORIZATION, token.authorization())
        .header(USER_AGENT, concat!("estop/", env!("CARGO_PKG_VERSION")))
        .body(bytes::Bytes::new())
}
