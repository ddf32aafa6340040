//! Holds: the end of their time acted on once, their renewal, and what is held as people see it.

use std::collections::BTreeSet;

use serde_json::json;

use super::Store;
use super::asking::{NewApproval, ask, run_in};
use super::drift_rows::{closed_by_someone, drift_of};
use super::error::Error;
use super::rows::{bytes, entity, json as from_json, moment, moment_or_none, uuid, word};
use super::runs::move_run;
use super::sql::{Row, Session, query};
use super::terms::Terms;
use super::writer::Tx;
use crate::domain::approval::{About, ApprovalTerms, OnTimeout};
use crate::domain::containment::EntityState;
use crate::domain::entity::ObjectId;
use crate::domain::hold::{Ending, Held, Hold, Over};
use crate::domain::id::{ApprovalId, RunId};
use crate::domain::moment::{Moment, Span};
use crate::domain::notice::{Notice, Urgency};
use crate::domain::playbook::{HoldThen, PlaybookName};
use crate::domain::record::Record;
use crate::domain::run::{RunEvent, RunState};

/// Holds whose end one sweep acts on.
const SWEEP_MAX: u32 = 100;
/// Most held entities one listing answers.
const LIST_MAX: u32 = 500;
/// People are asked about a hold at least this long.
const ASKED_FOR: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// Which held entities to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeldFilter {
    /// Only what this run holds.
    pub run: Option<RunId>,
    /// Only those behind this one, in the order of object ids.
    pub after: Option<ObjectId>,
    /// At most so many.
    pub limit: u32,
}

impl HeldFilter {
    /// Everything that this run holds.
    pub const fn of_run(run: RunId) -> Self {
        Self {
            run: Some(run),
            after: None,
            limit: LIST_MAX,
        }
    }
}

/// Holds whose time is over, of runs that hold nothing for longer and are not asked about.
pub(super) const OVER: &str = "select h.run_id from hold h join run r on r.run_id = h.run_id \
     where h.until <= $1 and h.released_at is null and h.over_at is null \
       and r.state in ('contained', 'partial', 'unknown', 'failed', 'stopped', 'stuck') \
       and not exists (select 1 from hold l where l.run_id = h.run_id \
                       and l.released_at is null and l.until > $1) \
       and not exists (select 1 from approval a \
                       where a.run_id = h.run_id and a.state = 'asked') limit $2";

impl Store {
    /// Acts on every hold whose time is over: once each, in one transaction with its record and
    /// what people are told or asked. Answers the runs.
    pub async fn expire_holds(&self, at: Moment) -> Result<Vec<RunId>, Error> {
        let store = self.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let runs = due(tx, at).await?;
                for run in &runs {
                    let notice = store.notice(at, Urgency::Tell, String::new(), String::new());
                    let fresh = ApprovalId::from_uuid(store.clock.uuid());
                    end_holds(tx, *run, (fresh, notice), at).await?;
                }
                Ok(runs.into_iter().collect())
            })
        })
        .await
    }

    /// What we hold, in the order of object ids.
    pub async fn held(&self, filter: HeldFilter) -> Result<Vec<Held>, Error> {
        let rows = query(
            "select c.* from containment c where c.state <> 'open' \
             and (c.entity_id > $1 or $1 is null) \
             and exists (select 1 from hold h where h.entity_kind = c.entity_kind \
                         and h.entity_id = c.entity_id and h.released_at is null \
                         and (h.run_id = $2 or $2 is null)) \
             order by c.entity_id, c.entity_kind limit $3",
        )
        .bind(filter.after.map(|id| bytes(id.uuid())))
        .bind(filter.run.map(|run| bytes(run.uuid())))
        .bind(filter.limit.min(LIST_MAX))
        .fetch_all(self.reading())
        .await?;
        let mut held = Vec::with_capacity(rows.len());
        for row in &rows {
            held.push(self.held_in(row).await?);
        }
        Ok(held)
    }

    /// What we hold under this object id, if anything.
    pub async fn held_by_id(&self, id: ObjectId) -> Result<Option<Held>, Error> {
        let row = query("select * from containment where entity_id = $1 and state <> 'open'")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        match row {
            Some(row) => Ok(Some(self.held_in(&row).await?)),
            None => Ok(None),
        }
    }

    async fn held_in(&self, row: &Row) -> Result<Held, Error> {
        let entity = entity(row)?;
        let since = moment(row, "since")?;
        Ok(Held {
            entity,
            state: word(row, "state", EntityState::from_word)?,
            since,
            holds: holds_on(self.reading(), entity).await?,
            drift: drift_of(self.reading(), entity, since).await?,
        })
    }
}

/// Runs whose holds are all over and were not acted on. One that is at work, or that people are
/// asked about, is waited for.
async fn due(tx: &mut Tx, at: Moment) -> Result<BTreeSet<RunId>, Error> {
    let rows = query(OVER)
        .bind(at.as_millis())
        .bind(SWEEP_MAX)
        .fetch_all(&mut tx.db)
        .await?;
    rows.iter()
        .map(|row| Ok(RunId::from_uuid(uuid(row, "run_id")?)))
        .collect()
}

