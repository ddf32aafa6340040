//! Sign-ins and directory changes, as the reports show them: filtered as documented, newest first,
//! page by page.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::moment::Moment;
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::only;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::{Answered, Reply};
use crate::sim::journal::Effect;
use crate::sim::logs::SignInLine;
use crate::sim::state::State;

/// Page size, and the most that may be asked for.
const PAGES: (usize, usize) = (100, 1000);
/// Words that only come to who sends `Prefer: include-unknown-enum-members`.
const NEW_WORDS: [&str; 2] = ["agentIdentityBlueprintPrincipal", "agentIDuser"];

/// `GET /auditLogs/signIns`.
pub(in crate::sim) fn sign_ins(state: &State, call: &Call) -> Answered {
    let terms = terms(call)?;
    let beta = call.segments().first() == Some(&"beta");
    let mut wanted = Vec::new();
    for line in state.tenant.sign_ins.iter().rev() {
        let mut fits = true;
        for term in &terms {
            fits &= sign_in_fits(line, term, beta)?;
        }
        if fits {
            wanted.push(shown(line, call, beta));
        }
    }
    page(call, wanted)
}

/// `GET /auditLogs/directoryAudits`.
pub(in crate::sim) fn directory_audits(state: &State, call: &Call) -> Answered {
    let terms = terms(call)?;
    let mut wanted = Vec::new();
    for effect in state.journal.effects().iter().rev() {
        let mut fits = true;
        for term in &terms {
            fits &= change_fits(effect, term)?;
        }
        if fits {
            wanted.push(change(effect));
        }
    }
    page(call, wanted)
}

pub(in crate::sim) fn terms(call: &Call) -> Result<Vec<String>, Refusal> {
    only(call, &["$filter", "$top", "$skiptoken"])?;
    let text = call.parameter("$filter").unwrap_or_default();
    let terms = text.split(" and ").filter(|it| !it.is_empty());
    Ok(terms.map(str::to_owned).collect())
}

pub(in crate::sim) fn unsupported(term: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid filter clause: '{term}'."))
}

fn sign_in_fits(line: &SignInLine, term: &str, beta: bool) -> Result<bool, Refusal> {
    if let Some(events) = events(term) {
        // The stable API has no such property (metadata, Aug 2026).
        return if beta {
            Ok(events.contains(&line.event.as_str()))
        } else {
            Err(unsupported(term))
        };
    }
    if let Some(since) = term.strip_prefix("createdDateTime ge ") {
        let since = Moment::parse(since).ok_or_else(|| unsupported(term))?;
        return Ok(line.at >= since);
    }
    let (name, id) = comparison(term)?;
    Ok(match name {
        "servicePrincipalId" => line.principal == Some(id),
        "resourceServicePrincipalId" => line.resource == id,
        "appId" => line.app == id,
        "userId" => line.user == Some(id),
        _ => return Err(unsupported(term)),
    })
}

/// The event types of one such clause, or of several joined by `or` in brackets.
fn events(term: &str) -> Option<Vec<&str>> {
    let bare = term.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    let bare = bare.unwrap_or(term);
    let one = |clause: &'_ str| -> Option<usize> {
        let event = clause.strip_prefix("signInEventTypes/any(t: t eq '")?;
        Some(event.strip_suffix("')")?.len())
    };
    let clauses = bare.split(" or ").map(|clause| {
        let length = one(clause)?;
        let end = clause.len() - 2;
        clause.get(end - length..end)
    });
    clauses.collect()
}

fn comparison(term: &str) -> Result<(&str, Uuid), Refusal> {
    let (name, value) = term.split_once(" eq '").ok_or_else(|| unsupported(term))?;
    let id = value.strip_suffix('\'').and_then(guid);
    Ok((name, id.ok_or_else(|| unsupported(term))?))
}

