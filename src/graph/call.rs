//! One exchange with Graph: lane, token, deadline, and the answer sorted by what to do next.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method};

use super::answer::{challenge, is_graphs_own, refusal, word};
use super::error::{Error, Receipt, spoken};
use super::lanes::{Lane, Priority, sent_at, units};
use super::place::Place;
use super::{Ask, Graph, spans};
use crate::domain::moment::Moment;
use crate::entra::{self, AccessToken};
use crate::transport::{Answer, Failure, Request};

/// Longest wait for one answer.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Pause after a failure that says nothing about when to come back.
const PAUSE: Duration = Duration::from_secs(1);

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("estop/", env!("CARGO_PKG_VERSION")));

/// Whether losing the answer matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Changes nothing: a lost answer may simply be asked for again.
    Read,
    /// Changes something: a lost answer means that nobody knows.
    Write,
}

/// One call, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) lane: Lane,
    /// What it costs among directory reads, whatever its lane.
    pub(super) units: u32,
    pub(super) body: Option<Bytes>,
    /// A body with `@odata.type` must name the protocol version.
    pub(super) odata_version: Option<HeaderValue>,
    /// Words that a list of words got later come only to who asks for them (Microsoft).
    pub(super) prefer: Option<HeaderValue>,
}

/// A 2xx answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) receipt: Receipt,
    /// What time Graph says it is.
    pub(super) date: Option<Moment>,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn read(place: Place) -> Self {
        Self {
            units: units(&Method::GET, place.text()),
            method: Method::GET,
            place,
            kind: Kind::Read,
            lane: Lane::DirectoryReads,
            body: None,
            odata_version: None,
            prefer: None,
        }
    }

    pub(super) fn write(method: Method, place: Place, lane: Lane) -> Self {
        Self {
            units: units(&method, place.text()),
            method,
            place,
            kind: Kind::Write,
            lane,
            body: None,
            odata_version: None,
            prefer: None,
        }
    }

    /// The same in the lane of another limit family.
    pub(super) fn in_lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    pub(super) fn with_body(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(body.to_string().into());
        self
    }

    pub(super) fn spoken(&self) -> String {
        spoken(&self.method, &self.place)
    }
}

impl Graph {
    /// Waits for the lane, then sends.
    pub(super) async fn send(&self, ask: Ask, call: Call) -> Result<Answered, Error> {
        self.turn(ask, &call).await?;
        self.send_now(ask, call).await
    }

    /// Waits for a turn in the call's lane; a directory write then also for its resource units.
    /// What may never leave waits for nothing.
    pub(super) async fn turn(&self, ask: Ask, call: &Call) -> Result<(), Error> {
        self.may_ever_leave(call)?;
        let lanes = &self.0.lanes;
        let (lane, reads) = (lanes.of(call.lane), lanes.of(Lane::DirectoryReads));
        let turn = match call.lane {
            Lane::DirectoryReads => lane.turn(ask.priority, call.units).await,
            Lane::DirectoryWrites => match lane.turn(ask.priority, 1).await {
                Ok(()) => reads.pass(ask.priority, call.units).await,
                Err(crowded) => Err(crowded),
            },
            Lane::IdentityProtection | Lane::Reports | Lane::Security => {
                lane.turn(ask.priority, 1).await
            }
        };
        turn.map_err(|crowded| {
            let why = format!("the {} lane is crowded", call.lane);
            Error::try_again(crowded.after, &call.spoken(), why)
        })
    }

    /// Sends a call whose turn it is. A 401 is answered once with a forced token (threat G05).
    pub(super) async fn send_now(&self, ask: Ask, call: Call) -> Result<Answered, Error> {
        self.may_leave_now(&call)?;
        let spoken = call.spoken();
        let tokens = &self.0.link.tokens;
        let token = tokens
            .token()
            .await
            .map_err(|error| no_token(&spoken, error))?;
        let answer = self.exchange(ask, &call, &token).await?;
        if answer.status() != http::StatusCode::UNAUTHORIZED {
            return self.sorted(ask, &call, answer);
        }
        let claims = challenge(answer.headers());
        let token = tokens
            .refresh_with_claims(&token, claims)
            .await
            .map_err(|error| no_token(&spoken, error))?;
        self.turn(ask, &call).await?;
        let answer = self.exchange(ask, &call, &token).await?;
        self.sorted(ask, &call, answer)
    }

