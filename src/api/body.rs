//! Bodies and keys of requests that act: plain JSON of the expected members, and nothing else.

use std::str::FromStr;

use axum::RequestExt as _;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Api;
use super::problem::Problem;
use crate::domain::order::Operator;

/// Largest body that is read, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
/// Longest idempotency key, in characters.
const KEY_MAX: usize = 128;

/// A body that was read and understood.
pub(super) struct Said<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequest<Api> for Said<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Api) -> Result<Self, Problem> {
        let headers = request.headers();
        if !is_json(headers) || headers.contains_key(CONTENT_ENCODING) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ("not-json", "Only plain JSON is taken"),
                "the body is not application/json, or is compressed",
                "Send Content-Type: application/json and no Content-Encoding",
            ));
        }
        let body = axum::body::to_bytes(request.into_body(), BODY_MAX)
            .await
            .map_err(|_| too_large())?;
        let said = serde_json::from_slice(&body).map_err(|why| not_understood(&why))?;
        Ok(Self(said))
    }
}

/// A reason, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReasonGiven {
    pub(super) reason: String,
}

/// A word about one thing: who says it, about what, under which key, and the body.
pub(super) struct Posted<I, B> {
    pub(super) operator: Operator,
    pub(super) id: I,
    pub(super) said: B,
    key: Option<String>,
}

impl<I: FromStr + Send + 'static, B: DeserializeOwned + Send> FromRequest<Api> for Posted<I, B> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, api: &Api) -> Result<Self, Problem> {
        let operator = request.extensions().get::<Operator>().cloned();
        let operator = operator.ok_or_else(Problem::no_token)?;
        let Named(id) = request.extract_parts_with_state(api).await?;
        let key = key(request.headers())?;
        let Said(said) = Said::from_request(request, api).await?;
        Ok(Self {
            operator,
            id,
            said,
            key,
        })
    }
}

impl<I, B> Posted<I, B> {
    /// The idempotency key, which this word must have.
    pub(super) fn needed_key(&self) -> Result<String, Problem> {
        self.key.clone().ok_or_else(key_missing)
    }
}

/// The id in a path. What is no id names nothing, and neither do bytes that are no text.
pub(super) struct Named<I>(pub(super) I);

impl<I: FromStr + Send> FromRequestParts<Api> for Named<I> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, api).await;
        let id = path.ok().and_then(|Path(id)| id.parse().ok());
        id.map(Self).ok_or_else(Problem::nowhere)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value.is_some_and(|value| {
        let kind = value.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    })
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        (
            "too-large",
            "The body is too large, or did not come to its end",
        ),
        format!("at most {BODY_MAX} bytes are read"),
        "Send less",
    )
}

fn not_understood(why: &serde_json::Error) -> Problem {
    if why.is_data() {
        return Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            ("schema-mismatch", "The body has not the expected form"),
            why.to_string(),
            "Send the members this path expects, and no others",
        );
    }
    Problem::new(
        StatusCode::BAD_REQUEST,
        ("not-json", "The body is not JSON"),
        why.to_string(),
        "Send one JSON object",
    )
}

/// The idempotency key, where there is one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let plain = |b: u8| b.is_ascii_graphic();
    if text.is_empty() || text.len() > KEY_MAX || !text.bytes().all(plain) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            (
                "idempotency-key-unfit",
                "The idempotency key cannot be used",
            ),
            format!("a key has 1 to {KEY_MAX} visible ASCII characters"),
            "Send a fresh UUID as Idempotency-Key",
        ));
    }
    Ok(Some(text.to_owned()))
}

pub(super) fn key_missing() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        ("idempotency-key-missing", "An idempotency key is wanted"),
        "without one, a lost reply could not be asked for again",
        "Send a fresh UUID as Idempotency-Key",
    )
}
