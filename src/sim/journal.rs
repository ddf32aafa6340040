//! What the tenant saw and what was changed in it.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::calls::call::Call;
use crate::sim::changes::Aspect;
use crate::sim::tenant::Kind;
use crate::transport::Failure;

/// Most lines kept of each list; the oldest go first.
const LINES_LIMIT: usize = 200_000;
/// Most bytes of a request body kept.
const BODY_LIMIT: usize = 4 * 1024;

/// One request, in the order of arrival.
#[derive(Clone, Debug, Serialize)]
pub struct Arrival {
    /// The `request-id` of the answer.
    pub id: Uuid,
    /// When it arrived.
    pub at: Moment,
    /// `GET`, `PATCH` or `POST`.
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The body, cut at 4 KiB; empty for the token endpoint, whose bodies hold credentials.
    pub body: String,
    /// `client-request-id`, if it was sent.
    pub client_request_id: Option<String>,
    /// `x-ms-throttle-priority`, if it was sent.
    pub priority: Option<String>,
    /// How it went.
    pub ending: Ending,
    /// The HTTP status of the answer that was made, even when it was lost; `None` while a request
    /// is held before its effect and for requests that never arrived.
    pub status: Option<u16>,
    /// How many effects it had.
    pub effects: usize,
}

/// What became of a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Answered, perhaps after a delay.
    Answered,
    /// Acted upon as it came, but the answer was lost.
    AnswerLost,
    /// The connection broke before anything happened.
    RequestLost,
    /// No connection was made.
    NotSent,
    /// Held back until released.
    Held,
}

impl Ending {
    /// What the caller gets in place of an answer.
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::NotSent => Failure::NotSent("connection refused (simulated)".to_owned()),
            Self::RequestLost | Self::AnswerLost | Self::Answered | Self::Held => {
                Failure::Lost("connection broken (simulated)".to_owned())
            }
        }
    }
}

/// One change of one entity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// When.
    pub at: Moment,
    /// Object id of what changed.
    pub entity: Uuid,
    /// What it is.
    pub kind: Option<Kind>,
    /// What changed about it.
    pub aspect: Aspect,
    /// The properties before.
    pub from: Value,
    /// The properties after.
    pub to: Value,
    /// `app <app id>` for a caller of Graph, else the name the foreign writer gave.
    pub by: String,
}

impl Arrival {
    /// A call that has just come in; it counts as held until its ending is known.
    pub(super) fn of(call: &Call) -> Self {
        let credentials = call.path.ends_with("/token");
        let body = if credentials {
            &[]
        } else {
            &call.body[..call.body.len().min(BODY_LIMIT)]
        };
        Self {
            id: call.id,
            at: call.at,
            method: call.method.to_string(),
            path: call.sent.clone(),
            body: String::from_utf8_lossy(body).into_owned(),
            client_request_id: call.header("client-request-id").map(str::to_owned),
            priority: call.header("x-ms-throttle-priority").map(str::to_owned),
            ending: Ending::Held,
            status: None,
            effects: 0,
        }
    }
}

/// Both lists.
#[derive(Debug, Default)]
pub(super) struct Journal {
    arrivals: VecDeque<Arrival>,
    effects: VecDeque<Effect>,
}

impl Journal {
    pub(super) fn arrived(&mut self, arrival: Arrival) {
        push(&mut self.arrivals, arrival);
    }

    /// Says how a request that arrived went on.
    pub(super) fn amend(&mut self, id: Uuid, amend: impl FnOnce(&mut Arrival)) {
        // Nearly always the request is one of the last.
        if let Some(arrival) = self.arrivals.iter_mut().rev().find(|it| it.id == id) {
            amend(arrival);
        }
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        push(&mut self.effects, effect);
    }

    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.iter().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.arrivals.len()
    }

    pub(super) fn effects(&self) -> Vec<Effect> {
        self.effects.iter().cloned().collect()
    }
}

fn push<T>(lines: &mut VecDeque<T>, line: T) {
    if lines.len() == LINES_LIMIT {
        lines.pop_front();
    }
    lines.push_back(line);
}
