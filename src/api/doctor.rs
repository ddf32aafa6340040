//! What the doctor found: the last look, or a new one.

use axum::Json;
use axum::extract::{Extension, State};

use super::Api;
use super::problem::Problem;
use super::query::Params;
use crate::doctor::Report;
use crate::domain::order::{Operator, Scope};

/// The last look; 404 before the first.
pub(super) async fn last(State(api): State<Api>, params: Params) -> Result<Json<Report>, Problem> {
    params.only(&[])?;
    let report = api.doctor.board.report();
    report.map(Json).ok_or_else(Problem::nowhere)
}

/// A new look. It only reads, and costs turns of a slow lane: whoever may only view gets the last.
pub(super) async fn look(
    State(api): State<Api>,
    Extension(operator): Extension<Operator>,
) -> Result<Json<Report>, Problem> {
    let last = api.doctor.board.report();
    match (operator.scope, last) {
        (Scope::View | Scope::Ingest(_), Some(report)) => Ok(Json(report)),
        (Scope::View | Scope::Ingest(_), None) => Err(Problem::nowhere()),
        (Scope::Respond, _) => Ok(Json(api.doctor.examine().await)),
    }
}
