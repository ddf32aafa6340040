//! One request, one answer: authenticate, count, permit, perform, dress.
//!
//! Promise: a call is answered by changing nothing but the state it is given.
//!
//! Knows: Graph's paths, permissions, property names and errors; the token endpoints.
//! Never: faults, sockets, who waits for the answer.
//!
//! Laws
//! * The order of the door: access token, path, limit, permission, entity, body.
//! * An id of another kind is as good as no id.
//! * A refused call has changed nothing.
//!
//! Read next: `operation`, the table of what is modelled, then `agents`.

mod agents;
mod alerts;
mod assertion;
mod batch;
mod belonging;
mod blueprints;
pub(super) mod call;
mod defender;
mod detections;
mod foundry;
mod incidents;
mod lists;
pub(super) mod load;
mod logs;
mod odata;
mod operation;
mod permissions;
mod policies;
mod premises;
mod principals;
pub(super) mod refusal;
mod risk;
mod roles;
mod shelves;
mod show;
mod sign_in;
pub(super) mod tokens;
mod users;

use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::sim::calls::call::Call;
use crate::sim::calls::operation::Operation;
use crate::sim::calls::refusal::{Refusal, Shape};
use crate::sim::calls::tokens::Caller;
use crate::sim::faults::plan::http_date;
use crate::sim::state::State;

use crate::transport::Answer;

/// What an operation has to say when it is not refused.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Reply {
    /// 204.
    NoContent,
    /// 200 with this body.
    Json(Value),
    /// 201 with this body.
    Created(Value),
}

/// What every operation gives.
pub(in crate::sim) type Answered = Result<Reply, Refusal>;

/// Answers a call by changing nothing but `state`.
pub(in crate::sim) fn answer(state: &mut State, call: &Call) -> Answer {
    match (call.method.as_str(), call.segments().as_slice()) {
        ("GET", ["msi", "token"]) => dressed(call, sign_in::by_managed_identity(state, call)),
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => {
            dressed(call, sign_in::by_grant(state, call, tenant))
        }
        ("GET", [tenant, "discovery", "keys"] | [tenant, "discovery", "v2.0", "keys"]) => {
            dressed(call, sign_in::signing_keys(state, tenant))
        }
        ("POST", ["api", "projects", project, "agents", verb]) => {
            dressed(call, foundry::switch(state, call, (project, verb)))
        }
        ("POST", [version @ ("v1.0" | "beta"), "$batch"]) => {
            let admitted = tokens::caller(state, call);
            dressed(
                call,
                admitted.and_then(|_| batch::perform(state, call, version)),
            )
        }
        ("GET", ["providers", "microsoft.aadiam", "diagnosticSettings"]) => {
            dressed(call, premises::diagnostics(state, call))
        }
        (
            "GET",
            [
                "subscriptions",
                subscription,
                "providers",
                "Microsoft.Authorization",
                "roleAssignments",
            ],
        ) => {
            let subscription = (*subscription).to_owned();
            dressed(call, premises::azure_roles(state, call, &subscription))
        }
        ("POST", ["dataCollectionRules", rule, "streams", stream]) => {
            dressed(call, incidents::add_lines(state, call, (rule, stream)))
        }
        (_, segments) if incidents::is_sentinels(segments) => {
            dressed(call, incidents::perform(state, call, segments))
        }
        _ => one_of_graph(state, call),
    }
}

/// Answers one call to Graph, alone or in a batch.
fn one_of_graph(state: &mut State, call: &Call) -> Answer {
    let result = graph(state, call, call.segments().as_slice());
    let load = std::mem::take(&mut state.load);
    load.on(dressed(call, result))
}

