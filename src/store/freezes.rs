//! Freezes: who is named, in which order, and how far it has come.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{bytes, moment_or_none, uuid, word};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::entity::ObjectId;
use crate::domain::freeze::{Freeze, FreezeEvent, FreezeState, FreezeTally, FreezeTarget};
use crate::domain::id::FreezeId;
use crate::domain::moment::Moment;
use crate::domain::order::Order;
use crate::domain::record::Record;
use crate::domain::run::RunState;

/// Most freezes one listing answers.
const LIST_MAX: u32 = 100;

/// What decides the order of turns, as the inventory and the runs know it.
#[derive(Clone, Debug, Default)]
pub struct FreezeFacts {
    /// When a detection last named each.
    pub detected: Vec<(ObjectId, Moment)>,
    /// How many agents their platforms register on each.
    pub instances: Vec<(ObjectId, u32)>,
    /// Those that have user accounts.
    pub with_users: Vec<ObjectId>,
}

impl Store {
    /// What decides whose turn comes first.
    pub async fn freeze_facts(&self, since: Moment) -> Result<FreezeFacts, Error> {
        let detected = query(
            "select entity_id, max(received_at) as at from run where detection_id is not null \
             and entity_kind = 'agent' and received_at >= $1 group by entity_id",
        )
        .bind(since.as_millis())
        .fetch_all(self.reading())
        .await?;
        let instances = query(
            "select agent as entity_id, count(*) as at from inventory_instance \
             where agent is not null group by agent",
        )
        .fetch_all(self.reading())
        .await?;
        let users = query(
            "select distinct parent as entity_id from inventory \
             where entity_kind = 'agent_user' and parent is not null",
        )
        .fetch_all(self.reading())
        .await?;
        let id = |row: &Row| Ok::<_, Error>(ObjectId::from_uuid(uuid(row, "entity_id")?));
        let detected = detected.iter().map(|row| {
            let at: i64 = row.get("at")?;
            Ok::<_, Error>((id(row)?, Moment::from_millis(at)))
        });
        let instances = instances.iter().map(|row| Ok((id(row)?, row.get("at")?)));
        Ok(FreezeFacts {
            detected: detected.collect::<Result<_, _>>()?,
            instances: instances.collect::<Result<_, Error>>()?,
            with_users: users.iter().map(id).collect::<Result<_, _>>()?,
        })
    }

    /// The newest freezes, newest first.
    pub async fn freezes(&self, limit: u32) -> Result<Vec<Freeze>, Error> {
        let rows = query("select * from \"freeze\" order by freeze_id desc limit $1")
            .bind(limit.min(LIST_MAX))
            .fetch_all(self.reading())
            .await?;
        let mut freezes = Vec::with_capacity(rows.len());
        for row in &rows {
            freezes.push(self.with_tally(row).await?);
        }
        Ok(freezes)
    }

    /// One freeze, with how far it has come.
    pub async fn freeze(&self, id: FreezeId) -> Result<Option<Freeze>, Error> {
        let row = query("select * from \"freeze\" where freeze_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        match row {
            Some(row) => Ok(Some(self.with_tally(&row).await?)),
            None => Ok(None),
        }
    }

    async fn with_tally(&self, row: &Row) -> Result<Freeze, Error> {
        let states = query(
            "select coalesce(r.state, 'left') as state, count(*) as count from freeze_agent a \
             left join run r on r.run_id = a.run_id where a.freeze_id = $1 group by 1",
        )
        .bind(row.get::<Vec<u8>>("freeze_id")?)
        .fetch_all(self.reading())
        .await?;
        Ok(Freeze {
            id: FreezeId::from_uuid(uuid(row, "freeze_id")?),
            state: word(row, "state", FreezeState::from_word)?,
            agents: row.get("agents")?,
            tally: tally(&states)?,
            begun_at: moment_or_none(row, "begun_at")?,
            ended_at: moment_or_none(row, "ended_at")?,
        })
    }
}

pub(super) fn tally(rows: &[Row]) -> Result<FreezeTally, Error> {
    let mut tally = FreezeTally::default();
    for row in rows {
        let (state, count): (String, u32) = (row.get("state")?, row.get("count")?);
        let place = match RunState::from_word(&state) {
            None => &mut tally.left,
            Some(RunState::Queued | RunState::Running | RunState::Undoing) => &mut tally.at_work,
            Some(RunState::Contained) => &mut tally.contained,
            Some(RunState::Undone) => &mut tally.undone,
            Some(
                RunState::Observed
                | RunState::Waiting
                | RunState::Partial
                | RunState::Failed
                | RunState::Unknown
                | RunState::Stuck
                | RunState::Expired
                | RunState::Stopped,
            ) => &mut tally.other,
        };
        *place += count;
    }
    Ok(tally)
}

/// Keeps the list that was shown, in the order of its turns.
pub(super) async fn propose(
    tx: &mut Tx,
    id: FreezeId,
    targets: &[FreezeTarget],
) -> Result<(), Error> {
    let agents = i64::try_from(targets.len()).unwrap_or(i64::MAX);
    query("insert into \"freeze\" (freeze_id, state, agents) values ($1, 'proposed', $2)")
        .bind(bytes(id.uuid()))
        .bind(agents)
        .execute(&mut tx.db)
        .await?;
    for (position, target) in (0_i64..).zip(targets) {
        query(
            "insert into freeze_agent (freeze_id, position, entity_id, users) \
             values ($1, $2, $3, $4)",
        )
        .bind(bytes(id.uuid()))
        .bind(position)
        .bind(bytes(target.agent.uuid()))
        .bind(target.users)
        .execute(&mut tx.db)
        .await?;
    }
    Ok(())
}

/// It begins, in the name of whoever seconded it: no cap counts what two people ordered.
pub(super) async fn begin(tx: &mut Tx, id: FreezeId, order: &Order) -> Result<(), Error> {
    move_freeze(tx, id, FreezeEvent::Seconded, order.at).await?;
    query("update \"freeze\" set order_id = $2, begun_at = $3 where freeze_id = $1")
        .bind(bytes(id.uuid()))
        .bind(bytes(order.id.uuid()))
        .bind(order.at.as_millis())
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

/// Moves a freeze by its law of change, from the state it is in, and records it.
pub(super) async fn move_freeze(
    tx: &mut Tx,
    id: FreezeId,
    event: FreezeEvent,
    at: Moment,
) -> Result<(), Error> {
    let row = query("select state from \"freeze\" where freeze_id = $1")
        .bind(bytes(id.uuid()))
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or_else(|| Error::Refused(format!("there is no {id}")))?;
    let old = word(&row, "state", FreezeState::from_word)?;
    let new = old.after(event).ok_or_else(|| {
        Error::Refused(format!("{id} is {}, which does not allow that", old.word()))
    })?;
    query("update \"freeze\" set state = $3 where freeze_id = $1 and state = $2")
        .bind(bytes(id.uuid()))
        .bind(old.word())
        .bind(new.word())
        .execute(&mut tx.db)
        .await?;
    let detail = json!({ "freeze": id, "was": old });
    tx.record(&Record::new(at, &format!("freeze.{}", new.word()), detail))
        .await
}