    async fn exchange(&self, ask: Ask, call: &Call, token: &AccessToken) -> Result<Answer, Error> {
        let spoken = call.spoken();
        let request = self.request(ask, call, token)?;
        let link = &self.0.link;
        let mut span = spans::of_call(&self.0.traces, ask, call);
        let sent = link
            .clock
            .within(CALL_LIMIT, link.transport.send(request))
            .await;
        spans::note(&mut span, &sent);
        drop(span);
        match sent {
            Ok(Ok(answer)) => {
                self.heard(call, &answer);
                Ok(answer)
            }
            Ok(Err(failure @ Failure::NotSent(_))) => {
                Err(Error::try_again(self.pause(), &spoken, failure))
            }
            Ok(Err(failure @ Failure::Lost(_))) => Err(self.lost(call, failure)),
            Err(late) => Err(self.lost(call, late)),
        }
    }

    /// Learns from an answer about load.
    pub(super) fn heard(&self, call: &Call, answer: &Answer) {
        let lanes = &self.0.lanes;
        let lane = lanes.of(call.lane);
        lane.heard(answer.status(), answer.headers());
        let reads = lanes.of(Lane::DirectoryReads);
        reads.settle(call.units, answer.headers());
    }

    fn request(&self, ask: Ask, call: &Call, token: &AccessToken) -> Result<Request, Error> {
        let graph = self.0.link.endpoints.graph().as_str().trim_end_matches('/');
        let mut request = http::Request::builder()
            .method(call.method.clone())
            .uri(format!("{graph}{}", call.place.text()))
            .header(AUTHORIZATION, token.authorization())
            .header(ACCEPT, JSON)
            .header(USER_AGENT, AGENT)
            .header("client-request-id", ask.correlation.to_string());
        if ask.priority == Priority::Contain {
            request = request.header("x-ms-throttle-priority", "high");
        }
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, JSON);
        }
        if let Some(version) = &call.odata_version {
            request = request.header("OData-Version", version);
        }
        if let Some(prefer) = &call.prefer {
            request = request.header("Prefer", prefer);
        }
        request
            .body(call.body.clone().unwrap_or_default())
            .map_err(|error| Error::Refused {
                code: "BadPlace".to_owned(),
                status: None,
                because: format!("{}: {error}", call.spoken()),
            })
    }

    pub(super) fn sorted(&self, ask: Ask, call: &Call, answer: Answer) -> Result<Answered, Error> {
        let status = answer.status();
        let receipt = Receipt {
            call: call.spoken(),
            status: status.as_u16(),
            request_id: word(answer.headers(), &HeaderName::from_static("request-id")),
        };
        match status.as_u16() {
            200..=299 => Ok(Answered {
                receipt,
                date: sent_at(answer.headers()),
                body: answer.into_body(),
            }),
            404 if is_graphs_own(answer.body()) => Err(Error::NotFound {
                because: receipt.to_string(),
            }),
            // Somebody on the way answered: a redirect, or a 404 in other words than Graph's. It
            // may have let the call pass first, and says nothing about the entity.
            300..=399 | 404 => Err(Error::Unknown {
                because: receipt.to_string(),
            }),
            // Someone else changed it at the same time, or the service asks us to come later:
            // in both cases nothing was done.
            409 | 412 => Err(Error::TryAgain {
                after: self.pause(),
                answered: true,
                because: receipt.to_string(),
            }),
            429 => Err(self.busy(ask, call, &receipt)),
            503 if answer.headers().contains_key("retry-after") => {
                Err(self.busy(ask, call, &receipt))
            }
            408 | 500..=599 => Err(self.lost(call, &receipt)),
            _ => Err(refusal(&receipt, answer.body())),
        }
    }

    fn busy(&self, ask: Ask, call: &Call, receipt: &Receipt) -> Error {
        Error::TryAgain {
            after: self.0.lanes.of(call.lane).pause(ask.priority),
            answered: true,
            because: receipt.to_string(),
        }
    }

    fn lost(&self, call: &Call, why: impl std::fmt::Display) -> Error {
        match call.kind {
            Kind::Read => Error::try_again(self.pause(), &call.spoken(), why),
            Kind::Write => Error::unknown(&call.spoken(), why),
        }
    }

    fn pause(&self) -> Duration {
        PAUSE / 2 + self.0.link.clock.jitter(PAUSE)
    }
}

fn no_token(call: &str, error: entra::Error) -> Error {
    match error {
        entra::Error::TryAgain { because } => Error::try_again(PAUSE, call, because),
        entra::Error::Refused { code } => Error::Refused {
            because: format!("{call}: no access token"),
            code,
            status: None,
        },
        entra::Error::Misconfigured { because } => Error::Refused {
            code: "NoCredential".to_owned(),
            status: None,
            because: format!("{call}: {because}"),
        },
    }
}
