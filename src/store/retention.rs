//! What is over and old is let go, in pieces so small that nobody's run waits for them.
//!
//! A run is let go only when it has ended, holds nothing and blocks nothing, and no case keeps it. A
//! delivery stays as long as a run that follows from it has not ended or is kept.

use super::Store;
use super::error::Error;
use super::rows::bytes;
use super::sql::query;
use super::writer::Tx;
use crate::domain::moment::Moment;

/// Most rows of one kind in one transaction.
const PIECE: u32 = 200;

/// Runs that may go: ended long ago, and nothing of theirs is still in force.
const RUNS: &str = "select run_id from run r where r.run_id < $1 and r.ended_at < $2 \
     and r.state in ('observed', 'contained', 'partial', 'failed', 'undone', 'expired', 'stopped') \
     and not exists (select 1 from hold h where h.run_id = r.run_id and h.released_at is null) \
     and not exists (select 1 from tool_block b where b.run_id = r.run_id and b.released_at is null) \
     and not exists (select 1 from kept_run k where k.run_id = r.run_id and k.released_at is null) \
     order by r.run_id limit $3";

/// Deliveries that may go: read long ago, and nobody waits for what follows from them.
const DELIVERIES: &str = "delete from delivery where delivery_id in (select d.delivery_id \
     from delivery d where d.delivery_id < $1 and d.received_at < $2 and d.state <> 'received' \
     and not exists (select 1 from callback c \
         where c.delivery_id = d.delivery_id and c.state = 'waiting') \
     and not exists (select 1 from run r where d.detection_id is not null \
         and r.detection_id = d.detection_id and (r.ended_at is null or exists \
         (select 1 from kept_run k where k.run_id = r.run_id and k.released_at is null))) \
     order by d.delivery_id limit $3)";

/// Detections that nothing follows from any more. A detection has the name of the delivery it came by first; only
/// those that joined it are found by an index.
pub(super) const DETECTIONS: &str = "delete from detection where detection_id in (select d.detection_id \
     from detection d where d.detection_id < $1 and d.received_at < $2 \
     and not exists (select 1 from run r where r.detection_id = d.detection_id) \
     and not exists (select 1 from delivery f where f.delivery_id = d.detection_id) \
     and not exists (select 1 from delivery v where v.detection_id = d.detection_id \
         and v.detection_id <> v.delivery_id) \
     order by d.detection_id limit $3)";

/// What hangs from a run, each by the run's name in `$1`.
const OF_A_RUN: [&str; 11] = [
    "delete from vote where approval_id in (select approval_id from approval where run_id = $1)",
    "delete from approval where run_id = $1",
    "delete from step where run_id = $1",
    "delete from hold where run_id = $1",
    "delete from evidence_part where run_id = $1",
    "delete from evidence where run_id = $1",
    "delete from tool_block where run_id = $1",
    "delete from telling where about = $1",
    "delete from notice where run_id = $1 and (urgency <> 'page' or resolved_at is not null)",
    "delete from orders where run_id = $1",
    "delete from run where run_id = $1",
];

/// How many of each kind were let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Deliveries, with their bytes.
    pub deliveries: u64,
    /// Runs, with all that hangs from them.
    pub runs: u64,
    /// Detections that nothing follows from any more.
    pub detections: u64,
}

impl Gone {
    /// Was it anything?
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// Lets a piece of the deliveries go that came before this moment; answers how many.
    pub async fn let_deliveries_go(&self, before: Moment) -> Result<u64, Error> {
        self.let_go(DELIVERIES, before).await
    }

    /// Lets a piece of the runs go that ended before this moment; answers how many.
    pub async fn let_runs_go(&self, before: Moment) -> Result<u64, Error> {
        self.write_with_the_next(move |tx| Box::pin(let_runs_go(tx, before)))
            .await
    }

    /// Lets a piece of the detections go that came before this moment and that no run and no
    /// delivery follows from; answers how many.
    pub async fn let_detections_go(&self, before: Moment) -> Result<u64, Error> {
        self.let_go(DETECTIONS, before).await
    }

    async fn let_go(&self, delete: &'static str, before: Moment) -> Result<u64, Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                let gone = query(delete)
                    .bind(first_of(before))
                    .bind(before.as_millis())
                    .bind(PIECE)
                    .execute(&mut tx.db)
                    .await?;
                Ok(gone.rows_affected())
            })
        })
        .await
    }
}

async fn let_runs_go(tx: &mut Tx, before: Moment) -> Result<u64, Error> {
    let rows = query(RUNS)
        .bind(first_of(before))
        .bind(before.as_millis())
        .bind(PIECE)
        .fetch_all(&mut tx.db)
        .await?;
    let mut gone = 0;
    for row in &rows {
        let run = bytes(super::rows::uuid(row, "run_id")?);
        for delete in OF_A_RUN {
            query(delete).bind(run.clone()).execute(&mut tx.db).await?;
        }
        gone += 1;
    }
    Ok(gone)
}

/// The first id that can have been made at this moment: ids begin with their time (UUID version 7).
fn first_of(at: Moment) -> Vec<u8> {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id.to_vec()
}
