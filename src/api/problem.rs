//! Refusals as RFC 9457 problems, with `done`, `retryable` and `fix` on every one.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use crate::command::{Error, Sort};
use crate::domain::order::Operator;

/// How much was done before the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Nothing,
    Unknown,
}

/// A refusal on its way out; the door tells it in full.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    fix: String,
    done: Done,
    changes: Vec<String>,
}

/// A refusal as it is read and written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// A relative address that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The word for it, to branch on.
    pub code: String,
    /// What is the matter this time.
    pub detail: String,
    /// What was done before it: `nothing`, `part` or `unknown`.
    pub done: String,
    /// May the same again help?
    pub retryable: bool,
    /// What to do about it.
    pub fix: String,
    /// What differs from the plan that was shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// The path that was asked.
    pub instance: String,
    /// Names this request in our log.
    pub request_id: String,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        (code, title): (&'static str, &'static str),
        detail: impl Into<String>,
        fix: &str,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            fix: fix.to_owned(),
            done: Done::Nothing,
            changes: Vec::new(),
        }
    }

    pub(super) fn token_in_url() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            ("token-in-url", "A credential stands in the address"),
            "addresses are logged and shared, so no credential is taken from one",
            "Send it as Authorization: Bearer; revoke it if it is real",
        )
    }

    pub(super) fn hears_nobody() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            ("no-senders-here", "No senders come to this process"),
            "it is a console, and what a door for senders hears is known there only",
            "See what was taken: estop detections list; what was refused stands in the metrics and the \
             log of each `role: ingest`",
        )
    }

    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ("token-refused", "No token, or not one that is believed"),
            "the token is missing, unknown, expired or revoked",
            "Send Authorization: Bearer with a token from: estop token create",
        )
    }

    pub(super) fn too_many() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            ("too-many-refused", "Too many tokens were refused just now"),
            "somebody guesses, or a script shows an old token; until it is over only tokens that \
             were used lately are looked up",
            "Try again in a second; end what shows a wrong token",
        )
    }

    pub(super) fn role_missing(operator: &Operator) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            ("role-missing", "This credential may not do that"),
            format!("a credential of scope {} may not do this", operator.scope),
            "Use a token of scope respond: estop token create --scope respond",
        )
    }

    pub(super) fn nowhere() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ("not-found", "There is nothing here"),
            "there is no such path or thing",
            "Check the address and the id",
        )
    }

    pub(super) fn no_such_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ("method-not-allowed", "This path does not take that method"),
            "the path is there, and is asked in another way",
            "See the command line's --help, or the documentation",
        )
    }

    pub(super) fn too_slow() -> Self {
        let mut problem = Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            ("too-slow", "It took too long"),
            "the reply was given up on; an order may have been stored",
            "Send the same again with the same Idempotency-Key",
        );
        problem.done = Done::Unknown;
        problem
    }

    /// The whole reply.
    pub(super) fn told(self, instance: &str, id: &str) -> Response {
        let retryable = matches!(
            self.status,
            StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        );
        let told = Told {
            kind: format!("/errors/{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            detail: self.detail,
            done: match self.done {
                Done::Nothing => "nothing".to_owned(),
                Done::Unknown => "unknown".to_owned(),
            },
            retryable,
            fix: self.fix,
            changes: self.changes,
            instance: instance.to_owned(),
            request_id: id.to_owned(),
        };
        // Texts and numbers always serialize.
        let text = serde_json::to_string(&told).unwrap_or_default();
        let mut reply = Response::new(Body::from(text));
        *reply.status_mut() = self.status;
        let headers = reply.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, kind);
        if retryable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        reply
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut reply = self.status.into_response();
        reply.extensions_mut().insert(self);
        reply
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, title) = match error.sort {
            Sort::Unbelieved => (
                StatusCode::UNAUTHORIZED,
                "No token, or not one that is believed",
            ),
            Sort::NotAllowed => (StatusCode::FORBIDDEN, "This credential may not do that"),
            Sort::Amend => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "It must be said differently",
            ),
            Sort::NotFound if error.code == "target-unresolved" => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "The tenant has no such entity",
            ),
            Sort::NotFound => (StatusCode::NOT_FOUND, "There is no such thing"),
            Sort::Guarded => (StatusCode::CONFLICT, "A guard stands in the way"),
            Sort::NotNow => (StatusCode::CONFLICT, "It cannot be done as things stand"),
            Sort::Stale => (
                StatusCode::CONFLICT,
                "The plan no longer matches the tenant",
            ),
            Sort::Later => (StatusCode::SERVICE_UNAVAILABLE, "Not now"),
            Sort::Unfit => (StatusCode::BAD_GATEWAY, "The service must be mended first"),
        };
        Self {
            changes: error.changes,
            ..Self::new(status, (error.code, title), error.why, &error.fix)
        }
    }
}

impl From<crate::store::Error> for Problem {
    fn from(error: crate::store::Error) -> Self {
        Error::from(error).into()
    }
}
