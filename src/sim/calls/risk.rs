//! ID Protection of agents, a beta surface: verdicts and what came of them.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::sim::calls::agents::{after, texts};
use crate::sim::calls::call::{Call, guid};
use crate::sim::calls::odata::{Listing, View};
use crate::sim::calls::operation::Verdict;
use crate::sim::calls::refusal::Refusal;
use crate::sim::calls::show::Declared;
use crate::sim::calls::{Answered, Reply};
use crate::sim::risk::{Risk, UnknownIds};
use crate::sim::state::State;
use crate::sim::tenant::Kind;

/// Most ids in one verdict, as known from risky users.
const IDS_LIMIT: usize = 60;
/// Values that only callers who ask for later enum members get to see.
const LATER_MEMBERS: [&str; 4] = [
    "adminConfirmedAgentSafe",
    "adminConfirmedAgentCompromised",
    "adminDismissedRiskForAgent",
    "agentIdentityBlueprintPrincipal",
];

impl Verdict {
    fn risk(self) -> Risk {
        match self {
            Self::Compromised => Risk::new(
                "high",
                "confirmedCompromised",
                "adminConfirmedAgentCompromised",
            ),
            Self::Safe => Risk::new("none", "confirmedSafe", "adminConfirmedAgentSafe"),
            Self::Dismissed => Risk::new("none", "dismissed", "adminDismissedRiskForAgent"),
        }
    }
}

/// One verdict on up to 60 agents, blueprint principals and agents' users, by **object id**.
pub(in crate::sim) fn judge(state: &mut State, call: &Call, verdict: Verdict) -> Answered {
    let body = call.json()?;
    if let Some(name) = body.keys().find(|name| *name != "agentIds") {
        return Err(Refusal::bad_request(format!(
            "The parameter '{name}' is not expected."
        )));
    }
    let ids = texts(&body, "agentIds")?
        .filter(|ids| (1..=IDS_LIMIT).contains(&ids.len()))
        .ok_or_else(|| Refusal::bad_request("'agentIds' must hold 1 to 60 object ids."))?;
    let mut known = Vec::new();
    for text in &ids {
        match guid(text).filter(|id| is_agentic(state, *id)) {
            Some(id) => known.push(id),
            None if state.tenant.unknown_ids == UnknownIds::Ignored => {}
            None => return Err(Refusal::no_resource(text)),
        }
    }
    for id in known {
        state.tenant.judge(id, verdict.risk());
    }
    Ok(Reply::NoContent)
}

pub(in crate::sim) fn read(state: &mut State, call: &Call, text: &str) -> Answered {
    let view = View::of_one(call, Declared::RiskyAgent)?;
    let whole = guid(text).and_then(|id| state.risk_seen(id, call.at));
    let whole = whole.ok_or_else(|| Refusal::no_resource(text))?;
    let mut body = Map::new();
    body.insert(
        "@odata.context".to_owned(),
        format!("{}/$entity", view.context(call)).into(),
    );
    body.extend(for_caller(call, view.cut(whole)));
    Ok(Reply::Json(Value::Object(body)))
}

pub(in crate::sim) fn list(state: &mut State, call: &Call) -> Answered {
    let listing = Listing::of(call, Declared::RiskyAgent)?;
    let mut items = Vec::new();
    let mut last = None;
    for id in after(state.tenant.risks.keys(), listing.after) {
        if !state
            .tenant
            .whole_risk(id)
            .is_some_and(|it| listing.wants(&it))
        {
            continue;
        }
        if items.len() == listing.top {
            return Ok(Reply::Json(listing.page(call, items, last)));
        }
        if let Some(whole) = state.risk_seen(id, call.at) {
            items.push(Value::Object(for_caller(call, listing.view.cut(whole))));
            last = Some(id);
        }
    }
    Ok(Reply::Json(listing.page(call, items, None)))
}

/// Without the `Prefer` header, later enum members are hidden behind `unknownFutureValue`.
fn for_caller(call: &Call, mut shown: Map<String, Value>) -> Map<String, Value> {
    let preference = call.header("prefer").unwrap_or_default();
    if preference.contains("include-unknown-enum-members") {
        return shown;
    }
    for name in ["riskDetail", "identityType"] {
        if let Some(value) = shown.get_mut(name)
            && value.as_str().is_some_and(|it| LATER_MEMBERS.contains(&it))
        {
            *value = "unknownFutureValue".into();
        }
    }
    shown
}

fn is_agentic(state: &State, id: Uuid) -> bool {
    match state.tenant.kind(id) {
        Some(Kind::Agent | Kind::BlueprintPrincipal | Kind::AgentUser) => true,
        Some(Kind::User | Kind::ServicePrincipal | Kind::ManagedIdentity) | None => false,
    }
}
