//! Sentinel's face in Azure Resource Manager, and the Logs Ingestion API.

use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply, tokens};
use crate::sim::cases::{Roles, SentinelIncident, etag, id_of};
use crate::sim::changes::Aspect;
use crate::sim::state::State;

/// Whose access tokens Azure Resource Manager takes.
const ARM: &str = "https://management.azure.com";
/// Whose the Logs Ingestion API takes.
const MONITOR: &str = "https://monitor.azure.com";
/// Longest comment.
const COMMENT_MAX: usize = 30_000;
/// Most comments of one incident.
const COMMENTS_MAX: usize = 100;
/// Largest call that adds lines.
const LINES_MAX: usize = 1024 * 1024;
/// What an incident must say whenever it is written.
const NEEDED: [&str; 3] = ["title", "severity", "status"];
/// What may be written.
const KNOWN: [&str; 11] = [
    "title",
    "description",
    "severity",
    "status",
    "classification",
    "classificationComment",
    "classificationReason",
    "owner",
    "labels",
    "firstActivityTimeUtc",
    "lastActivityTimeUtc",
];
const STATES: [&str; 3] = ["New", "Active", "Closed"];

/// Is it a path of Sentinel's?
pub(in crate::sim) fn is_sentinels(segments: &[&str]) -> bool {
    segments
        .iter()
        .any(|it| it.eq_ignore_ascii_case("Microsoft.SecurityInsights"))
}

/// One incident or one comment, read or written.
pub(in crate::sim) fn perform(state: &mut State, call: &Call, segments: &[&str]) -> Answered {
    let caller = tokens::caller_of(state, call, |audience| audience == ARM)?;
    if call.parameter("api-version").is_none() {
        let code = "MissingApiVersionParameter";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, code, "api-version"));
    }
    if state.tenant.cases.roles == Roles::Missing {
        return Err(unauthorized("Microsoft.SecurityInsights/incidents"));
    }
    state.author = format!("app {}", caller.app);
    let (path, comment) = match segments {
        [rest @ .., "comments", name] if rest.len() == 12 => (rest, Some(*name)),
        _ if segments.len() == 12 => (segments, None),
        _ => return Err(Refusal::no_path(&call.path)),
    };
    let key = format!("/{}", path.join("/")).to_lowercase();
    let Some(incident) = state.tenant.cases.sentinel.get_mut(&key) else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "NotFound", "incident"));
    };
    let reply = match (call.method.as_str(), comment) {
        ("GET", None) => return Ok(Reply::Json(incident.shown())),
        ("GET", Some(name)) => return read_comment(incident, named(name)?),
        ("PUT", None) => write(incident, &call.json()?)?,
        ("PUT", Some(name)) => write_comment(incident, named(name)?, &call.json()?)?,
        _ => return Err(Refusal::no_path(&call.path)),
    };
    let (id, to) = (id_of(&key), json!(call.path));
    state.tenant.note(id, Aspect::Case, Value::Null, to);
    Ok(reply)
}

fn named(text: &str) -> Result<Uuid, Refusal> {
    guid(text).ok_or_else(|| bad("A comment's name is a GUID."))
}

/// A whole incident over the one that was read; anybody else's change since then wins.
fn write(incident: &mut SentinelIncident, body: &Map<String, Value>) -> Answered {
    only(body, &["etag", "properties"])?;
    let Some(properties) = body.get("properties").and_then(Value::as_object) else {
        return Err(bad("properties"));
    };
    if NEEDED.iter().any(|name| !properties.contains_key(*name)) {
        return Err(bad("title, severity and status are required."));
    }
    only(properties, &KNOWN)?;
    // The real one takes a body without; then it would be written over whatever is there.
    let Some(etag) = body.get("etag").and_then(Value::as_str) else {
        return Err(bad("etag"));
    };
    let state = properties.get("status").and_then(Value::as_str);
    if !state.is_some_and(|state| STATES.contains(&state)) {
        return Err(bad("status"));
    }
    if etag != incident.etag() {
        let status = StatusCode::PRECONDITION_FAILED;
        return Err(Refusal::new(status, "PreconditionFailed", "etag"));
    }
    // A full replacement: what is not sent is gone, but for what only Sentinel sets.
    let own = ["incidentNumber", "createdTimeUtc"];
    incident
        .properties
        .retain(|name, _| own.contains(&name.as_str()));
    incident.properties.extend(properties.clone());
    incident.version += 1;
    Ok(Reply::Json(incident.shown()))
}

fn read_comment(incident: &SentinelIncident, name: Uuid) -> Answered {
    match incident.comments.get(&name) {
        Some((version, text)) => Ok(Reply::Json(json!({
            "name": name, "etag": etag(*version), "properties": { "message": text },
        }))),
        None => Err(Refusal::new(StatusCode::NOT_FOUND, "NotFound", "comment")),
    }
}

fn write_comment(
    incident: &mut SentinelIncident,
    name: Uuid,
    body: &Map<String, Value>,
) -> Answered {
    only(body, &["etag", "properties"])?;
    let properties = body.get("properties").and_then(Value::as_object);
    only(properties.ok_or_else(|| bad("properties"))?, &["message"])?;
    let text = body.get("properties").and_then(|it| it["message"].as_str());
    let Some(text) = text.filter(|text| !text.is_empty() && text.chars().count() <= COMMENT_MAX)
    else {
        return Err(bad("message"));
    };
    let sent = body.get("etag").and_then(Value::as_str);
    let there = incident.comments.get(&name).map(|(version, _)| *version);
    if let (Some(sent), Some(version)) = (sent, there)
        && sent != etag(version)
    {
        let status = StatusCode::PRECONDITION_FAILED;
        return Err(Refusal::new(status, "PreconditionFailed", "etag"));
    }
    if there.is_none() && incident.comments.len() >= COMMENTS_MAX {
        return Err(bad("An incident has at most 100 comments."));
    }
    let version = there.unwrap_or(0) + 1;
    incident.comments.insert(name, (version, text.to_owned()));
    incident.version += 1;
    let body = json!({ "name": name, "etag": etag(version), "properties": { "message": text } });
    Ok(match there {
        Some(_) => Reply::Json(body),
        None => Reply::Created(body),
    })
}

/// Lines for a declared stream: a JSON array of objects.
pub(in crate::sim) fn add_lines(
    state: &mut State,
    call: &Call,
    (rule, stream): (&str, &str),
) -> Answered {
    tokens::caller_of(state, call, |audience| audience == MONITOR)?;
    if state.tenant.cases.roles == Roles::Missing {
        return Err(unauthorized("Microsoft.Insights/dataCollectionRules/data"));
    }
    if call.body.len() > LINES_MAX {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Err(Refusal::new(status, "ContentLengthLimitExceeded", "1 MB"));
    }
    let lines: Vec<Map<String, Value>> =
        serde_json::from_slice(&call.body).map_err(|_| bad("A JSON array of objects."))?;
    let key = format!("{rule}/{stream}");
    let Some(table) = state.tenant.cases.tables.get_mut(&key) else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "NotFound", "stream"));
    };
    table.extend(lines.into_iter().map(Value::Object));
    let (id, to) = (id_of(&key), json!(key));
    state.tenant.note(id, Aspect::Case, Value::Null, to);
    Ok(Reply::NoContent)
}

fn only(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(bad(name)),
    }
}

fn bad(what: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", what)
}

fn unauthorized(what: &str) -> Refusal {
    let message = format!("The client does not have authorization to perform action '{what}'.");
    Refusal::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
}
