//! The gate of Copilot Studio: before a bot calls a tool it asks us, and we say no for a bot whose
//! agent we hold, however good its tokens still are.
//!
//! A question carries the whole conversation. Nothing of it is read but who asks, and nothing is
//! kept. Both spellings of the tool outputs (`previousToolsOutputs` on the wire,
//! `previousToolOutputs` in print) are therefore as good, and so is a version we do not know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde_json::json;

use super::reply::json as reply;
use crate::clock::Clock;
use crate::domain::entity::TenantId;
use crate::domain::tools::{BotId, ToolWord, Tools};
use crate::entra::{CallerCheck, Denial};
use crate::telemetry::Metrics;

/// Largest question that is read: a long conversation, and room.
const QUESTION_MAX: usize = 4 * 1024 * 1024;
/// How long a question may take to arrive: Copilot Studio waits a second for the answer.
const QUESTION_WITHIN: Duration = Duration::from_millis(900);
/// Our own codes for why a call is refused.
const CONTAINED: u32 = 1;
const CANNOT_TELL: u32 = 2;
const UNMAPPED: u32 = 3;

/// What is answered where we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// The call may pass.
    Allow,
    /// The call is refused.
    Block,
    /// We say that we cannot tell, and the environment's own setting decides.
    Error,
}

/// One environment of Power Platform, by its name in our path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// What a question must say it comes from, where it is configured.
    pub id: Option<String>,
}

/// What stands behind the gate. The roof builds it.
pub struct CopilotDoor {
    /// Who may ask.
    pub callers: CallerCheck,
    /// What is answered from.
    pub tools: Arc<Tools>,
    /// Our tenant.
    pub tenant: TenantId,
    /// Which environments ask.
    pub environments: BTreeMap<String, Environment>,
    /// What is said where the question cannot be understood, or we are not ready.
    pub cannot_tell: Fallback,
    /// What is said to a bot nobody knows.
    pub unmapped: Fallback,
    /// Whose time access tokens are held against.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// `POST /v1/copilot/{environment}/validate` and `/analyze-tool-execution`.
pub fn copilot_router(door: CopilotDoor) -> Router {
    Router::new()
        .route("/v1/copilot/{environment}/validate", post(validate))
        .route(
            "/v1/copilot/{environment}/analyze-tool-execution",
            post(analyze),
        )
        .with_state(Arc::new(door))
}

/// Why a question gets no answer. The same words for every refusal.
enum Unheard {
    Refused,
    Unable,
}

/// The name of an environment; bytes that are no text name none, and are refused in the same words.
fn text(name: Result<Path<String>, PathRejection>) -> String {
    name.map(|Path(name)| name).unwrap_or_default()
}

async fn validate(
    State(door): State<Arc<CopilotDoor>>,
    environment: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    match door.admit(&text(environment), &headers).await {
        Ok(_) => reply(
            StatusCode::OK,
            json!({ "isSuccessful": true, "status": "OK" }).to_string(),
        ),
        Err(unheard) => unheard.reply(),
    }
}

async fn analyze(
    State(door): State<Arc<CopilotDoor>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let name = text(name);
    let environment = match door.admit(&name, &parts.headers).await {
        Ok(environment) => environment,
        Err(unheard) => {
            door.metrics.sources.asked("unknown", unheard.word());
            return unheard.reply();
        }
    };
    let whole = door.clock.within(QUESTION_WITHIN, whole(body)).await;
    let bot = match whole {
        Ok(Some(body)) => door.asks(environment, &body),
        Ok(None) | Err(_) => None,
    };
    let word = bot.map_or(ToolWord::NotReady, |bot| door.tools.word(bot));
    let (answer, outcome) = door.answer(word);
    door.metrics.sources.asked(&name, outcome);
    answer
}

async fn whole(body: Body) -> Option<Bytes> {
    let read = Limited::new(body, QUESTION_MAX).collect().await;
    read.ok().map(http_body_util::Collected::to_bytes)
}

/// The few members of a question that we look at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    #[serde(borrow)]
    conversation_metadata: Metadata<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    agent: Asker<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asker<'a> {
    id: &'a str,
    tenant_id: Option<&'a str>,
    environment_id: Option<&'a str>,
}

