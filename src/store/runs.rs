//! Runs: moved by their law of change, read by whoever must show them.

use serde_json::json;

use super::Store;
use super::claims::goes_on;
use super::error::Error;
use super::rows::{bytes, run, step, to_json, uuid, uuid_or_none, word};
use super::sql::{Row, query, query_in_both};
use super::writer::Tx;
use crate::domain::id::{DetectionId, RunId};
use crate::domain::moment::Moment;
use crate::domain::record::Record;
use crate::domain::run::{Run, RunEvent, RunLease, RunState};
use crate::domain::step::Step;

/// Most runs one listing answers.
pub const LIST_MAX: u32 = 500;

/// Enforced runs that have not struck, by when they were received. Found among those that go on.
pub(super) const SLOW: &str = concat!(
    "select run_id from run where ",
    goes_on!(),
    " and lane = 0 and mode <> 'observe' \
     and state in ('queued', 'running') and struck_at is null and received_at < $1 \
     and not exists (select 1 from approval a \
                     where a.run_id = run.run_id and a.decided_at >= $1) limit 100"
);

pub(super) const MOVE: &str = "update run set state = $3, because = $4, \
     begun_at = coalesce(begun_at, $5) where run_id = $1 and state = $2";

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
        let rows = query(SLOW)
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
    let (old, new) = moved(&row, event)?;
    let begun = (event == RunEvent::Begun).then(|| at.as_millis());
    query(MOVE)
        .bind(bytes(id.uuid()))
        .bind(old.word())
        .bind(new.word())
        .bind(because)
        .bind(begun)
        .execute(&mut tx.db)
        .await?;
    tell_move(tx, (id, &row), (old, new, because), at).await?;
    Ok(new)
}

/// From which state to which the event moves a run.
pub(super) fn moved(row: &Row, event: RunEvent) -> Result<(RunState, RunState), Error> {
    let old = word(row, "state", RunState::from_word)?;
    let new = old.after(event);
    let new = new.map_err(|illegal| Error::Refused(illegal.to_string()))?;
    Ok((old, new))
}

/// What follows from a move: its record, and what it means to whom its playbook tells.
pub(super) async fn tell_move(
    tx: &mut Tx,
    (id, row): (RunId, &Row),
    (old, new, because): (RunState, RunState, Option<&str>),
    at: Moment,
) -> Result<(), Error> {
    let what = format!("run.{}", new.word());
    let detail = json!({ "was": old, "because": because });
    tx.record(&Record::new(at, &what, detail).about_run(id))
        .await?;
    if let Some(notify) = row.get::<Option<String>>("notify")? {
        let detection = uuid_or_none(row, "detection_id")?.map(DetectionId::from_uuid);
        super::tellings::after_move(tx, (id, detection, &notify), new, at).await?;
    }
    Ok(())
}
