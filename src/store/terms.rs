//! What binds a run beside its plan: limits, holds, whom to ask, and who agreed.

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::rows::{bytes, json as from_json, to_json};
use super::sql::query;
use super::writer::Tx;
use crate::domain::approval::ApprovalTerms;
use crate::domain::approved::Approved;
use crate::domain::id::RunId;
use crate::domain::moment::Span;
use crate::domain::playbook::{Audience, Guardrail, HoldThen};

/// What a run is bound by, beside its plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// May it use the reserve of the caps?
    pub reserved: bool,
    /// The playbook's own limit.
    pub guardrail: Option<Guardrail>,
    /// How long what it contains is held.
    pub hold_for: Option<Span>,
    /// What becomes of it then.
    #[serde(default)]
    pub hold_then: Option<HoldThen>,
    /// How often within an hour what someone opened is closed again.
    #[serde(default)]
    pub reassert_max: Option<u32>,
    /// Whom to ask, where the playbook asks.
    #[serde(default)]
    pub approval: Option<ApprovalTerms>,
    /// Who agreed that it begins, once they did.
    #[serde(default)]
    pub approved: Option<Approved>,
    /// Whom the playbook tells, beside the people on call.
    #[serde(default)]
    pub notify: Vec<Audience>,
}

/// Notes who agreed to a run's plan, or that nobody has.
pub(super) async fn set_approved(
    tx: &mut Tx,
    run: RunId,
    approved: Option<Approved>,
) -> Result<(), Error> {
    let row = query("select terms from run where run_id = $1")
        .bind(bytes(run.uuid()))
        .fetch_one(&mut tx.db)
        .await?;
    let mut terms: Terms = from_json(&row, "terms")?;
    terms.approved = approved;
    query("update run set terms = $2 where run_id = $1")
        .bind(bytes(run.uuid()))
        .bind(to_json(&terms)?)
        .execute(&mut tx.db)
        .await?;
    Ok(())
}
