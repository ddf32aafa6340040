//! Plans and runs: shown, ordered, put back, released, stopped.

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::HeaderMap};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Api;
use super::body::{Named, Posted, ReasonGiven, Said, key};
use super::problem::Problem;
use super::query::Params;
use crate::command::{Shown, Target, ToContain, ToMove, ToUndo};
use crate::domain::action::RiskVerdict;
use crate::domain::approval::Approval;
use crate::domain::decision::Decision;
use crate::domain::entity::{EntityKind, ObjectId};
use crate::domain::hold::Held;
use crate::domain::id::RunId;
use crate::domain::order::Operator;
use crate::domain::playbook::Also;
use crate::domain::record::Record;
use crate::domain::retention::KeptRun;
use crate::domain::run::{Run, RunEvent, RunState};
use crate::domain::step::{PriorWord, Step};
use crate::store::{HeldFilter, RunFilter, Taking};

/// A run with everything a person wants to know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunShown {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Why it was made: what was decided about its entity, with every clause's value. A person's
    /// own order has none.
    #[serde(default)]
    pub decision: Option<Decision>,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What people were asked about it, in order.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// What it holds, until when, and what was seen to differ since.
    #[serde(default)]
    pub holds: Vec<Held>,
    /// The cases that keep it, whatever its age.
    #[serde(default)]
    pub kept: Vec<KeptRun>,
    /// What happened, in order.
    pub records: Vec<Record>,
    /// May it be undone as it stands?
    pub undo_available: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanWanted {
    entity: EntityWanted,
    also: Option<Vec<Also>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntityWanted {
    kind: Option<EntityKind>,
    id: ObjectId,
}

pub(super) async fn plan(
    State(api): State<Api>,
    Said(wanted): Said<PlanWanted>,
) -> Result<(StatusCode, Json<Shown>), Problem> {
    let target = Target {
        kind: wanted.entity.kind,
        id: wanted.entity.id,
        also: wanted.also,
    };
    let shown = api.desk.plan_contain(target).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ContainWanted {
    plan_digest: String,
    reason: String,
    confirm: Option<String>,
}

/// The plan's digest stands for the key where none is sent: one showing is one word.
pub(super) async fn contain(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
    headers: HeaderMap,
    Said(wanted): Said<ContainWanted>,
) -> Result<Response, Problem> {
    let word = ToContain {
        idempotency_key: key(&headers)?.unwrap_or_else(|| wanted.plan_digest.clone()),
        plan_digest: wanted.plan_digest,
        reason: wanted.reason,
        confirm: wanted.confirm,
    };
    Ok(taken(api.desk.contain(&operator, word).await?))
}

pub(super) async fn list(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<serde_json::Value>, Problem> {
    params.only(&["state", "limit", "cursor"])?;
    let limit = params.limit()?;
    let filter = RunFilter {
        states: params.each("state", RunState::from_word)?,
        before: params.one("cursor")?,
        limit,
    };
    let runs = api.desk.store().runs(filter).await?;
    let full = u32::try_from(runs.len()).is_ok_and(|count| count == limit);
    let next = runs.last().filter(|_| full).map(|run| run.id);
    Ok(Json(json!({ "runs": runs, "next": next })))
}

pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<RunId>,
) -> Result<Json<RunShown>, Problem> {
    let store = api.desk.store();
    let run = store.run(id).await?.ok_or_else(Problem::nowhere)?;
    let detected = match run.detection {
        Some(detection) => store.detection(detection).await?,
        None => None,
    };
    let mut decisions = detected.into_iter().flat_map(|(_, decisions)| decisions);
    Ok(Json(RunShown {
        decision: decisions.find(|one| one.entity == run.entity),
        undo_available: run.state.after(RunEvent::UndoAsked).is_ok(),
        steps: store.steps(id).await?,
        approvals: store.approvals_of(id).await?,
        holds: store.held(HeldFilter::of_run(id)).await?,
        kept: store.kept_runs(Some(id)).await?,
        records: store.records_of(id).await?,
        run,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UndoWanted {
    #[serde(default)]
    reason: String,
    risk: Option<RiskVerdict>,
    was: Option<PriorWord>,
    #[serde(default)]
    dry_run: bool,
}

/// `dry_run` shows what would be put back, and asks for no reason.
pub(super) async fn undo(
    State(api): State<Api>,
    word: Posted<RunId, UndoWanted>,
) -> Result<Response, Problem> {
    if word.said.dry_run {
        return Ok(Json(api.desk.plan_undo(word.id).await?).into_response());
    }
    let idempotency_key = Some(word.needed_key()?);
    let asked = ToUndo {
        run: word.id,
        risk: word.said.risk,
        was: word.said.was,
        reason: word.said.reason,
        idempotency_key,
    };
    Ok(taken(api.desk.undo(&word.operator, asked).await?))
}

pub(super) async fn resume(
    State(api): State<Api>,
    word: Posted<RunId, ReasonGiven>,
) -> Result<Response, Problem> {
    let (operator, moved) = to_move(word)?;
    Ok(taken(api.desk.resume(&operator, moved).await?))
}

pub(super) async fn stop(
    State(api): State<Api>,
    word: Posted<RunId, ReasonGiven>,
) -> Result<Response, Problem> {
    let (operator, moved) = to_move(word)?;
    Ok(taken(api.desk.stop(&operator, moved).await?))
}

fn to_move(word: Posted<RunId, ReasonGiven>) -> Result<(Operator, ToMove), Problem> {
    let moved = ToMove {
        run: word.id,
        idempotency_key: Some(word.needed_key()?),
        reason: word.said.reason,
    };
    Ok((word.operator, moved))
}

/// 202 with the run's address; a repeat says that it is one.
pub(super) fn taken(taking: Taking) -> Response {
    let said = json!({
        "order": taking.order, "run": taking.run, "repeated": taking.repeated,
    });
    let mut reply = (StatusCode::ACCEPTED, Json(said)).into_response();
    let headers = reply.headers_mut();
    let location = taking.run.map(|run| format!("/v1/runs/{run}"));
    if let Some(Ok(location)) = location.map(|text| HeaderValue::from_str(&text)) {
        headers.insert(LOCATION, location);
    }
    replayed(reply, taking)
}

/// The same reply, saying that it was asked for before where it was.
pub(super) fn replayed(mut reply: Response, taking: Taking) -> Response {
    if taking.repeated {
        let yes = HeaderValue::from_static("true");
        reply.headers_mut().insert("idempotent-replay", yes);
    }
    reply
}