fn change_fits(effect: &Effect, term: &str) -> Result<bool, Refusal> {
    if let Some(since) = term.strip_prefix("activityDateTime ge ") {
        let since = Moment::parse(since).ok_or_else(|| unsupported(term))?;
        return Ok(effect.at >= since);
    }
    let target = term.strip_prefix("targetResources/any(t: t/id eq '");
    if let Some(id) = target.and_then(|it| it.strip_suffix("')")) {
        return Ok(Some(effect.entity) == guid(id));
    }
    let (name, id) = comparison(term)?;
    Ok(match name {
        "initiatedBy/app/appId" => effect.by == format!("app {id}"),
        "initiatedBy/user/id" => effect.by == format!("user {id}"),
        _ => return Err(unsupported(term)),
    })
}

fn shown(line: &SignInLine, call: &Call, beta: bool) -> Value {
    let mut whole = Map::new();
    let mut put = |name: &str, value: Value| whole.insert(name.to_owned(), value);
    let id = Uuid::new_v5(&line.app, line.at.to_string().as_bytes());
    put("id", json!(id));
    put("createdDateTime", json!(line.at));
    put("appId", json!(line.app));
    put("userId", json!(line.user));
    put("ipAddress", json!("203.0.113.7"));
    put("resourceDisplayName", json!("Microsoft Graph"));
    let failure = match line.error_code {
        0 => Value::Null,
        code => json!(format!("AADSTS{code}")),
    };
    put(
        "status",
        json!({ "errorCode": line.error_code, "failureReason": failure }),
    );
    if beta {
        put("servicePrincipalId", json!(line.principal));
        put("resourceServicePrincipalId", json!(line.resource));
        put("signInEventTypes", json!([line.event]));
        let all = call.header("prefer") == Some("include-unknown-enum-members");
        let mut agent = line.agent.clone();
        let kind = agent.get("agentType").and_then(Value::as_str);
        if !all && kind.is_some_and(|kind| NEW_WORDS.contains(&kind)) {
            agent["agentType"] = json!("unknownFutureValue");
        }
        put("agent", agent);
    }
    Value::Object(whole)
}

fn change(effect: &Effect) -> Value {
    let by = match effect.by.split_once(' ') {
        Some(("app", id)) => json!({ "app": { "appId": id }, "user": null }),
        Some(("user", id)) => json!({ "user": { "id": id }, "app": null }),
        Some(_) | None => json!({ "user": { "displayName": effect.by }, "app": null }),
    };
    // Two changes of one entity may fall on one moment, and are two lines all the same.
    let told_apart = format!("{} {:?}", effect.at, effect.aspect);
    let id = Uuid::new_v5(&effect.entity, told_apart.as_bytes());
    json!({
        "id": id, "activityDateTime": effect.at, "category": "ApplicationManagement",
        "activityDisplayName": "Update service principal", "result": "success",
        "initiatedBy": by,
        "targetResources": [{
            "id": effect.entity,
            "modifiedProperties": [{
                "displayName": effect.aspect,
                "oldValue": effect.from.to_string(), "newValue": effect.to.to_string(),
            }],
        }],
    })
}

pub(in crate::sim) fn page(call: &Call, all: Vec<Value>) -> Answered {
    let number = |name| call.parameter(name).map(str::parse::<usize>).transpose();
    let wrong = |_| Refusal::bad_request("Invalid page.");
    let top = number("$top").map_err(wrong)?.unwrap_or(PAGES.0);
    if !(1..=PAGES.1).contains(&top) {
        return Err(Refusal::bad_request("Invalid page size."));
    }
    let from = number("$skiptoken").map_err(wrong)?.unwrap_or(0);
    let more = all.len() > from.saturating_add(top);
    let value: Vec<Value> = all.into_iter().skip(from).take(top).collect();
    let mut body = json!({ "value": value });
    if more {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in call.parameters().filter(|(name, _)| *name != "$skiptoken") {
            query.append_pair(name, value);
        }
        query.append_pair("$skiptoken", &(from + top).to_string());
        let link = format!("{}{}?{}", call.base, call.path, query.finish());
        body["@odata.nextLink"] = json!(link);
    }
    Ok(Reply::Json(body))
}
