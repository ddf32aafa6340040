//! What became of a delivery, in the form a Logic App polls: 202 while open, then one 200 whose
//! members go straight into the incident.
//!
//! Knows: runs and their states, the ticket in the address.
//! Never: how a run is carried out.
//!
//! Laws
//! * Without the right ticket nothing is looked up.
//! * Several runs are summed up by the worst of them; `contained` needs all that were to contain.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::domain::coverage::DoorReport;
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, DetectionId, RunId};
use crate::domain::moment::Moment;
use crate::domain::run::{Run, RunState, Standing};
use crate::store::Status;

use super::comment;
use super::door::{Door, asks};
use super::reply::{Problem, json};

/// What is shown. Members are the API's words.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    id: DetectionId,
    state: &'static str,
    why: Option<&'a str>,
    runs: Vec<RunId>,
    time_to_contain_ms: Option<u64>,
    held_until: Option<Moment>,
    coverage: Vec<&'a DoorReport>,
    resolved_from: Option<String>,
    incident_comment: String,
    incident_tags: [String; 1],
}

/// Whether there is more to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// A worker is at it: ask again in a second.
    Soon,
    /// A person was asked: ask again in ten.
    Person,
    /// This is the end of it.
    Final(Ended),
}

/// How it ended, as far as the HTTP status cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Well,
    Badly,
    Unknown,
}

/// `GET /v1/detections/{id}/status/{ticket}`. Without the right ticket it looks like nothing was
/// ever here, and the store is not asked.
pub(super) async fn show(
    State(door): State<Arc<Door>>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(id) = path
        .ok()
        .and_then(|Path((id, ticket))| opened(&door, &id, &ticket))
    else {
        return Problem::NotFound.reply();
    };
    match door.store.status_of(id).await {
        Ok(Some(status)) => reply(&door, id, &status, query.as_deref()),
        Ok(None) => Problem::NotFound.reply(),
        Err(why) => door.unable(&why.to_string()).reply(),
    }
}

fn opened(door: &Door, id: &str, ticket: &str) -> Option<DeliveryId> {
    let id: DetectionId = id.parse().ok()?;
    let id = DeliveryId::from_uuid(id.uuid());
    door.tickets.opens(id, ticket).then_some(id)
}

fn reply(door: &Door, id: DeliveryId, status: &Status, query: Option<&str>) -> Response {
    let (state, outlook) = outlook(status);
    let shown = Shown::of(id, status, (state, outlook), &door.page_url(id));
    let Ok(text) = serde_json::to_string(&shown) else {
        return door.unable("a status could not be written as JSON").reply();
    };
    let by_status = asks(query, "on_failure=status");
    let (code, wait) = match outlook {
        Outlook::Soon => (StatusCode::ACCEPTED, Some("1")),
        Outlook::Person => (StatusCode::ACCEPTED, Some("10")),
        Outlook::Final(Ended::Badly) if by_status => (StatusCode::BAD_GATEWAY, None),
        Outlook::Final(Ended::Unknown) if by_status => (StatusCode::GATEWAY_TIMEOUT, None),
        Outlook::Final(Ended::Well | Ended::Badly | Ended::Unknown) => (StatusCode::OK, None),
    };
    let mut reply = json(code, text);
    if let Some(wait) = wait {
        // A poller forgets both headers with each answer, so each answer repeats them.
        let failure = if by_status { "?on_failure=status" } else { "" };
        let location = format!("{}{failure}", door.status_url(id));
        let headers = reply.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(wait));
        if let Ok(location) = HeaderValue::from_str(&location) {
            headers.insert(LOCATION, location);
        }
    }
    reply
}

/// The one word for all runs together, and whether it is the last word.
pub(super) fn outlook(status: &Status) -> (&'static str, Outlook) {
    let well = Outlook::Final(Ended::Well);
    match status.delivery_state {
        DeliveryState::Received => return (DeliveryState::Received.word(), Outlook::Soon),
        DeliveryState::Ignored => return (DeliveryState::Ignored.word(), well),
        DeliveryState::Quarantined => return (DeliveryState::Quarantined.word(), well),
        DeliveryState::Read => {}
    }
    let open = |standing| {
        status
            .runs
            .iter()
            .find(|run| run.state.standing() == standing)
    };
    if let Some(run) = open(Standing::AtWork) {
        return (run.state.word(), Outlook::Soon);
    }
    if let Some(run) = open(Standing::NeedsPerson) {
        return (run.state.word(), Outlook::Person);
    }
    let states: Vec<_> = status.runs.iter().map(|run| run.state).collect();
    match summed_up(&states) {
        Some(state) => (state.word(), Outlook::Final(ended(state))),
        // Read, and nothing answers it: on purpose nothing follows.
        None => (DeliveryState::Ignored.word(), well),
    }
}

/// One state for several ended runs: what a person must look at outweighs what went well, and
/// `contained` needs every run that was to contain something.
fn summed_up(states: &[RunState]) -> Option<RunState> {
    use RunState as S;

    let has = |state| states.contains(&state);
    let some_closed = has(S::Contained) || has(S::Partial);
    let some_open = has(S::Failed) || has(S::Expired) || has(S::Stopped) || has(S::Undone);
    let mixed = some_closed && some_open;
    [S::Stuck, S::Unknown]
        .into_iter()
        .find(|state| has(*state))
        .or((mixed || has(S::Partial)).then_some(S::Partial))
        .or_else(|| {
            [
                S::Failed,
                S::Contained,
                S::Expired,
                S::Stopped,
                S::Undone,
                S::Observed,
            ]
            .into_iter()
            .find(|state| has(*state))
        })
        .or(states.first().copied())
}

const fn ended(state: RunState) -> Ended {
    match state {
        RunState::Failed | RunState::Partial | RunState::Stuck => Ended::Badly,
        RunState::Unknown => Ended::Unknown,
        RunState::Queued
        | RunState::Observed
        | RunState::Waiting
        | RunState::Running
        | RunState::Contained
        | RunState::Undoing
        | RunState::Undone
        | RunState::Expired
        | RunState::Stopped => Ended::Well,
    }
}

impl<'a> Shown<'a> {
    pub(super) fn of(
        id: DeliveryId,
        status: &'a Status,
        (state, outlook): (&'static str, Outlook),
        page: &str,
    ) -> Self {
        let because = status.runs.iter().find_map(|run| run.because.as_deref());
        let doors = status.runs.iter().filter_map(|run| run.coverage.as_ref());
        let found = status
            .detection
            .iter()
            .flat_map(|detection| &detection.entities);
        let mut found: Vec<_> = found.map(|sighting| sighting.found_at.as_str()).collect();
        found.dedup();
        let time = (state == RunState::Contained.word()).then(|| time_to_contain(&status.runs));
        let time = time.flatten();
        Self {
            id: id.into(),
            state,
            why: status.why.as_deref().or(because),
            runs: status.runs.iter().map(|run| run.id).collect(),
            time_to_contain_ms: time,
            held_until: status.held_until,
            coverage: doors.flat_map(|coverage| &coverage.doors).collect(),
            resolved_from: (!found.is_empty()).then(|| found.join(", ")),
            incident_comment: comment::comment(status, (state, outlook), time, page),
            incident_tags: [format!("estop:{state}")],
        }
    }
}

/// From receipt until the last entity was read back closed.
fn time_to_contain(runs: &[Run]) -> Option<u64> {
    let took = |run: &Run| {
        run.contained_at
            .map(|at| at.since(run.received_at).as_millis())
    };
    let slowest = runs.iter().filter_map(took).max()?;
    u64::try_from(slowest).ok()
}

#[cfg(test)]
mod tests;
