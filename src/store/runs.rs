//! Runs: moved by their law of change, read by whoever must show them.

use serde_json::json;

use super::Store;
use super::containments::{ReadBack, keep};
use super::error::Error;
use super::rows::{bytes, run, step, to_json, uuid, uuid_or_none, word};
use super::sql::{Row, query, query_in_both};
use super::writer::Tx;
use crate::domain::coverage::Coverage;
use crate::domain::id::{ApprovalId, DetectionId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::Notice;
use crate::domain::record::Record;
use crate::domain::run::{Run, RunEvent, RunLease, RunState, Standing};
use crate::domain::step::Step;

/// Most runs one listing answers.
pub const LIST_MAX: u32 = 500;

/// How a run ends, with everything that is stored in the same transaction.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What happened to it.
    pub event: RunEvent,
    /// In words.
    pub because: Option<String>,
    /// Which doors are closed and which are not.
    pub coverage: Option<Coverage>,
    /// What people should be told.
    pub notice: Option<Notice>,
    /// When it should be looked at again, if it may still be proved.
    pub again_at: Option<Moment>,
}

/// Which runs to list.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only these states; empty means all.
    pub states: Vec<RunState>,
    /// Only those made before this one.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// Ends a run, an undo, or the proof of one.
    pub async fn end(
        &self,
        lease: RunLease,
        ending: Ending,
        at: Moment,
    ) -> Result<RunState, Error> {
        let fresh = ApprovalId::from_uuid(self.clock.uuid());
        self.write(move |tx| {
            Box::pin(async move {
                must_hold(tx, lease).await?;
                end_in(tx, lease.run, (&ending, fresh), at).await
            })
        })
        .await
    }

    /// Ends a run with the last of what reading back came to, in one piece.
    pub async fn end_proved(
        &self,
        lease: RunLease,
        (read_back, ending): (ReadBack, Ending),
        at: Moment,
    ) -> Result<RunState, Error> {
        let fresh = ApprovalId::from_uuid(self.clock.uuid());
        self.write(move |tx| {
            Box::pin(async move {
                must_hold(tx, lease).await?;
                keep(tx, lease.run, &read_back, at).await?;
                end_in(tx, lease.run, (&ending, fresh), at).await
            })
        })
        .await
    }

    /// One run.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, Error> {
        let row = query("select * from run where run_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(run).transpose()
    }

    /// The steps of a run, in order.
    pub async fn steps(&self, id: RunId) -> Result<Vec<Step>, Error> {
        let rows = query("select * from step where run_id = $1 order by position")
            .bind(bytes(id.uuid()))
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(step).collect()
    }

    /// Runs, newest first.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<Run>, Error> {
        let words: Vec<_> = filter.states.iter().map(|state| state.word()).collect();
        let rows = query_in_both(
            "select * from run \
             where ($1 = '[]' or state in (select value from json_each($1))) \
               and (run_id < $2 or $2 is null) order by run_id desc limit $3",
            "select * from run \
             where ($1 = '[]' or state in (select jsonb_array_elements_text(cast($1 as jsonb)))) \
               and (run_id < $2 or $2 is null) order by run_id desc limit $3",
        )
        .bind(to_json(&words)?)
        .bind(filter.before.map(|id| bytes(id.uuid())))
        .bind(filter.limit.min(LIST_MAX))
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(run).collect()
    }

    /// Enforced runs that were received before `before` and have not struck yet: a person should
    /// know.
    pub async fn slow_to_strike(&self, before: Moment) -> Result<Vec<RunId>, Error> {
        let rows = query(
            "select run_id from run where lane = 0 and mode <> 'observe' \
             and state in ('queued', 'running') and struck_at is null and received_at < $1 \
             and not exists (select 1 from approval a \
                             where a.run_id = run.run_id and a.decided_at >= $1) limit 100",
        )
        .bind(before.as_millis())
        .fetch_all(self.reading())
        .await?;
        rows.iter()
            .map(|row| Ok(RunId::from_uuid(uuid(row, "run_id")?)))
            .collect()
    }

    /// Ends every run that has waited for a person since before `since`, and tells a person.
    pub async fn expire_waiting(&self, since: Moment, at: Moment) -> Result<Vec<RunId>, Error> {
        let store = self.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let rows = query(
                    "select run_id from run where state = 'waiting' and due_at < $1 \
                     and not exists (select 1 from approval a \
                                     where a.run_id = run.run_id and a.state = 'asked') limit 100",
                )
                .bind(tx.due(since).as_millis())
                .fetch_all(&mut tx.db)
                .await?;
                let mut expired = Vec::new();
                for row in rows {
                    let id = RunId::from_uuid(uuid(&row, "run_id")?);
                    let because = Some("nobody released it in time");
                    move_run(tx, id, RunEvent::ReleaseTimedOut, because, at).await?;
                    end_now(tx, id, at).await?;
                    let text = format!(
                        "{id} was released by nobody in time and has expired: nothing was done."
                    );
                    let key = format!("{id} expired");
                    let urgency = crate::domain::notice::Urgency::Page;
                    let mut notice = store.notice(at, urgency, key, text);
                    notice.run = Some(id);
                    super::notices::write(tx, &notice).await?;
                    expired.push(id);
                }
                Ok(expired)
            })
        })
        .await
    }
}

