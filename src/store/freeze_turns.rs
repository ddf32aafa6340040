//! The turns of a freeze. Runs are made a few at a time, so that a fresh detection never waits
//! behind the whole tenant; the lane of writes paces them.

use super::Store;
use super::carry::make_due;
use super::error::Error;
use super::freezes::{move_freeze, tally};
use super::new_run::{Cause, NewRun, insert_run};
use super::rows::{bytes, uuid, uuid_or_none, word};
use super::runs::move_run;
use super::settings::standing_in;
use super::sql::query;
use super::terms::Terms;
use super::writer::Tx;
use crate::domain::entity::{Entity, ObjectId};
use crate::domain::freeze::{FreezeEvent, FreezeState, FreezeTally};
use crate::domain::id::{FreezeId, OrderId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::plan::Plan;
use crate::domain::playbook::{Also, Mode, PlaybookName};
use crate::domain::run::{RunEvent, RunState};
use crate::domain::step::PriorWord;

/// Turns taken in one transaction.
const TURNS: u32 = 25;
/// Runs of one freeze that may be at work at a time.
const AT_WORK_MAX: u32 = 100;

impl Store {
    /// Gives the next agents of an open freeze their turn, forward or back, as far as there is room;
    /// ends it once everyone has had it. Answers the runs to wake. Everything it needs is stored, so
    /// that whoever comes after a crash goes on where it stood.
    pub async fn turn_freezes(&self, at: Moment) -> Result<Vec<RunId>, Error> {
        let store = self.clone();
        let open = query("select 1 from \"freeze\" where state in ('running', 'thawing') limit 1")
            .fetch_optional(self.reading())
            .await?;
        if open.is_none() {
            return Ok(Vec::new());
        }
        self.write(move |tx| Box::pin(async move { turn(tx, &store, at).await }))
            .await
    }
}

/// One freeze that is open, as its turns need it.
struct Open {
    id: FreezeId,
    order: Option<OrderId>,
    state: FreezeState,
    agents: u32,
    made: u32,
    back: u32,
}

async fn turn(tx: &mut Tx, store: &Store, at: Moment) -> Result<Vec<RunId>, Error> {
    let rows = query("select * from \"freeze\" where state in ('running', 'thawing') limit 8")
        .fetch_all(&mut tx.db)
        .await?;
    // Under the brake, or in observe mode, nobody has a turn: what is made would only wait.
    if standing_in(tx).await?.stops_writes() {
        return Ok(Vec::new());
    }
    let mut woken = Vec::new();
    for row in &rows {
        let open = Open {
            id: FreezeId::from_uuid(uuid(row, "freeze_id")?),
            order: uuid_or_none(row, "order_id")?.map(OrderId::from_uuid),
            state: word(row, "state", FreezeState::from_word)?,
            agents: row.get("agents")?,
            made: row.get("made")?,
            back: row.get("back")?,
        };
        let room = AT_WORK_MAX.saturating_sub(at_work(tx, open.id).await?);
        let forward = open.state == FreezeState::Running;
        let left = if forward {
            open.agents.saturating_sub(open.made)
        } else {
            open.made.saturating_sub(open.back)
        };
        if left == 0 {
            if room == AT_WORK_MAX {
                let notice = store.notice(at, Urgency::Page, String::new(), String::new());
                end(tx, &open, notice, at).await?;
            }
            continue;
        }
        let turns = left.min(room).min(TURNS);
        woken.extend(if forward {
            make(tx, store, (&open, turns), at).await?
        } else {
            give_back(tx, (&open, turns), at).await?
        });
    }
    Ok(woken)
}

async fn at_work(tx: &mut Tx, id: FreezeId) -> Result<u32, Error> {
    let row = query(
        "select count(*) as count from freeze_agent a join run r on r.run_id = a.run_id \
         where a.freeze_id = $1 and r.state in ('queued', 'running', 'undoing')",
    )
    .bind(bytes(id.uuid()))
    .fetch_one(&mut tx.db)
    .await?;
    row.get("count")
}

async fn make(
    tx: &mut Tx,
    store: &Store,
    (open, turns): (&Open, u32),
    at: Moment,
) -> Result<Vec<RunId>, Error> {
    let mut made = Vec::new();
    for position in open.made..open.made + turns {
        let row = query("select * from freeze_agent where freeze_id = $1 and position = $2")
            .bind(bytes(open.id.uuid()))
            .bind(position)
            .fetch_one(&mut tx.db)
            .await?;
        let agent = Entity::agent(ObjectId::from_uuid(uuid(&row, "entity_id")?));
        let also = if row.get("users")? {
            vec![Also::AgentUsers]
        } else {
            Vec::new()
        };
        let new = NewRun {
            id: RunId::from_uuid(store.clock.uuid()),
            playbook: PlaybookName::freeze(),
            mode: Mode::Enforce,
            plan: Plan::bare(agent, &also),
            terms: Terms::default(),
            asks: None,
        };
        let cause = Cause {
            detection: None,
            source: None,
            order: open.order,
            received_at: at,
        };
        insert_run(tx, &new, &cause, at).await?;
        query("update freeze_agent set run_id = $3 where freeze_id = $1 and position = $2")
            .bind(bytes(open.id.uuid()))
            .bind(position)
            .bind(bytes(new.id.uuid()))
            .execute(&mut tx.db)
            .await?;
        made.push(new.id);
    }
    query("update \"freeze\" set made = made + $2 where freeze_id = $1")
        .bind(bytes(open.id.uuid()))
        .bind(turns)
        .execute(&mut tx.db)
        .await?;
    Ok(made)
}

/// The same agents, in the same order. A run that a person has put back already has had its turn.
async fn give_back(
    tx: &mut Tx,
    (open, turns): (&Open, u32),
    at: Moment,
) -> Result<Vec<RunId>, Error> {
    let mut woken = Vec::new();
    for position in open.back..open.back + turns {
        let row = query(
            "select r.run_id, r.state from freeze_agent a join run r on r.run_id = a.run_id \
             where a.freeze_id = $1 and a.position = $2",
        )
        .bind(bytes(open.id.uuid()))
        .bind(position)
        .fetch_one(&mut tx.db)
        .await?;
        let run = RunId::from_uuid(uuid(&row, "run_id")?);
        let mut state = word(&row, "state", RunState::from_word)?;
        let because = format!("{} is being put back", open.id);
        if state.after(RunEvent::Stopped).is_ok() {
            state = move_run(tx, run, RunEvent::Stopped, Some(&because), at).await?;
            super::runs::end_now(tx, run, at).await?;
        }
        if state.after(RunEvent::UndoAsked).is_err() {
            continue;
        }
        move_run(tx, run, RunEvent::UndoAsked, Some(&because), at).await?;
        // A freeze names only agents that were enabled when it was shown.
        query("update run set prior_word = $2 where run_id = $1")
            .bind(bytes(run.uuid()))
            .bind(PriorWord::Enabled.word())
            .execute(&mut tx.db)
            .await?;
        make_due(tx, run, at, None).await?;
        woken.push(run);
    }
    query("update \"freeze\" set back = back + $2 where freeze_id = $1")
        .bind(bytes(open.id.uuid()))
        .bind(turns)
        .execute(&mut tx.db)
        .await?;
    Ok(woken)
}

async fn end(tx: &mut Tx, open: &Open, mut notice: Notice, at: Moment) -> Result<(), Error> {
    let event = if open.state == FreezeState::Running {
        FreezeEvent::AllDone
    } else {
        FreezeEvent::AllBack
    };
    move_freeze(tx, open.id, event, at).await?;
    query("update \"freeze\" set ended_at = $2 where freeze_id = $1")
        .bind(bytes(open.id.uuid()))
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    let states = query(
        "select coalesce(r.state, 'left') as state, count(*) as count from freeze_agent a \
         left join run r on r.run_id = a.run_id where a.freeze_id = $1 group by 1",
    )
    .bind(bytes(open.id.uuid()))
    .fetch_all(&mut tx.db)
    .await?;
    let FreezeTally {
        contained,
        undone,
        other,
        left,
        ..
    } = tally(&states)?;
    let id = open.id;
    notice.key = format!("{id} {event:?}");
    notice.text = format!(
        "{id}: every agent has had its turn: {contained} contained, {undone} put back, {other} to \
         be looked at, {left} not begun. See: estop freeze show {id}"
    );
    super::notices::write(tx, &notice).await
}
