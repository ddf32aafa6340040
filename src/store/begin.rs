//! The beginning of a run: brake, mode and caps are asked, and the attempt is counted, in the one
//! transaction that uses up the room.

use super::Store;
use super::error::Error;
use super::room::{self, Needs};
use super::rows::{bytes, word};
use super::runs::{held_row, move_run};
use super::settings::standing_in;
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::caps::Caps;
use crate::domain::id::{NoticeId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
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
        let fresh = self.fresh_notice();
        self.write_with_the_next(move |tx| {
            Box::pin(async move { begin_in(tx, lease, (caps, at), fresh).await })
        })
        .await
    }
}

/// `fresh` names the notice that it may lead to.
async fn begin_in(
    tx: &mut Tx,
    lease: RunLease,
    (caps, at): (Caps, Moment),
    fresh: NoticeId,
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
    let caps = if needs_room {
        super::motions::caps_in_force(tx, caps, at).await?
    } else {
        caps
    };
    if needs_room && let Err(reached) = room::take(tx, Needs::of(&row)?, caps, at).await? {
        let since = at.minus(caps.window.0);
        return hold_back(tx, lease.run, &reached.to_string(), (at, since, fresh)).await;
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
pub(super) async fn hold_back(
    tx: &mut Tx,
    run: RunId,
    because: &str,
    (at, since, fresh): (Moment, Moment, NoticeId),
) -> Result<Begun, Error> {
    move_run(tx, run, RunEvent::Held, Some(because), at).await?;
    // Nobody works on it while it waits, so that its release is taken up at once.
    query("update run set lease_holder = null, lease_until = 0, attempts = 0 where run_id = $1")
        .bind(bytes(run.uuid()))
        .execute(&mut tx.db)
        .await?;
    let notice = Notice {
        id: fresh,
        at,
        key: format!("held: {because}"),
        urgency: Urgency::Page,
        text: format!(
            "{run} waits for a person: {because}. Others may wait too. \
             A lead releases it: estop runs resume {run} --reason TEXT"
        ),
        run: Some(run),
    };
    super::notices::write_unless_since(tx, &notice, since).await?;
    Ok(Begun::Held {
        because: because.to_owned(),
    })
}

/// A person's own order and a run a person released do not count against the caps, and one that
/// has struck before has counted.
fn counts(row: &Row) -> Result<bool, Error> {
    let by_person = row.get::<Option<Vec<u8>>>("order_id")?.is_some();
    let struck = row.get::<Option<i64>>("struck_at")?.is_some();
    Ok(!by_person && !struck && !row.get::<bool>("released")?)
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