async fn end_holds(
    tx: &mut Tx,
    id: RunId,
    (fresh, mut notice): (ApprovalId, Notice),
    at: Moment,
) -> Result<(), Error> {
    let run = run_in(tx, id).await?;
    let terms = terms_in(tx, id).await?;
    let ending = Ending {
        then: terms.hold_then.unwrap_or(HoldThen::Keep),
        run: run.state,
        another: super::silence::other_open(tx, &run).await?,
        kept: was_kept(tx, id).await?,
        closed_by_someone: closed_by_someone(tx, id).await?,
    };
    let over = ending.over();
    query("update hold set over_at = $2 where run_id = $1 and released_at is null")
        .bind(bytes(id.uuid()))
        .bind(at.as_millis())
        .execute(&mut tx.db)
        .await?;
    let then = match &over {
        Over::Stays => "keep",
        Over::Asked { .. } => "ask",
        Over::PutBack => "undo",
    };
    let detail = json!({ "entity": run.entity, "then": ending.then, "does": then });
    tx.record(&Record::new(at, "hold.over", detail).about_run(id))
        .await?;
    notice.run = Some(id);
    notice.key = format!("{id} hold over");
    let entity = run.entity;
    match over {
        Over::Stays => {
            notice.text = format!(
                "{id} has held {entity} for its time; it stays contained, as the playbook says. \
                 Release it: estop undo {id}"
            );
            super::notices::write(tx, &notice).await
        }
        Over::Asked { because } => {
            let new = question(fresh, because, &terms);
            ask(tx, (id, About::Hold), &new, at).await
        }
        Over::PutBack => {
            let because = "the time of its hold is over; it is being put back";
            move_run(tx, id, RunEvent::UndoAsked, Some(because), at).await?;
            super::carry::make_due(tx, id, at, None).await?;
            notice.text = format!("{id} has held {entity} for its time; it is being put back");
            super::notices::write(tx, &notice).await
        }
    }
}

/// Whom the playbook asks, or any lead. Silence keeps what is held.
fn question(id: ApprovalId, because: String, terms: &Terms) -> NewApproval {
    let own = terms.approval.clone();
    let mut terms = own.unwrap_or_else(|| ApprovalTerms::any_lead(1));
    terms.within = Span(terms.within.0.max(ASKED_FOR));
    terms.on_timeout = OnTimeout::Keep;
    NewApproval {
        id,
        because,
        terms,
        requester: None,
        world: None,
    }
}

/// Did a person say that it stays?
async fn was_kept(tx: &mut Tx, run: RunId) -> Result<bool, Error> {
    let row = query(
        "select 1 from approval where run_id = $1 and state = 'approved' \
         and about in ('keep', 'hold') limit 1",
    )
    .bind(bytes(run.uuid()))
    .fetch_optional(&mut tx.db)
    .await?;
    Ok(row.is_some())
}

/// Holds on for the same time again, and answers until when.
pub(super) async fn renew(tx: &mut Tx, run: RunId, at: Moment) -> Result<Option<Moment>, Error> {
    let Some(span) = terms_in(tx, run).await?.hold_for else {
        return Ok(None);
    };
    let until = at.plus(span.0);
    query("update hold set until = $2, over_at = null where run_id = $1 and released_at is null")
        .bind(bytes(run.uuid()))
        .bind(until.as_millis())
        .execute(&mut tx.db)
        .await?;
    let detail = json!({ "until": until });
    tx.record(&Record::new(at, "hold.renewed", detail).about_run(run))
        .await?;
    Ok(Some(until))
}

/// Until when a run holds what it holds.
pub(super) async fn until_in(tx: &mut Tx, run: RunId) -> Result<Option<Moment>, Error> {
    let row =
        query("select max(until) as until from hold where run_id = $1 and released_at is null")
            .bind(bytes(run.uuid()))
            .fetch_one(&mut tx.db)
            .await?;
    moment_or_none(&row, "until")
}

async fn terms_in(tx: &mut Tx, run: RunId) -> Result<Terms, Error> {
    let row = query("select terms from run where run_id = $1")
        .bind(bytes(run.uuid()))
        .fetch_one(&mut tx.db)
        .await?;
    from_json(&row, "terms")
}

/// Every hold on an entity that nobody has released, oldest first.
pub(super) async fn holds_on(
    on: impl Session,
    of: crate::domain::entity::Entity,
) -> Result<Vec<Hold>, Error> {
    let rows = query(
        "select h.run_id, h.since, h.until, h.over_at, r.playbook, r.state, r.terms \
         from hold h join run r on r.run_id = h.run_id \
         where h.entity_kind = $1 and h.entity_id = $2 and h.released_at is null \
         order by h.since, h.run_id",
    )
    .bind(of.kind.word())
    .bind(bytes(of.id.uuid()))
    .fetch_all(on)
    .await?;
    rows.iter().map(hold).collect()
}

fn hold(row: &Row) -> Result<Hold, Error> {
    let terms: Terms = from_json(row, "terms")?;
    let until = moment_or_none(row, "until")?;
    Ok(Hold {
        run: RunId::from_uuid(uuid(row, "run_id")?),
        playbook: word(row, "playbook", PlaybookName::new)?,
        run_state: word(row, "state", RunState::from_word)?,
        since: moment(row, "since")?,
        until,
        then: until.and(terms.hold_then),
        over_at: moment_or_none(row, "over_at")?,
        reassert_max: terms.reassert_max.unwrap_or(0),
    })
}