impl CopilotDoor {
    /// The environment of this name, when its caller may ask.
    async fn admit(&self, name: &str, headers: &HeaderMap) -> Result<&Environment, Unheard> {
        let environment = self.environments.get(name).ok_or(Unheard::Refused)?;
        match self.callers.check(headers, self.clock.now()).await {
            Ok(_) => Ok(environment),
            Err(Denial::Refused { doubt, caller }) => {
                tracing::debug!(
                    why = doubt.word(),
                    caller = caller.map(tracing::field::display),
                    "a question to the gate was not believed"
                );
                Err(Unheard::Refused)
            }
            Err(Denial::CannotTell(why)) => {
                tracing::debug!(why, "a question to the gate could not be checked");
                Err(Unheard::Unable)
            }
        }
    }

    /// Which bot asks; `None` where that cannot be told, or where it is not of this environment.
    fn asks(&self, environment: &Environment, body: &[u8]) -> Option<BotId> {
        let question: Question<'_> = serde_json::from_slice(body).ok()?;
        let asker = question.conversation_metadata.agent;
        let same = |said: &str, ours: &str| said.eq_ignore_ascii_case(ours);
        if let Some(tenant) = asker.tenant_id
            && !same(tenant, &self.tenant.to_string())
        {
            return None;
        }
        if let Some(ours) = environment.id.as_deref()
            && !asker.environment_id.is_some_and(|said| same(said, ours))
        {
            return None;
        }
        asker.id.parse().ok()
    }

    fn answer(&self, word: ToolWord) -> (Response, &'static str) {
        match word {
            ToolWord::Pass => (pass(), "pass"),
            ToolWord::Refuse(id) => {
                let why = "This agent was stopped by its organization's security team.";
                let diagnostics = json!({ "contained": id, "by": "estop" });
                (refuse(CONTAINED, why, diagnostics), "refused")
            }
            ToolWord::Unmapped => {
                let answer = self
                    .unmapped
                    .answer(UNMAPPED, "estop does not know this agent.");
                (answer, "unmapped")
            }
            ToolWord::NotReady => {
                let why = "estop cannot tell whether this agent is contained.";
                (self.cannot_tell.answer(CANNOT_TELL, why), "cannot_tell")
            }
        }
    }
}

impl Fallback {
    fn answer(self, code: u32, why: &str) -> Response {
        match self {
            Self::Allow => pass(),
            Self::Block => refuse(code, why, json!({ "by": "estop" })),
            Self::Error => trouble(StatusCode::SERVICE_UNAVAILABLE, code, why),
        }
    }
}

impl Unheard {
    const fn word(&self) -> &'static str {
        match self {
            Self::Refused => "not_believed",
            Self::Unable => "unable",
        }
    }

    fn reply(&self) -> Response {
        match self {
            Self::Refused => trouble(
                StatusCode::UNAUTHORIZED,
                401,
                "The caller was not believed. Check the environment's name, the application and \
                 its audience.",
            ),
            Self::Unable => trouble(
                StatusCode::SERVICE_UNAVAILABLE,
                503,
                "The caller could not be checked now.",
            ),
        }
    }
}

fn pass() -> Response {
    reply(StatusCode::OK, r#"{"blockAction":false}"#.to_owned())
}

fn refuse(code: u32, why: &str, diagnostics: serde_json::Value) -> Response {
    let said = json!({
        "blockAction": true, "reasonCode": code, "reason": why,
        "diagnostics": diagnostics.to_string(),
    });
    reply(StatusCode::OK, said.to_string())
}

fn trouble(status: StatusCode, code: u32, why: &str) -> Response {
    let said = json!({
        "errorCode": code, "message": why, "httpStatus": status.as_u16(), "diagnostics": "{}",
    });
    reply(status, said.to_string())
}
