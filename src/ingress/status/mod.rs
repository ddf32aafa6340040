//! What became of a delivery, in the form a Logic App polls: 202 while open, then one 200 whose
//! members go straight into the incident.
//!
//! Knows: runs and their states, the ticket in the address, the credentials of sources.
//! Never: how a run is carried out.
//!
//! Laws
//! * Without the right ticket or the credential of a source nothing is looked up.
//! * A credential opens what its own source delivered; whatever else is asked looks absent.
//! * Several runs are summed up by the worst of them; `contained` needs all that were to contain.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use crate::domain::coverage::DoorReport;
use crate::domain::id::{DeliveryId, DetectionId, RunId};
use crate::domain::moment::Moment;
use crate::notify::{Ended, Outlook, comment, outlook, time_to_contain};
use crate::store::Status;

use super::door::{Door, asks};
use super::reply::{Problem, json};
use reader::Reader;

mod reader;

/// Where is asked.
#[derive(Deserialize)]
pub(super) struct Asked {
    id: String,
    ticket: Option<String>,
}

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

/// `GET /v1/detections/{id}/status/{ticket}`, and without a ticket with the credential that its
/// source delivers with. Without either it looks like nothing was ever here, and the store is not
/// asked.
pub(super) async fn show(
    State(door): State<Arc<Door>>,
    path: Result<Path<Asked>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match find(&door, path.ok(), &headers).await {
        Ok((id, status)) => reply(&door, id, &status, query.as_deref()),
        Err(problem) => problem.reply(),
    }
}

async fn find(
    door: &Door,
    path: Option<Path<Asked>>,
    headers: &HeaderMap,
) -> Result<(DeliveryId, Status), Problem> {
    let Path(asked) = path.ok_or(Problem::NotFound)?;
    let id: DetectionId = asked.id.parse().map_err(|_| Problem::NotFound)?;
    let id = DeliveryId::from_uuid(id.uuid());
    let reader = Reader::of(door, (id, asked.ticket.as_deref()), headers).await?;
    let found = door.store.status_of(id).await;
    let found = found.map_err(|why| door.unable(&why.to_string()))?;
    let found = found.filter(|status| reader.may_read(&status.source));
    found.map(|status| (id, status)).ok_or(Problem::NotFound)
}

fn reply(door: &Door, id: DeliveryId, status: &Status, query: Option<&str>) -> Response {
    let (_, outlook) = outlook(status);
    let Some(text) = text(id, status, &door.page_url(id)) else {
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

/// The status as JSON. `page` is where a person reads the rest.
pub(super) fn text(id: DeliveryId, status: &Status, page: &str) -> Option<String> {
    let shown = Shown::of(id, status, outlook(status), page);
    serde_json::to_string(&shown).ok()
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
        let time = time_to_contain(state, &status.runs);
        Self {
            id: id.into(),
            state,
            why: status.why.as_deref().or(because),
            runs: status.runs.iter().map(|run| run.id).collect(),
            time_to_contain_ms: time,
            held_until: status.held_until,
            coverage: doors.flat_map(|coverage| &coverage.doors).collect(),
            resolved_from: (!found.is_empty()).then(|| found.join(", ")),
            incident_comment: comment(status, (state, outlook), time, Some(page)),
            incident_tags: [format!("estop:{state}")],
        }
    }
}

#[cfg(test)]
mod tests;
