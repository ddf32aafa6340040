//! One exchange with Azure, and what its answer means for who sent it.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;

use crate::clock::Clock;
use crate::entra::{self, AccessToken, TokenSource};
use crate::transport::{Answer, Failure, Transport};

/// Longest wait for one answer.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Longest pause Azure may ask for.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// Longest code of a refusal that is kept.
const CODE_MAX: usize = 128;

/// Why there is no success, sorted by what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing changed: the same again, after a pause where Azure named one.
    #[error("not now: {because}")]
    TryAgain {
        /// The pause it asked for.
        after: Option<Duration>,
        /// The call and what was heard.
        because: String,
    },
    /// Somebody changed it meanwhile: read again first.
    #[error("changed meanwhile: {because}")]
    Changed {
        /// The call and what was heard.
        because: String,
    },
    /// It may have taken effect. Every call here may be repeated.
    #[error("unknown: {because}")]
    Unknown {
        /// The call and what was heard.
        because: String,
    },
    /// It is not there, or not for us to see.
    #[error("not found: {because}")]
    NotFound {
        /// The call.
        because: String,
    },
    /// A person must look: at a role, or at what we ask for.
    #[error("refused, {code}: {because}")]
    Refused {
        /// Azure's code, or `HTTP 403`.
        code: String,
        /// 401 and 403 speak about us, 400 about this call.
        status: u16,
        /// The call.
        because: String,
    },
}

/// Who asks, and how.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) transport: &'a Transport,
    pub(super) tokens: &'a TokenSource,
    pub(super) clock: &'a Clock,
}

/// One request.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) address: String,
    pub(super) body: Option<Value>,
    /// What it is called in words, without ids.
    pub(super) spoken: &'static str,
}

#[derive(Deserialize)]
struct Told {
    error: Code,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

impl Asking<'_> {
    /// Sends it; a 401 is answered once with a forced token.
    pub(super) async fn send(self, call: &Call) -> Result<Answer, Error> {
        let token = self.tokens.token().await;
        let token = token.map_err(|error| no_token(call.spoken, &error))?;
        let answer = self.exchange(call, &token).await?;
        if answer.status() != http::StatusCode::UNAUTHORIZED {
            return call.sorted(answer);
        }
        let token = self.tokens.refresh_with_claims(&token, None).await;
        let token = token.map_err(|error| no_token(call.spoken, &error))?;
        call.sorted(self.exchange(call, &token).await?)
    }

    async fn exchange(self, call: &Call, token: &AccessToken) -> Result<Answer, Error> {
        let mut request = http::Request::builder()
            .method(call.method.clone())
            .uri(&call.address)
            .header(AUTHORIZATION, token.authorization())
            .header(ACCEPT, "application/json");
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = call.body.as_ref().map(Value::to_string).unwrap_or_default();
        let request = request
            .body(Bytes::from(body))
            .map_err(|_| Error::Refused {
                code: "BadPlace".to_owned(),
                status: 400,
                because: format!("{}: its address cannot be sent", call.spoken),
            })?;
        let sent = self.clock.within(CALL_LIMIT, self.transport.send(request));
        match sent.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure @ Failure::NotSent(_))) => Err(Error::TryAgain {
                after: None,
                because: format!("{}: {failure}", call.spoken),
            }),
            Ok(Err(failure @ Failure::Lost(_))) => Err(call.lost(failure)),
            Err(late) => Err(call.lost(late)),
        }
    }
}

impl Call {
    /// A read may simply be asked again; of a write nobody knows.
    fn lost(&self, why: impl std::fmt::Display) -> Error {
        let because = format!("{}: {why}", self.spoken);
        if self.method == Method::GET {
            return Error::TryAgain {
                after: None,
                because,
            };
        }
        Error::Unknown { because }
    }

    fn sorted(&self, answer: Answer) -> Result<Answer, Error> {
        let status = answer.status().as_u16();
        let because = format!("{} {status}", self.spoken);
        match status {
            200..=299 => Ok(answer),
            404 | 410 if code(&answer).is_some() => Err(Error::NotFound { because }),
            409 | 412 => Err(Error::Changed { because }),
            429 => Err(Error::TryAgain {
                after: pause(&answer),
                because,
            }),
            503 if answer.headers().contains_key(RETRY_AFTER) => Err(Error::TryAgain {
                after: pause(&answer),
                because,
            }),
            408 | 500..=599 => Err(self.lost(format_args!("HTTP {status}"))),
            // A redirect or a 404 in other words come from somebody on the way.
            300..=399 | 404 | 410 => Err(Error::Unknown { because }),
            _ => Err(Error::Refused {
                code: code(&answer).unwrap_or_else(|| format!("HTTP {status}")),
                status,
                because,
            }),
        }
    }
}

/// Not Azure's, or of another version.
pub(super) fn unreadable(spoken: &str) -> Error {
    Error::Unknown {
        because: format!("{spoken}: an answer we cannot read"),
    }
}

fn no_token(spoken: &str, error: &entra::Error) -> Error {
    let because = format!("{spoken}: {error}");
    match error {
        entra::Error::TryAgain { .. } => Error::TryAgain {
            after: None,
            because,
        },
        entra::Error::Refused { code } => Error::Refused {
            code: code.clone(),
            status: 401,
            because,
        },
        entra::Error::Misconfigured { .. } => Error::Refused {
            code: "NoCredential".to_owned(),
            status: 401,
            because,
        },
    }
}

fn code(answer: &Answer) -> Option<String> {
    let told: Told = serde_json::from_slice(answer.body()).ok()?;
    let plain = told.error.code.chars().filter(char::is_ascii_graphic);
    Some(plain.take(CODE_MAX).collect())
}

fn pause(answer: &Answer) -> Option<Duration> {
    let said = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds: u64 = said.parse().ok()?;
    Some(Duration::from_secs(seconds).min(PAUSE_MAX))
}
