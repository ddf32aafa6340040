//! One POST: check, store, thank. In this order, and each step only after the one before.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;

use crate::domain::delivery::{BODY_MAX, NewDelivery};
use crate::domain::id::{DeliveryId, DetectionId};
use crate::store::{Error, Taken};
use crate::telemetry::crash_point;

use super::callback;
use super::door::{Door, asks};
use super::hearing::Arrival;
use super::reply::{Problem, json};
use super::tally::Tallied;
use super::verified::{RawDelivery, VerifiedDelivery};
use super::verifier::Unbelieved;

/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Room made for a body before it is seen: most incidents fit.
const BODY_USUAL: usize = 8 * 1024;

/// `POST /v1/ingest/{source}`.
pub(super) async fn receive(
    State(door): State<Arc<Door>>,
    source: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let arrival = Arrival {
        since: door.clock.elapsed(),
        skew_seconds: None,
    };
    let (parts, body) = request.into_parts();
    let source = source.map(|Path(name)| name).unwrap_or_default();
    let called = callback::wanted(&door, &parts.headers);
    let id = match take((&door, arrival), &source, parts.headers, body).await {
        Ok(id) => id,
        Err(problem) => return problem.reply(),
    };
    let Some(called) = called else {
        return thanks(&door, id, parts.uri.query());
    };
    match callback::remember(&door, id, called).await {
        Ok(()) => created(id),
        Err(why) => door.unable(&why.to_string()).reply(),
    }
}

async fn take(
    (door, mut arrival): (&Door, Arrival),
    name: &str,
    headers: HeaderMap,
    body: Body,
) -> Result<DeliveryId, Problem> {
    let mut span = door.traces.receiving();
    let formed = formed(door, &headers, body).await;
    // Who asks in a wrong form learns that, and not which sources there are (threat W25).
    let (source, body) = match (door.sources.enabled(name), formed) {
        (Some(source), Ok(body)) => (source, body),
        (Some(source), Err(problem)) => {
            return Err(door.turn_away(&source.name, problem, arrival));
        }
        (None, formed) => {
            let told = formed.err().unwrap_or(Problem::Refused);
            return Err(door.stranger(name, told, arrival));
        }
    };
    let name = source.name.as_str();
    let now = door.clock.now();
    if door.is_watched() {
        arrival.skew_seconds = source.verifier.skew(&headers, now);
    }
    let raw = RawDelivery { headers, body };
    let verified = match VerifiedDelivery::verify(raw, source, now).await {
        Ok(verified) => verified,
        Err((raw, Unbelieved::Refused { why, caller })) => {
            return Err(door.disbelieve((source, &raw), (why, caller), arrival));
        }
        Err((_, Unbelieved::CannotTell(why))) => return Err(door.cannot_tell(name, &why)),
    };
    crash_point("ingress.verified");
    if !door.quotas.admit(&source.name) {
        return Err(door.turn_away(&source.name, Problem::Busy, arrival));
    }
    let shown = door.is_watched().then(|| verified.shown());
    let id = DeliveryId::from_uuid(door.clock.uuid());
    let taken = store(door, verified.into_new(id, now)).await;
    crash_point("ingress.stored");
    let (id, what) = match taken.map_err(|why| door.unable(&why.to_string()))? {
        Taken::New { id } => {
            span.named(id.uuid());
            span.note("estop.source", || name.to_owned());
            (id, Tallied::Taken)
        }
        Taken::Repeat { id } => (id, Tallied::Repeated),
        Taken::Conflict { id } => (id, Tallied::Conflict),
    };
    door.tally.add(name, what);
    if let Some(shown) = shown {
        door.show_taken((source, shown), (id, what), arrival);
    }
    Ok(id)
}

/// Stores it with what follows from it, or to be read.
async fn store(door: &Door, new: NewDelivery) -> Result<Taken, Error> {
    if let Some(ahead) = &door.ahead
        && let Some(taken) = ahead.take(&new).await
    {
        return Ok(taken);
    }
    let received = new.received();
    let wake = Arc::clone(&door.wake);
    let go_on = move |taken| {
        if let Taken::New { .. } = taken {
            wake(received);
        }
    };
    door.store.take_delivery_and(new, go_on).await
}

/// The whole body of a request in the only form that is taken, whoever sends it.
async fn formed(door: &Door, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    is_framed_once(headers)?;
    if !is_plain_json(headers) {
        return Err(Problem::NotJson);
    }
    let arriving = door.clock.within(BODY_WITHIN, whole(headers, body));
    arriving.await.map_err(|_| Problem::TooSlow).flatten()
}

/// A body has one length, said once: with two, a proxy before us and we may each see another end
/// of it, and what follows would be a request nobody checked (threat W11). The connection ends.
fn is_framed_once(headers: &HeaderMap) -> Result<(), Problem> {
    let lengths = headers.get_all(CONTENT_LENGTH).iter().count();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (lengths, codings.next(), codings.next()) {
        (0 | 1, None, None) => Ok(()),
        (0, Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (_, _, _) => Err(Problem::BrokenOff),
    }
}

/// Nothing is decompressed and nothing but JSON is parsed anywhere (threats W13, W19).
pub fn is_plain_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let Ok(text) = only.to_str() else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let utf8 = match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some(parameter), None) => {
            parameter.eq_ignore_ascii_case("charset=utf-8")
                || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
        }
        (Some(_), Some(_)) => false,
    };
    json && utf8 && !headers.contains_key(CONTENT_ENCODING)
}

/// Reads the body to its end, and stops at the limit however long it claims to be (threat W14).
async fn whole(headers: &HeaderMap, mut body: Body) -> Result<Bytes, Problem> {
    let claimed = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    let claimed = claimed.and_then(|length| length.parse::<u64>().ok());
    if claimed.is_some_and(|length| length > BODY_MAX as u64) {
        return Err(Problem::TooLarge);
    }
    let mut read = BytesMut::with_capacity(BODY_USUAL);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::BrokenOff)?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        if read.len() + bytes.len() > BODY_MAX {
            return Err(Problem::TooLarge);
        }
        read.extend_from_slice(&bytes);
    }
    Ok(read.freeze())
}

/// Taken, and nobody polls.
fn created(id: DeliveryId) -> Response {
    json(StatusCode::CREATED, received(id))
}

fn received(id: DeliveryId) -> String {
    format!(r#"{{"id":"{}","state":"received"}}"#, DetectionId::from(id))
}

/// Taken: the same for the first and for every repeat.
fn thanks(door: &Door, id: DeliveryId, query: Option<&str>) -> Response {
    if asks(query, "wait=none") {
        return created(id);
    }
    let text = received(id);
    let failure = if asks(query, "on_failure=status") {
        "?on_failure=status"
    } else {
        ""
    };
    let mut reply = json(StatusCode::ACCEPTED, text);
    let location = HeaderValue::from_str(&format!("{}{failure}", door.status_url(id)));
    // A URL is ASCII; were it not, 202 without an address would make the sender poll nothing.
    let Ok(location) = location else {
        return door.unable("public_url cannot stand in a header").reply();
    };
    let headers = reply.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    reply
}