/// Notes that it has ended.
pub(super) async fn end_now(tx: &mut Tx, run: RunId, at: Moment) -> Result<(), Error> {
    query("update run set ended_at = $2 where run_id = $1")
        .bind(bytes(run.uuid()))
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

/// For whoever holds its lease. `fresh` names the question that the ending may lead to.
async fn end_in(
    tx: &mut Tx,
    run: RunId,
    (ending, fresh): (&Ending, ApprovalId),
    at: Moment,
) -> Result<RunState, Error> {
    let state = move_run(tx, run, ending.event, ending.because.as_deref(), at).await?;
    let ended = (state.standing() == Standing::Ended).then(|| at.as_millis());
    let again = ending.again_at.map(|again| tx.due(again).as_millis());
    let contained = (state == RunState::Contained).then(|| at.as_millis());
    let coverage = match &ending.coverage {
        Some(coverage) => Some(super::evidence::informed(tx, run, coverage).await?),
        None => None,
    };
    query(
        "update run set lease_holder = null, lease_until = 0, attempts = 0, \
         ended_at = coalesce($2, ended_at), \
         due_at = coalesce($3, due_at), contained_at = coalesce(contained_at, $4), \
         coverage = coalesce($5, coverage) where run_id = $1",
    )
    .bind(bytes(run.uuid()))
    .bind(ended)
    .bind(again)
    .bind(contained)
    .bind(coverage)
    .execute(&mut tx.db)
    .await?;
    if let Some(notice) = &ending.notice {
        super::notices::write(tx, notice).await?;
    }
    if ending.event == RunEvent::EndedContained {
        super::drift_rows::closed_again(tx, run, at).await?;
    }
    super::asking::ask_after(tx, (run, ending.event), fresh, at).await?;
    Ok(state)
}

/// Refuses whoever no longer has the run (threat E03).
pub(super) async fn must_hold(tx: &mut Tx, lease: RunLease) -> Result<(), Error> {
    let held = query("select 1 from run where run_id = $1 and lease_epoch = $2")
        .bind(bytes(lease.run.uuid()))
        .bind(lease.epoch)
        .fetch_optional(&mut tx.db)
        .await?;
    held.map(drop).ok_or(Error::LeaseLost)
}

/// The run's row, as long as this lease is the newest.
pub(super) async fn held_row(tx: &mut Tx, lease: RunLease) -> Result<Row, Error> {
    query("select * from run where run_id = $1 and lease_epoch = $2")
        .bind(bytes(lease.run.uuid()))
        .bind(lease.epoch)
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or(Error::LeaseLost)
}

/// Moves a run by its law of change, from the state it is in, and records it.
pub(super) async fn move_run(
    tx: &mut Tx,
    id: RunId,
    event: RunEvent,
    because: Option<&str>,
    at: Moment,
) -> Result<RunState, Error> {
    let row = query("select state, detection_id, notify from run where run_id = $1")
        .bind(bytes(id.uuid()))
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or_else(|| Error::Refused(format!("there is no {id}")))?;
    let old = word(&row, "state", RunState::from_word)?;
    let new = old
        .after(event)
        .map_err(|illegal| Error::Refused(illegal.to_string()))?;
    let begun = (event == RunEvent::Begun).then(|| at.as_millis());
    query(
        "update run set state = $3, because = $4, begun_at = coalesce(begun_at, $5) \
         where run_id = $1 and state = $2",
    )
    .bind(bytes(id.uuid()))
    .bind(old.word())
    .bind(new.word())
    .bind(because)
    .bind(begun)
    .execute(&mut tx.db)
    .await?;
    let what = format!("run.{}", new.word());
    let detail = json!({ "was": old, "because": because });
    tx.record(&Record::new(at, &what, detail).about_run(id))
        .await?;
    if let Some(notify) = row.get::<Option<String>>("notify")? {
        let detection = uuid_or_none(&row, "detection_id")?.map(DetectionId::from_uuid);
        super::tellings::after_move(tx, (id, detection, &notify), new, at).await?;
    }
    Ok(new)
}