fn graph(state: &mut State, call: &Call, segments: &[&str]) -> Answered {
    let caller = tokens::caller(state, call)?;
    let operation = Operation::of(call, segments)?;
    load::count(state, call, operation)?;
    if !caller.may(operation.permissions()) {
        return Err(Refusal::not_permitted());
    }
    if operation.wants_licence() && !state.tenant.premises.protects() {
        return Err(premises::unlicensed());
    }
    state.author = format!("app {}", caller.app);
    perform(state, call, (&caller, operation))
}

fn perform(state: &mut State, call: &Call, (caller, it): (&Caller, Operation<'_>)) -> Answered {
    match it {
        Operation::ReadCast(cast, id) => agents::read(state, call, (cast, id)),
        Operation::SwitchCast(cast, id) => agents::switch(state, call, (cast, id)),
        Operation::ListCast(cast) => agents::list(state, call, (caller, cast)),
        Operation::Sponsors(cast, id) => lists::sponsors(state, call, (cast, id)),
        Operation::Owners(id) => lists::owners(state, call, id),
        Operation::ListPrincipals => lists::principals(state, call, caller),
        Operation::ListBlueprintApplications => lists::blueprint_applications(state, call),
        Operation::ListInstances => lists::instances(state, call),
        Operation::ReadPrincipal(key) => agents::read_principal(state, call, (caller, key)),
        Operation::GetByIds => agents::get_by_ids(state, call),
        Operation::ReadUser(id) => users::read(state, call, id),
        Operation::Manager(id) => users::manager(state, call, id),
        Operation::ListUsers(which) => users::list(state, call, which),
        Operation::SwitchUser(id) => users::switch(state, call, (caller, id)),
        Operation::RevokeSessions(id) => users::revoke_sessions(state, call, (caller, id)),
        Operation::ReadRisk(id) => risk::read(state, call, id),
        Operation::ListRisk => risk::list(state, call),
        Operation::ListDetections(sort) => detections::list(state, call, sort),
        Operation::Judge(verdict) => risk::judge(state, call, verdict),
        Operation::Belonging(it) => shelves::perform(state, call, (caller, it)),
        Operation::ReadIncident(number) => defender::read(state, number),
        Operation::CommentIncident(number) => defender::comment(state, call, number),
        Operation::ChangeIncident(number) => defender::change(state, call, number),
        Operation::ListPolicies => policies::list(state, call),
        Operation::ReadSecurityDefaults => policies::defaults(state, call),
        Operation::ListLicences => premises::licences(state),
        Operation::ListSignIns => logs::sign_ins(state, call),
        Operation::ListChanges => logs::directory_audits(state, call),
        Operation::ReadAlert(id) => alerts::read(state, call, id),
        Operation::ListRoleDefinitions => premises::role_definitions(state, call),
    }
}

/// Puts status, headers and body together, as every Graph answer has them.
pub(in crate::sim) fn dressed(call: &Call, result: Answered) -> Answer {
    let (status, body, mut headers) = match result {
        Ok(Reply::NoContent) => (StatusCode::NO_CONTENT, None, Vec::new()),
        Ok(Reply::Created(body)) => (StatusCode::CREATED, Some(body), Vec::new()),
        Ok(Reply::Json(body)) => (StatusCode::OK, Some(body), Vec::new()),
        Err(refusal) => {
            let headers = match refusal.shape {
                Shape::Graph => refusal.headers.clone(),
                Shape::OAuth(_) => Vec::new(),
            };
            (refusal.status, Some(refusal.body(call)), headers)
        }
    };
    headers.push(("date", http_date(call.at)));
    headers.push(("request-id", call.id.to_string()));
    if let Some(theirs) = call.header("client-request-id") {
        headers.push(("client-request-id", theirs.to_owned()));
    }

    let mut answer = Answer::new(
        body.as_ref()
            .map(Value::to_string)
            .unwrap_or_default()
            .into(),
    );
    *answer.status_mut() = status;
    if body.is_some() {
        answer
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        answer
            .headers_mut()
            .insert("odata-version", HeaderValue::from_static("4.0"));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
    IEEE754Compatible=false;charset=utf-8";
