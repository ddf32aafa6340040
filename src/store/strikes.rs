//! Strikes: what was there before is stored with the start of a step, before anything is written.

use serde_json::json;

use super::Store;
use super::company::{Company, weigh};
use super::containments::{hold, move_entity};
use super::error::Error;
use super::rows::{bytes, json as from_json, to_json};
use super::settings::standing_in;
use super::sql::query;
use super::steps::{after, held_step};
use super::terms::Terms;
use super::writer::Tx;
use crate::domain::action::Action;
use crate::domain::containment::EntityEvent;
use crate::domain::entity::Entity;
use crate::domain::id::RunId;
use crate::domain::moment::{Moment, Span};
use crate::domain::record::Record;
use crate::domain::run::RunLease;
use crate::domain::step::{Before, Step, StepEvent};

/// Everything that is stored before a step touches the tenant.
#[derive(Clone, Debug)]
pub struct Strike {
    /// Which step.
    pub position: u16,
    /// What was read before anything was touched.
    pub before: Before,
    /// The entities it is about to close; empty for a step that contains nothing.
    pub closes: Vec<Entity>,
}

/// What is stored of a step that is about to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// What was there before us.
    pub before: Before,
    /// Who holds it beside us.
    pub company: Company,
}

impl Store {
    /// Stores that a step is about to act, with what was there before it. From here on the write
    /// may have been sent. Refused while the brake is on or the service does not enforce.
    ///
    /// Answers what was there before us: for an entity we hold already that is what its first run
    /// saw, because what this one saw is our own doing (threat E15).
    pub async fn strike(
        &self,
        lease: RunLease,
        strike: Strike,
        at: Moment,
    ) -> Result<Started, Error> {
        self.write(move |tx| Box::pin(async move { strike_in(tx, lease, strike, at).await }))
            .await
    }
}

async fn strike_in(
    tx: &mut Tx,
    lease: RunLease,
    strike: Strike,
    at: Moment,
) -> Result<Started, Error> {
    let (step, run) = held_step(tx, lease, strike.position).await?;
    if standing_in(tx).await?.stops_writes() {
        return Err(Error::Braked);
    }
    let terms: Terms = from_json(&run, "terms")?;
    let playbook = run.get("playbook")?;
    let run = (lease.run, playbook, terms.hold_for);
    start(tx, run, (&step, strike), at).await
}

/// Starts a step of a run of this playbook, which holds for so long, with what was read before it.
pub(super) async fn start(
    tx: &mut Tx,
    (run, playbook, hold_for): (RunId, String, Option<Span>),
    (step, mut strike): (&Step, Strike),
    at: Moment,
) -> Result<Started, Error> {
    let state = after(step, StepEvent::Started)?;
    let company = weigh(tx, (run, playbook), &mut strike).await?;
    query(
        "update step set state = $4, before = $5 \
         where run_id = $1 and position = $2 and state = $3",
    )
    .bind(bytes(run.uuid()))
    .bind(step.position)
    .bind(step.state.word())
    .bind(state.word())
    .bind(to_json(&strike.before)?)
    .execute(&mut tx.db)
    .await?;
    if step.plan.action == Action::BlockTools {
        super::blocks::block(tx, step.plan.entity.id, (run, at)).await?;
    }
    started(tx, (run, hold_for), (&strike, step.plan.action), at).await?;
    let before = strike.before;
    Ok(Started { before, company })
}

/// What is stored beside the start of a step: the run holds what it closes, its evidence is asked
/// for, and the record says so.
pub(super) async fn started(
    tx: &mut Tx,
    (run, hold_for): (RunId, Option<Span>),
    (strike, action): (&Strike, Action),
    at: Moment,
) -> Result<(), Error> {
    tx.starts = true;
    let until = hold_for.map(|span| at.plus(span.0));
    for entity in &strike.closes {
        move_entity(tx, *entity, EntityEvent::Striking, at).await?;
        hold(tx, *entity, run, (at, until)).await?;
    }
    super::evidence::ask(tx, run, at).await?;
    let detail = json!({ "step": strike.position, "action": action, "before": strike.before });
    tx.record(&Record::new(at, "step.started", detail).about_run(run))
        .await
}
