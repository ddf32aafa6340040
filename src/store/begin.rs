//! The beginning of a run: brake, mode and caps are asked, and the attempt is counted, in the one
//! transaction that uses up the room.

use super::Store;
use super::error::Error;
use super::rows::{bytes, json as from_json, word};
use super::runs::{held_row, move_run};
use super::settings::standing_in;
use super::sql::{Row, query};
use super::triaged::Terms;
use super::writer::Tx;
use crate::domain::caps::{CapUse, Caps, Claimant};
use crate::domain::id::RunId;
use crate::domain::moment::{Moment, Span};
use crate::domain::notice::Notice;
use crate::domain::playbook::Mode;
use crate::domain::run::{RunEvent, RunLease, RunState};
use crate::domain::step::{Step, StepEvent};

/// Whether a worker may go ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Carry it out; every step that has not ended counts one more attempt.
    Go,
    /// It now waits for a person's release.
    Held {
        /// Why.
        because: String,
    },
}

impl Store {
    /// Begins a claimed run: checks brake, mode and caps, counts an attempt for every step that
    /// has not ended, in one transaction.
    pub async fn begin(&self, lease: RunLease, caps: Caps, at: Moment) -> Result<Begun, Error> {
        let notice = self.notice(
            at,
            crate::domain::notice::Urgency::Page,
            String::new(),
            String::new(),
        );
        self.write_with_the_next(move |tx| {
            Box::pin(async move { begin_in(tx, lease, (caps, at), notice).await })
        })
        .await
    }
}

async fn begin_in(
    tx: &mut Tx,
    lease: RunLease,
    (caps, at): (Caps, Moment),
    notice: Notice,
) -> Result<Begun, Error> {
    let row = held_row(tx, lease).await?;
    let state = word(&row, "state", RunState::from_word)?;
    let mode = word(&row, "mode", Mode::from_word)?;
    let enforced = mode != Mode::Observe;
    let waits = mode == Mode::Provisional && !row.get::<bool>("kept")?;
    if enforced && standing_in(tx).await?.stops_writes() {
        return Err(Error::Braked);
    }
    let steps = super::claims::steps_in(tx, lease.run).await?;
    let strikes = steps.iter().any(|step| step.plan.action.contains());
    let needs_room = state == RunState::Queued && enforced && strikes && counts(&row)?;
    if needs_room && let Err(reached) = take_room(tx, &row, caps, at).await? {
        let since = at.minus(caps.window.0);
        return hold_back(tx, lease.run, &reached.to_string(), (at, since, notice)).await;
    }
    if state == RunState::Queued {
        move_run(tx, lease.run, RunEvent::Begun, None, at).await?;
    }
    let held_back = |step: &&Step| waits && step.plan.action.waits_for_keep();
    let due = steps.iter().filter(|step| !step.state.has_ended());
    for step in due.filter(|step| !held_back(step)) {
        count_attempt(tx, lease.run, step, at).await?;
    }
    Ok(Begun::Go)
}

/// Above a cap nothing is dropped: the run waits for a person, who is told once in a window.
async fn hold_back(
    tx: &mut Tx,
    run: RunId,
    because: &str,
    (at, since, mut notice): (Moment, Moment, Notice),
) -> Result<Begun, Error> {
    move_run(tx, run, RunEvent::Held, Some(because), at).await?;
    // Nobody works on it while it waits, so that its release is taken up at once.
    query("update run set lease_holder = null, lease_until = 0, attempts = 0 where run_id = $1")
        .bind(bytes(run.uuid()))
        .execute(&mut tx.db)
        .await?;
    notice.text = format!(
        "{run} waits for a person: {because}. Others may wait too. \
         Release it: estop runs resume {run} --reason TEXT"
    );
    notice.key = format!("held: {because}");
    notice.run = Some(run);
    super::notices::write_unless_since(tx, &notice, since).await?;
    Ok(Begun::Held {
        because: because.to_owned(),
    })
}

/// A person's own order and a run a person released do not count against the caps.
fn counts(row: &Row) -> Result<bool, Error> {
    let by_person = row.get::<Option<Vec<u8>>>("order_id")?.is_some();
    Ok(!by_person && !row.get::<bool>("released")?)
}

async fn take_room(
    tx: &mut Tx,
    row: &Row,
    caps: Caps,
    at: Moment,
) -> Result<Result<(), crate::domain::caps::CapReached>, Error> {
    let terms: Terms = from_json(row, "terms")?;
    let source: String = row.get::<Option<String>>("source")?.unwrap_or_default();
    let playbook: String = row.get("playbook")?;
    let entity: Vec<u8> = row.get("entity_id")?;
    let claimant = if terms.reserved {
        Claimant::Reserved
    } else {
        Claimant::Ordinary
    };
    let own_window = terms
        .guardrail
        .map_or(caps.window, |guardrail| guardrail.window);
    let since = |window: Span| at.minus(window.0).as_millis();
    // An entity that was contained within the window already costs nothing more.
    let counted = query(
        "select count(distinct case when at > $1 then entity_id end) as tenant, \
                count(distinct case when at > $1 and source = $2 then entity_id end) as source, \
                count(distinct case when at > $3 and playbook = $4 then entity_id end) as playbook, \
                coalesce(max(entity_id = $5 and at > $1), 0) as known \
         from cap_use where at > min($1, $3)",
    )
    .bind(since(caps.window))
    .bind(&source)
    .bind(since(own_window))
    .bind(&playbook)
    .bind(&entity)
    .fetch_one(&mut tx.db)
    .await?;
    if !counted.get::<bool>("known")? {
        let used = CapUse {
            tenant: counted.get("tenant")?,
            source: counted.get("source")?,
            playbook: counted.get("playbook")?,
        };
        if let Err(reached) = caps.allow(used, claimant, terms.guardrail) {
            return Ok(Err(reached));
        }
    }
    query("insert into cap_use (at, source, playbook, entity_id) values ($1, $2, $3, $4)")
        .bind(at.as_millis())
        .bind(source)
        .bind(playbook)
        .bind(entity)
        .execute(&mut tx.db)
        .await?;
    Ok(Ok(()))
}

async fn count_attempt(tx: &mut Tx, run: RunId, step: &Step, at: Moment) -> Result<(), Error> {
    let state = step
        .state
        .after(StepEvent::Tried)
        .map_err(|illegal| Error::Refused(illegal.to_string()))?;
    query(
        "update step set state = $4, attempts = attempts + 1, begun_at = coalesce(begun_at, $5) \
         where run_id = $1 and position = $2 and state = $3",
    )
    .bind(bytes(run.uuid()))
    .bind(step.position)
    .bind(step.state.word())
    .bind(state.word())
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}
