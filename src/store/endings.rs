//! How runs end: the last step, the run, its record, its notice and what people are asked, in one piece.

use super::Store;
use super::containments::{Proved, ReadBack, keep};
use super::error::Error;
use super::evidence::informed;
use super::rows::bytes;
use super::runs::{moved, tell_move};
use super::sql::query;
use super::writer::Tx;
use crate::domain::coverage::Coverage;
use crate::domain::id::ApprovalId;
use crate::domain::moment::Moment;
use crate::domain::notice::Notice;
use crate::domain::run::{RunEvent, RunLease, RunState, Standing};

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

/// What the ending of a run is made from, asked once.
const ENDS: &str = "select r.state, r.detection_id, r.notify, r.mode, r.terms, e.doors from run r \
     left join evidence e on e.run_id = r.run_id where r.run_id = $1 and r.lease_epoch = $2";

pub(super) const END: &str = "update run set state = $2, because = $3, lease_holder = null, lease_until = 0, \
     attempts = 0, ended_at = coalesce($4, ended_at), due_at = coalesce($5, due_at), \
     contained_at = coalesce(contained_at, $6), coverage = coalesce($7, coverage) \
     where run_id = $1";

impl Store {
    /// Ends a run, an undo, or the proof of one.
    pub async fn end(
        &self,
        lease: RunLease,
        ending: Ending,
        at: Moment,
    ) -> Result<RunState, Error> {
        self.end_proved(lease, (ReadBack::default(), ending), at)
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
            Box::pin(async move { end_in(tx, lease, (&read_back, &ending, fresh), at).await })
        })
        .await
    }
}

/// `fresh` names the question that the ending may lead to.
async fn end_in(
    tx: &mut Tx,
    lease: RunLease,
    (read_back, ending, fresh): (&ReadBack, &Ending, ApprovalId),
    at: Moment,
) -> Result<RunState, Error> {
    let run = lease.run;
    let row = query(ENDS)
        .bind(bytes(run.uuid()))
        .bind(lease.epoch)
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or(Error::LeaseLost)?;
    let proved = keep(tx, run, read_back, at).await?;
    let (old, new) = moved(&row, ending.event)?;
    let ended = (new.standing() == Standing::Ended).then(|| at.as_millis());
    let again = ending.again_at.map(|again| tx.due(again).as_millis());
    let contained = new == RunState::Contained || proved == Proved::Yes;
    let coverage = ending.coverage.as_ref();
    let coverage = coverage
        .map(|coverage| informed(coverage, &row))
        .transpose()?;
    query(END)
        .bind(bytes(run.uuid()))
        .bind(new.word())
        .bind(ending.because.as_deref())
        .bind(ended)
        .bind(again)
        .bind(contained.then(|| at.as_millis()))
        .bind(coverage)
        .execute(&mut tx.db)
        .await?;
    let because = ending.because.as_deref();
    tell_move(tx, (run, &row), (old, new, because), at).await?;
    if let Some(notice) = &ending.notice {
        super::notices::write(tx, notice).await?;
    }
    if ending.event == RunEvent::EndedContained {
        super::drift_rows::closed_again(tx, run, at).await?;
    }
    super::asking::ask_after(tx, (run, ending.event), (&row, fresh), at).await?;
    Ok(new)
}
