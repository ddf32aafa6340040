//! What people are asked, and their answers.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::body::{Named, Posted, ReasonGiven};
use super::problem::Problem;
use super::query::Params;
use super::runs::replayed;
use crate::command::{ApprovalShown, ToApprove, ToDeny, ToExtend};
use crate::domain::approval::ApprovalState;
use crate::domain::id::ApprovalId;
use crate::domain::moment::Span;
use crate::store::{ApprovalFilter, Taking};

pub(super) async fn list(State(api): State<Api>, params: Params) -> Result<Json<Value>, Problem> {
    params.only(&["state", "limit", "cursor"])?;
    let limit = params.limit()?;
    let filter = ApprovalFilter {
        states: params.each("state", ApprovalState::from_word)?,
        before: params.one("cursor")?,
        limit,
    };
    let approvals = api.desk.store().approvals(filter).await?;
    let full = u32::try_from(approvals.len()).is_ok_and(|count| count == limit.min(100));
    let next = approvals.last().filter(|_| full).map(|one| one.id);
    Ok(Json(json!({ "approvals": approvals, "next": next })))
}

/// The plan in it is made from the tenant as it is now.
pub(super) async fn show(
    State(api): State<Api>,
    Named(id): Named<ApprovalId>,
) -> Result<Json<ApprovalShown>, Problem> {
    Ok(Json(api.desk.approval(id).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct YesGiven {
    plan_digest: String,
    reason: Option<String>,
}

pub(super) async fn approve(
    State(api): State<Api>,
    word: Posted<ApprovalId, YesGiven>,
) -> Result<Response, Problem> {
    let yes = ToApprove {
        approval: word.id,
        idempotency_key: word.needed_key()?,
        plan_digest: word.said.plan_digest,
        reason: word.said.reason,
    };
    let taking = api.desk.approve(&word.operator, yes).await?;
    answered(&api, word.id, taking).await
}

pub(super) async fn deny(
    State(api): State<Api>,
    word: Posted<ApprovalId, ReasonGiven>,
) -> Result<Response, Problem> {
    let no = ToDeny {
        approval: word.id,
        idempotency_key: word.needed_key()?,
        reason: word.said.reason,
    };
    let taking = api.desk.deny(&word.operator, no).await?;
    answered(&api, word.id, taking).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LongerGiven {
    by: Span,
    reason: Option<String>,
}

pub(super) async fn extend(
    State(api): State<Api>,
    word: Posted<ApprovalId, LongerGiven>,
) -> Result<Response, Problem> {
    let longer = ToExtend {
        approval: word.id,
        idempotency_key: word.needed_key()?,
        by: word.said.by,
        reason: word.said.reason,
    };
    let taking = api.desk.extend(&word.operator, longer).await?;
    answered(&api, word.id, taking).await
}

/// 202 with the approval as it stands now.
async fn answered(api: &Api, id: ApprovalId, taking: Taking) -> Result<Response, Problem> {
    let approval = api.desk.store().approval(id).await?;
    let said = json!({
        "order": taking.order, "run": taking.run, "repeated": taking.repeated,
        "approval": approval,
    });
    Ok(replayed(
        (StatusCode::ACCEPTED, Json(said)).into_response(),
        taking,
    ))
}
