//! What silence means: an approval whose time is over ends once, with what follows from it.

use super::Store;
use super::approvals::approval_in;
use super::asking::{End, end, run_in};
use super::error::Error;
use super::rows::{bytes, uuid};
use super::runs::{end_now, move_run};
use super::sql::query;
use super::writer::Tx;
use crate::domain::approval::{About, Approval, ApprovalState, OnTimeout};
use crate::domain::id::{ApprovalId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::record::Actor;
use crate::domain::run::{Run, RunEvent};

/// Approvals ended by one sweep.
const SWEEP_MAX: u32 = 100;

impl Store {
    /// Ends every approval whose time is over, each with what its silence means, and tells people.
    /// Answers the runs that have work to do now.
    pub async fn expire_approvals(&self, at: Moment) -> Result<Vec<RunId>, Error> {
        let store = self.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let rows = query(
                    "select approval_id from approval where state = 'asked' and expires_at <= $1 \
                     order by expires_at limit $2",
                )
                .bind(at.as_millis())
                .bind(SWEEP_MAX)
                .fetch_all(&mut tx.db)
                .await?;
                let mut runs = Vec::new();
                for row in rows {
                    let id = ApprovalId::from_uuid(uuid(&row, "approval_id")?);
                    let approval = approval_in(tx, id).await?;
                    runs.push(approval.run);
                    let key = format!("{id} expired");
                    let notice = store.notice(at, Urgency::Page, key, String::new());
                    expire(tx, &approval, (at, notice)).await?;
                }
                Ok(runs)
            })
        })
        .await
    }
}

/// What silence means. The run's state is asked first: what it forbids does not happen.
async fn expire(
    tx: &mut Tx,
    approval: &Approval,
    (at, notice): (Moment, Notice),
) -> Result<(), Error> {
    let run = run_in(tx, approval.run).await?;
    if approval.about == About::Hold {
        super::holds::renew(tx, run.id, at).await?;
    }
    let (event, result) = silence(tx, approval, &run).await?;
    if let Some(event) = event {
        move_run(tx, run.id, event, Some(&result), at).await?;
        if event == RunEvent::UndoAsked {
            super::carry::make_due(tx, run.id, at, None).await?;
        } else {
            end_now(tx, run.id, at).await?;
        }
    }
    let over = End {
        state: ApprovalState::Expired,
        result: &result,
        by: Actor::ourselves(),
        notice,
    };
    end(tx, approval, over, at).await
}

async fn silence(
    tx: &mut Tx,
    approval: &Approval,
    run: &Run,
) -> Result<(Option<RunEvent>, String), Error> {
    let event = match (approval.about, approval.terms.on_timeout) {
        (About::Begin, _) => RunEvent::ReleaseTimedOut,
        (About::Keep, OnTimeout::Undo) => RunEvent::UndoAsked,
        (About::Keep, OnTimeout::Keep) => {
            return Ok((None, "nobody answered in time; it stays contained".into()));
        }
        (About::Hold, _) => return Ok((None, held_on(tx, run).await?)),
    };
    if let Err(illegal) = run.state.after(event) {
        return Ok((None, format!("nobody answered in time; {illegal}")));
    }
    if event == RunEvent::ReleaseTimedOut {
        let result = "nobody approved it in time; nothing was done".to_owned();
        return Ok((Some(event), result));
    }
    if let Some(other) = other_open(tx, run).await? {
        let result = format!(
            "nobody kept it in time, but {other} is open on the same entity, so it stays \
             contained; a person must decide: estop undo {}",
            run.id
        );
        return Ok((None, result));
    }
    let result = "nobody kept it in time; it is being put back".to_owned();
    Ok((Some(event), result))
}

async fn held_on(tx: &mut Tx, run: &Run) -> Result<String, Error> {
    let again = match super::holds::until_in(tx, run.id).await? {
        Some(until) => format!(" and is asked about again at {until}"),
        None => String::new(),
    };
    Ok(format!(
        "nobody answered in time; {} stays contained{again}. Release it: estop undo {}",
        run.entity, run.id
    ))
}

/// Another run that still says something against this entity, or against what this run closed with
/// it. One that only observed, or that failed, counts where it came later.
pub(super) async fn other_open(tx: &mut Tx, run: &Run) -> Result<Option<RunId>, Error> {
    let row = query(
        "select r.run_id from run r \
         where r.run_id <> $1 and (r.detection_id is null or r.detection_id <> $2) \
           and (r.entity_id = $3 or r.entity_id in \
                (select h.entity_id from hold h where h.run_id = $1 and h.released_at is null)) \
           and (r.state in ('queued', 'waiting', 'running', 'contained', 'partial', 'unknown', \
                            'stuck') \
                or (r.state in ('observed', 'failed') and r.received_at >= $4)) \
         order by r.run_id limit 1",
    )
    .bind(bytes(run.id.uuid()))
    .bind(run.detection.map(|id| bytes(id.uuid())).unwrap_or_default())
    .bind(bytes(run.entity.id.uuid()))
    .bind(run.received_at.as_millis())
    .fetch_optional(&mut tx.db)
    .await?;
    row.map(|row| Ok(RunId::from_uuid(uuid(&row, "run_id")?)))
        .transpose()
}
