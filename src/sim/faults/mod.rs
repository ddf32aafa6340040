//! What may go wrong, and at which request.
//!
//! Knows: what a request looks like, what an answer looks like.
//! Never: tenants, permissions, sockets.
//!
//! Laws
//! * Nothing goes wrong unasked.
//! * Each fault counts its own requests; several may strike the same one.
//!
//! Read next: `plan`, then `shadows`.

pub(super) mod plan;
pub(super) mod shadows;

use serde::{Deserialize, Serialize};

use crate::domain::moment::Span;
use crate::sim::calls::call::Call;

/// Which requests something is for. The default is the first request of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct On {
    /// The HTTP method, or any.
    #[serde(default)]
    method: Option<String>,
    /// A piece of the path, without the query. A `$` at its end means the path ends there.
    #[serde(default)]
    path: String,
    /// A piece of the body.
    #[serde(default)]
    body: String,
    /// How many matching requests pass untouched first.
    #[serde(default)]
    skip: u32,
    /// How many are struck then; `null` means all.
    #[serde(default = "once")]
    times: Option<u32>,
}

fn once() -> Option<u32> {
    Some(1)
}

impl On {
    /// The first request of any kind.
    pub fn any() -> Self {
        Self {
            method: None,
            path: String::new(),
            body: String::new(),
            skip: 0,
            times: once(),
        }
    }

    /// The first request with this method and this piece of path. `"agentIdentity$"` does not
    /// match the blueprint cast, `"agentIdentity"` does.
    pub fn request(method: &str, path: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: path.to_owned(),
            ..Self::any()
        }
    }

    /// Only requests with this piece in their body.
    #[must_use]
    pub fn with_body(mut self, piece: &str) -> Self {
        self.body = piece.to_owned();
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Strikes so many requests rather than one.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes every matching request.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Whether this call is struck; counts it.
    pub(in crate::sim) fn strikes(&mut self, call: &Call) -> bool {
        if !self.matches(call) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Nothing will ever match again.
    pub(in crate::sim) fn is_spent(&self) -> bool {
        self.times == Some(0)
    }

    fn matches(&self, call: &Call) -> bool {
        let path = match self.path.strip_suffix('$') {
            Some(end) => call.path.ends_with(end),
            None => call.path.contains(&self.path),
        };
        path && self
            .method
            .as_deref()
            .is_none_or(|it| it == call.method.as_str())
            && String::from_utf8_lossy(&call.body).contains(&self.body)
    }
}

/// Something that goes wrong at certain requests. Several may strike the same request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// At which requests.
    pub on: On,
    /// What goes wrong.
    pub what: What,
}

impl Fault {
    /// `what` at `on`.
    pub fn new(on: On, what: What) -> Self {
        Self { on, what }
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The effect happens, then the connection breaks before the answer.
    LoseReplyAfterEffect,
    /// The connection breaks before the tenant acts.
    LoseRequest,
    /// No connection is made. Over a socket it is accepted first, so it looks like `LoseRequest`.
    RefuseConnection,
    /// The request stays in the network and acts only when released, whoever still waits for it.
    HoldRequest,
    /// The effect happens at once and the answer waits until it is released.
    HoldReply,
    /// The effect happens at once and the answer comes this much later.
    Delay(Span),
    /// 429 without effect.
    Throttle {
        /// The `Retry-After` header; `None` leaves it out.
        retry_after: Option<RetryAfter>,
    },
    /// This HTTP status with this Graph error code, without effect.
    Status {
        /// The HTTP status.
        status: u16,
        /// `error.code`.
        code: String,
    },
    /// The effect happens and the answer is this refusal, as when something on the way sends a
    /// request twice and the second one is refused.
    RefuseAfterEffect {
        /// The HTTP status.
        status: u16,
        /// `error.code`.
        code: String,
    },
    /// Answered as if done, and nothing happens.
    NoEffect,
    /// What the struck write changed is read back late.
    StaleReads(Lag),
    /// 401 with `insufficient_claims`, without effect. A new access token may be asked for.
    ClaimsChallenge,
    /// The effect happens and the answer is damaged.
    Garbage(Garbage),
}

/// The value of a `Retry-After` header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u64),
    /// An HTTP date so far from now.
    DateIn(Span),
    /// Whatever this says, such as `-1`.
    Text(String),
}

/// How long reads show the state from before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    /// For so many reads of the entity.
    Reads(u32),
    /// For so long.
    For(Span),
    /// For so many reads every other one is old, beginning with a new one.
    Flapping(u32),
}

/// How an answer is damaged. The status stays 200.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garbage {
    /// The first half of the true body.
    Truncated,
    /// An HTML page.
    Html,
    /// No body.
    Empty,
    /// This body, called JSON.
    Body(String),
    /// So many spaces, called JSON.
    Spaces(usize),
}
