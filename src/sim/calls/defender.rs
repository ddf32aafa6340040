//! Defender's incidents in Graph: read, commented, changed.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::sim::calls::call::Call;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply};
use crate::sim::cases::id_of;
use crate::sim::changes::Aspect;
use crate::sim::state::State;

pub(in crate::sim) const MAY_READ: &[&[&str]] = &[
    &["SecurityIncident.Read.All"],
    &["SecurityIncident.ReadWrite.All"],
];
pub(in crate::sim) const MAY_WRITE: &[&[&str]] = &[&["SecurityIncident.ReadWrite.All"]];

/// What a change may set.
const CHANGED: [&str; 6] = [
    "status",
    "classification",
    "determination",
    "assignedTo",
    "resolvingComment",
    "customTags",
];
const CLASSIFICATIONS: [&str; 4] = [
    "unknown",
    "falsePositive",
    "truePositive",
    "informationalExpectedActivity",
];
const COMMENT: &str = "microsoft.graph.security.alertComment";

pub(in crate::sim) fn read(state: &mut State, number: &str) -> Answered {
    found(state, number).map(|it| Reply::Json(it.clone()))
}

/// Comments are added; nothing finds a repeat.
pub(in crate::sim) fn comment(state: &mut State, call: &Call, number: &str) -> Answered {
    let body = call.json()?;
    only(&body, &["@odata.type", "comment"])?;
    let typed = body.get("@odata.type").and_then(Value::as_str);
    if typed.map(|it| it.trim_start_matches('#')) != Some(COMMENT) {
        return Err(Refusal::bad_request("@odata.type"));
    }
    let text = body.get("comment").and_then(Value::as_str);
    let text = text.filter(|text| !text.is_empty());
    let text = text
        .ok_or_else(|| Refusal::bad_request("comment"))?
        .to_owned();
    let at = call.at.to_string();
    let incident = found(state, number)?;
    let said = json!({ "comment": text, "createdByDisplayName": "estop", "createdDateTime": at });
    if let Some(comments) = incident["comments"].as_array_mut() {
        comments.push(said);
    }
    let value = incident["comments"].clone();
    noted(state, number);
    Ok(Reply::Json(json!({ "value": value })))
}

pub(in crate::sim) fn change(state: &mut State, call: &Call, number: &str) -> Answered {
    let body = call.json()?;
    only(&body, &CHANGED)?;
    if body.is_empty() {
        return Err(Refusal::bad_request("Nothing is to be changed."));
    }
    for (name, value) in &body {
        let fits = match name.as_str() {
            "classification" => value
                .as_str()
                .is_some_and(|it| CLASSIFICATIONS.contains(&it)),
            "customTags" => value
                .as_array()
                .is_some_and(|tags| tags.iter().all(Value::is_string)),
            _ => value.is_string(),
        };
        if !fits {
            return Err(Refusal::bad_request(name));
        }
    }
    let incident = found(state, number)?;
    for (name, value) in body {
        incident[name] = value;
    }
    let shown = incident.clone();
    noted(state, number);
    Ok(Reply::Json(shown))
}

fn only(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refusal::bad_request(format!("'{name}' is no property."))),
    }
}

fn noted(state: &mut State, number: &str) {
    let to = json!(number);
    state
        .tenant
        .note(id_of(number), Aspect::Case, Value::Null, to);
}

fn found<'s>(state: &'s mut State, number: &str) -> Result<&'s mut Value, Refusal> {
    let incidents = &mut state.tenant.cases.defender;
    incidents
        .get_mut(number)
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "ResourceNotFound", "incident"))
}
