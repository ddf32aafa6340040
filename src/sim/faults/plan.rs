//! The faults that struck one request, added up.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::domain::moment::Moment;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{self, call::Call};
use crate::sim::faults::{Garbage, Lag, RetryAfter, What};
use crate::sim::journal::Ending;
use crate::transport::Answer;

/// Most bytes of padding in a damaged answer.
const SPACES_LIMIT: usize = 64 * 1024 * 1024;

#[derive(Debug, Default)]
pub(in crate::sim) struct Plan {
    /// Set when the request or its answer gets lost.
    pub(in crate::sim) loss: Option<Ending>,
    pub(in crate::sim) holds_request: bool,
    pub(in crate::sim) holds_reply: bool,
    pub(in crate::sim) delay: Duration,
    pub(in crate::sim) refusal: Option<Refusal>,
    pub(in crate::sim) acts_all_the_same: bool,
    pub(in crate::sim) keeps_still: bool,
    pub(in crate::sim) lag: Option<Lag>,
    pub(in crate::sim) garbage: Option<Garbage>,
}

impl Plan {
    pub(in crate::sim) fn add(&mut self, what: &What, call: &Call) {
        match what {
            What::LoseReplyAfterEffect => self.loss = Some(Ending::AnswerLost),
            What::LoseRequest => self.loss = Some(Ending::RequestLost),
            What::RefuseConnection => self.loss = Some(Ending::NotSent),
            What::HoldRequest => self.holds_request = true,
            What::HoldReply => self.holds_reply = true,
            What::Delay(span) => self.delay = self.delay.saturating_add(span.0),
            What::Throttle { retry_after } => {
                let refusal = Refusal::throttled();
                self.refusal = Some(match retry_after {
                    None => refusal,
                    Some(after) => refusal.with("retry-after", after.text(call.at)),
                });
            }
            What::Status { status, code } => self.refusal = Some(refusal(*status, code)),
            What::RefuseAfterEffect { status, code } => {
                self.refusal = Some(refusal(*status, code));
                self.acts_all_the_same = true;
            }
            What::NoEffect => self.keeps_still = true,
            What::StaleReads(lag) => self.lag = Some(*lag),
            What::ClaimsChallenge => {
                let claims = claims_from(call.at);
                self.refusal = Some(Refusal::claims_wanted(&claims));
            }
            What::Garbage(garbage) => self.garbage = Some(garbage.clone()),
        }
    }

    /// What acting gives, or the refusal instead, without having acted or all the same.
    pub(in crate::sim) fn answered(&mut self, call: &Call, act: impl FnOnce() -> Answer) -> Answer {
        let Some(refusal) = self.refusal.take() else {
            return act();
        };
        if self.acts_all_the_same {
            drop(act());
        }
        calls::dressed(call, Err(refusal))
    }
}

fn refusal(status: u16, code: &str) -> Refusal {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Refusal::new(status, code, "A fault of the simulation.")
}

/// The base64 text of a claims challenge: an access token not older than `at` is wanted.
pub(in crate::sim) fn claims_from(at: Moment) -> String {
    let nbf = json!({"essential": true, "value": at.as_seconds().to_string()});
    STANDARD.encode(json!({"access_token": {"nbf": nbf}}).to_string())
}

/// `at` as HTTP writes dates.
pub(in crate::sim) fn http_date(at: Moment) -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    jiff::Timestamp::from_millisecond(at.as_millis())
        .ok()
        .and_then(|at| printer.timestamp_to_rfc9110_string(&at).ok())
        .unwrap_or_default()
}

impl RetryAfter {
    fn text(&self, now: Moment) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::DateIn(span) => http_date(now.plus(span.0)),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Garbage {
    /// The same answer, damaged.
    pub(in crate::sim) fn spoil(&self, answer: Answer) -> Answer {
        let (mut parts, body) = answer.into_parts();
        parts.status = StatusCode::OK;
        let kind = if *self == Self::Html {
            "text/html"
        } else {
            "application/json"
        };
        parts
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let body = match self {
            Self::Truncated => body.slice(..body.len() / 2),
            Self::Html => Bytes::from_static(b"<html><body>Sign in to continue</body></html>"),
            Self::Empty => Bytes::new(),
            Self::Body(text) => Bytes::from(text.clone()),
            Self::Spaces(count) => Bytes::from(vec![b' '; (*count).min(SPACES_LIMIT)]),
        };
        Answer::from_parts(parts, body)
    }
}
