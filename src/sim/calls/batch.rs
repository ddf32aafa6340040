//! `$batch`: up to 20 calls in one, each counted, permitted and answered as if it had come alone.
//!
//! The answers come in reverse: Graph promises no order. A fault may strike a single call inside:
//! it is refused, answered wrongly, or its answer is missing. Waits are for the whole batch.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::sim::calls::call::Call;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply, one_of_graph};
use crate::sim::journal::Ending;
use crate::sim::state::State;
use crate::transport::Answer;

/// Most calls in one.
const CALLS_LIMIT: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    body: Option<Value>,
}

pub(in crate::sim) fn perform(state: &mut State, call: &Call, version: &str) -> Answered {
    let mut body = call.json()?;
    let inner: Vec<Inner> = body
        .remove("requests")
        .and_then(|requests| serde_json::from_value(requests).ok())
        .ok_or_else(|| Refusal::bad_request("Invalid batch payload format."))?;
    let ids: BTreeSet<&str> = inner.iter().map(|one| one.id.as_str()).collect();
    if inner.is_empty() || inner.len() > CALLS_LIMIT || ids.len() < inner.len() {
        let message = "A batch holds 1 to 20 requests, each with an id of its own.";
        return Err(Refusal::bad_request(message));
    }
    let mut responses = Vec::new();
    for one in inner {
        responses.extend(answered(state, call, (version, one))?);
    }
    responses.reverse();
    Ok(Reply::Json(json!({ "responses": responses })))
}

fn answered(
    state: &mut State,
    outer: &Call,
    (version, one): (&str, Inner),
) -> Result<Option<Value>, Refusal> {
    let wrong = || Refusal::bad_request("A request in the batch cannot be read.");
    let nested = one.url.starts_with("/$batch") || !one.url.starts_with('/');
    if nested || (one.body.is_some() && !one.headers.contains_key("Content-Type")) {
        return Err(wrong());
    }
    let mut request = http::Request::builder()
        .method(one.method.as_str())
        .uri(format!("{}/{version}{}", outer.base, one.url));
    for (name, value) in &one.headers {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let bearer = outer.header("authorization").unwrap_or_default();
    let body = one.body.map(|body| body.to_string()).unwrap_or_default();
    let request = request
        .header("authorization", bearer)
        .body(body.into())
        .map_err(|_| wrong())?;
    let inner = Call::read(request, outer.id, outer.at);
    let answer = struck(state, &inner);
    Ok(answer.map(|answer| shown(&one.id, &answer)))
}

/// The answer to a call inside, with the faults that strike it alone; `None` when it is lost.
fn struck(state: &mut State, call: &Call) -> Option<Answer> {
    let mut plan = state.plan(call);
    if matches!(plan.loss, Some(Ending::NotSent | Ending::RequestLost)) {
        return None;
    }
    let outer = std::mem::replace(&mut state.tenant.keeps_still, plan.keeps_still);
    let answer = plan.answered(call, || one_of_graph(state, call));
    state.tenant.keeps_still = outer;
    if plan.lag.is_some() {
        let author = std::mem::take(&mut state.author);
        state.write_down(&author, call.at, plan.lag);
    }
    if plan.loss.is_some() {
        return None;
    }
    Some(match plan.garbage {
        Some(garbage) => garbage.spoil(answer),
        None => answer,
    })
}

fn shown(id: &str, answer: &Answer) -> Value {
    let headers: Map<String, Value> = answer
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?))))
        .collect();
    let mut shown = json!({ "id": id, "status": answer.status().as_u16(), "headers": headers });
    if let Ok(body) = serde_json::from_slice::<Value>(answer.body()) {
        shown["body"] = body;
    }
    shown
}
