//! Approvals as they are read: whoever shows them, and whoever decides inside a transaction.

use std::collections::BTreeSet;

use super::Store;
use super::error::Error;
use super::rows::{bytes, entity, json, json_or_none, moment, moment_or_none, to_json, uuid, word};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::approval::{About, Approval, ApprovalState, Vote, World};
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::id::{ApprovalId, RunId};
use crate::domain::moment::Moment;

/// Most approvals one listing answers.
const LIST_MAX: u32 = 100;

const VOTES: &str = "select * from vote where approval_id = $1 order by at, entra_id";

/// Which approvals to list.
#[derive(Clone, Debug, Default)]
pub struct ApprovalFilter {
    /// Only these states; empty means all.
    pub states: Vec<ApprovalState>,
    /// Only those asked before this one.
    pub before: Option<ApprovalId>,
    /// At most so many, and never more than a hundred.
    pub limit: u32,
}

impl Store {
    /// One approval with what people said so far.
    pub async fn approval(&self, id: ApprovalId) -> Result<Option<Approval>, Error> {
        let row = query("select * from approval where approval_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        match row {
            Some(row) => Ok(Some(self.with_votes(&row).await?)),
            None => Ok(None),
        }
    }

    /// Approvals, newest first.
    pub async fn approvals(&self, filter: ApprovalFilter) -> Result<Vec<Approval>, Error> {
        let [first, second, third, fourth, fifth] = ApprovalState::ALL.map(|state| {
            let wanted = filter.states.is_empty() || filter.states.contains(&state);
            wanted.then(|| state.word())
        });
        let rows = query(
            "select * from approval where state in ($1, $2, $3, $4, $5) \
             and (approval_id < $6 or $6 is null) order by approval_id desc limit $7",
        )
        .bind(first)
        .bind(second)
        .bind(third)
        .bind(fourth)
        .bind(fifth)
        .bind(filter.before.map(|id| bytes(id.uuid())))
        .bind(filter.limit.min(LIST_MAX))
        .fetch_all(self.reading())
        .await?;
        self.all_with_votes(&rows).await
    }

    /// Everything people were asked about a run, in order.
    pub async fn approvals_of(&self, run: RunId) -> Result<Vec<Approval>, Error> {
        let rows = query("select * from approval where run_id = $1 order by approval_id")
            .bind(bytes(run.uuid()))
            .fetch_all(self.reading())
            .await?;
        self.all_with_votes(&rows).await
    }

    /// Notes what was seen first of an approval's tenant, so that later changes can be told.
    pub async fn first_look(&self, id: ApprovalId, world: World) -> Result<(), Error> {
        self.write(move |tx| Box::pin(async move { note_world(tx, id, &world).await }))
            .await
    }

    /// The digest of the playbook a run carries out; empty for a person's own order.
    pub async fn playbook_of(&self, run: RunId) -> Result<String, Error> {
        let row = query("select playbook_digest from run where run_id = $1")
            .bind(bytes(run.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.map_or(Ok(String::new()), |row| row.get("playbook_digest"))
    }

    /// What detections have named since then, and led to runs about.
    pub async fn detected_since(&self, since: Moment) -> Result<BTreeSet<Entity>, Error> {
        let rows = query(
            "select distinct entity_kind, entity_id from run \
             where detection_id is not null and received_at >= $1 limit 1000",
        )
        .bind(since.as_millis())
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(entity).collect()
    }

    async fn all_with_votes(&self, rows: &[Row]) -> Result<Vec<Approval>, Error> {
        let mut approvals = Vec::with_capacity(rows.len());
        for row in rows {
            approvals.push(self.with_votes(row).await?);
        }
        Ok(approvals)
    }

    async fn with_votes(&self, row: &Row) -> Result<Approval, Error> {
        let id: Vec<u8> = row.get("approval_id")?;
        let votes = query(VOTES).bind(id).fetch_all(self.reading()).await?;
        approval(row, &votes)
    }
}

pub(super) async fn approval_in(tx: &mut Tx, id: ApprovalId) -> Result<Approval, Error> {
    let row = query("select * from approval where approval_id = $1")
        .bind(bytes(id.uuid()))
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or_else(|| Error::Refused(format!("there is no {id}")))?;
    let votes = query(VOTES)
        .bind(bytes(id.uuid()))
        .fetch_all(&mut tx.db)
        .await?;
    approval(&row, &votes)
}

/// Every approval of a run.
pub(super) async fn approvals_in(tx: &mut Tx, run: RunId) -> Result<Vec<Approval>, Error> {
    let rows = query("select approval_id from approval where run_id = $1 order by approval_id")
        .bind(bytes(run.uuid()))
        .fetch_all(&mut tx.db)
        .await?;
    let mut approvals = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = ApprovalId::from_uuid(uuid(row, "approval_id")?);
        approvals.push(approval_in(tx, id).await?);
    }
    Ok(approvals)
}

/// The newest approval of a run about this.
pub(super) async fn latest_in(
    tx: &mut Tx,
    run: RunId,
    about: About,
) -> Result<Option<Approval>, Error> {
    let row = query(
        "select approval_id from approval where run_id = $1 and about = $2 \
         order by approval_id desc limit 1",
    )
    .bind(bytes(run.uuid()))
    .bind(about.word())
    .fetch_optional(&mut tx.db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = ApprovalId::from_uuid(uuid(&row, "approval_id")?);
    approval_in(tx, id).await.map(Some)
}

/// The first look stays.
pub(super) async fn note_world(tx: &mut Tx, id: ApprovalId, world: &World) -> Result<(), Error> {
    query("update approval set world = $2 where approval_id = $1 and world is null")
        .bind(bytes(id.uuid()))
        .bind(to_json(world)?)
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

fn approval(row: &Row, votes: &[Row]) -> Result<Approval, Error> {
    Ok(Approval {
        id: ApprovalId::from_uuid(uuid(row, "approval_id")?),
        run: RunId::from_uuid(uuid(row, "run_id")?),
        about: word(row, "about", About::from_word)?,
        state: word(row, "state", ApprovalState::from_word)?,
        because: row.get("because")?,
        terms: json(row, "terms")?,
        requester: json_or_none(row, "requester")?,
        world: json_or_none(row, "world")?,
        asked_at: moment(row, "asked_at")?,
        expires_at: moment(row, "expires_at")?,
        extensions: row.get("extensions")?,
        decided_at: moment_or_none(row, "decided_at")?,
        result: row.get("result")?,
        votes: votes.iter().map(vote).collect::<Result<_, Error>>()?,
    })
}

fn vote(row: &Row) -> Result<Vote, Error> {
    Ok(Vote {
        person: ObjectId::from_uuid(uuid(row, "entra_id")?),
        name: row.get("name")?,
        at: moment(row, "at")?,
        plan_digest: row.get("plan_digest")?,
    })
}
