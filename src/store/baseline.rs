//! What the blueprint of something we hold had when the watch on it began, what came since, and the
//! question about the blueprint that follows.

use std::collections::BTreeSet;

use serde_json::json;

use super::Store;
use super::drift_rows::{NewDrift, insert};
use super::drifts::Watched;
use super::error::Error;
use super::new_run::{Cause, NewRun, insert_run};
use super::rows::{bytes, entity, uuid};
use super::sql::query;
use super::writer::Tx;
use crate::domain::entity::Entity;
use crate::domain::hold::{Answer, What};
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::record::Record;

/// Most entities whose blueprint is proposed in one round.
const OFFERS_MAX: u32 = 20;
/// Most new things that are noted in one look; the rest is noted in the next.
const NEW_MAX: usize = 100;

/// What became of proposing a blueprint.
#[derive(Clone, Debug)]
pub enum Offered {
    /// A run on it that waits for people.
    Run(Box<NewRun>),
    /// It is not proposed.
    Not {
        /// Why.
        because: String,
    },
}

impl Store {
    /// Notes what an entity that we hold has now, and answers what it did not have when the watch
    /// on it began. The first look only remembers.
    pub async fn note_new(
        &self,
        of: Watched,
        (what, now): (What, Vec<String>),
        at: Moment,
    ) -> Result<Vec<String>, Error> {
        let store = self.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let Some(known) = known(tx, of, what).await? else {
                    take(tx, of, (what, &now), at).await?;
                    return Ok(Vec::new());
                };
                let new: Vec<String> = now
                    .into_iter()
                    .filter(|about| !known.contains(about))
                    .take(NEW_MAX)
                    .collect();
                for about in &new {
                    let drift = NewDrift {
                        what,
                        about,
                        answer: Answer::Told,
                        run: None,
                    };
                    insert(tx, (store.clock.uuid(), of.entity), &drift, at).await?;
                    remember(tx, of.entity, (what, about), at).await?;
                }
                if !new.is_empty() {
                    let notice = store.notice(at, Urgency::Page, String::new(), String::new());
                    tell(tx, of.entity, (what, new.len()), notice).await?;
                }
                Ok(new)
            })
        })
        .await
    }

    /// Agents whose blueprint is to be proposed to people: closed again often enough, or their
    /// blueprint has a new credential.
    pub async fn to_offer(&self) -> Result<Vec<Entity>, Error> {
        let rows = query(
            "select distinct d.entity_kind, d.entity_id from drift d \
             where d.over_at is null and d.offered_at is null and d.entity_kind = 'agent' \
               and (d.answer = 'given_up' or d.what = 'new_credential') limit $1",
        )
        .bind(OFFERS_MAX)
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(entity).collect()
    }

    /// Proposes the blueprint of an agent to people, or tells them why it is not. Once: where a run
    /// on that blueprint is open already, that one stands for it.
    pub async fn offer(&self, of: Entity, offered: Offered, at: Moment) -> Result<(), Error> {
        let key = format!("drift offer {of}");
        let notice = self.notice(at, Urgency::Page, key, String::new());
        self.write(move |tx| Box::pin(async move { offer_in(tx, of, (offered, notice), at).await }))
            .await
    }
}

async fn offer_in(
    tx: &mut Tx,
    of: Entity,
    (offered, mut notice): (Offered, Notice),
    at: Moment,
) -> Result<(), Error> {
    let run = match offered {
        Offered::Run(new) => match open_run(tx, new.plan.entity).await? {
            Some(run) => Some(run),
            None => {
                let cause = Cause {
                    detection: None,
                    source: None,
                    order: None,
                    received_at: at,
                };
                insert_run(tx, &new, &cause, at).await?;
                Some(new.id)
            }
        },
        Offered::Not { because } => {
            notice.text = format!("The blueprint of {of} is not proposed: {because}.");
            super::notices::write(tx, &notice).await?;
            None
        }
    };
    query(
        "update drift set offered_at = $3, run_id = coalesce($4, run_id) \
         where entity_kind = $1 and entity_id = $2 and over_at is null and offered_at is null \
           and (answer = 'given_up' or what = 'new_credential')",
    )
    .bind(of.kind.word())
    .bind(bytes(of.id.uuid()))
    .bind(at.as_millis())
    .bind(run.map(|run| bytes(run.uuid())))
    .execute(&mut tx.db)
    .await?;
    let detail = json!({ "entity": of, "run": run });
    tx.record(&Record::new(at, "blueprint.offered", detail))
        .await
}

/// A run on this blueprint that is not over.
async fn open_run(tx: &mut Tx, blueprint: Entity) -> Result<Option<RunId>, Error> {
    let row = query(
        "select run_id from run where entity_kind = $1 and entity_id = $2 \
         and state in ('queued', 'waiting', 'running', 'contained', 'partial', 'unknown') limit 1",
    )
    .bind(blueprint.kind.word())
    .bind(bytes(blueprint.id.uuid()))
    .fetch_optional(&mut tx.db)
    .await?;
    row.map(|row| Ok(RunId::from_uuid(uuid(&row, "run_id")?)))
        .transpose()
}

/// What was there when the watch began; `None` before the first look of this containment.
async fn known(tx: &mut Tx, of: Watched, what: What) -> Result<Option<BTreeSet<String>>, Error> {
    let rows = query(
        "select about from baseline where entity_kind = $1 and entity_id = $2 and what = $3 \
         and taken_at >= $4",
    )
    .bind(of.entity.kind.word())
    .bind(bytes(of.entity.id.uuid()))
    .bind(what.word())
    .bind(of.since.as_millis())
    .fetch_all(&mut tx.db)
    .await?;
    let known: BTreeSet<String> = rows
        .iter()
        .map(|row| row.get("about"))
        .collect::<Result<_, Error>>()?;
    Ok(known.contains("").then_some(known))
}

async fn take(
    tx: &mut Tx,
    of: Watched,
    (what, now): (What, &[String]),
    at: Moment,
) -> Result<(), Error> {
    query("delete from baseline where entity_kind = $1 and entity_id = $2 and what = $3")
        .bind(of.entity.kind.word())
        .bind(bytes(of.entity.id.uuid()))
        .bind(what.word())
        .execute(&mut tx.db)
        .await?;
    for about in now.iter().map(String::as_str).chain([""]) {
        remember(tx, of.entity, (what, about), at).await?;
    }
    Ok(())
}

async fn remember(
    tx: &mut Tx,
    of: Entity,
    (what, about): (What, &str),
    at: Moment,
) -> Result<(), Error> {
    query(
        "insert into baseline (entity_kind, entity_id, what, about, taken_at) \
         values ($1, $2, $3, $4, $5) on conflict do nothing",
    )
    .bind(of.kind.word())
    .bind(bytes(of.id.uuid()))
    .bind(what.word())
    .bind(about)
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

async fn tell(
    tx: &mut Tx,
    of: Entity,
    (what, count): (What, usize),
    mut notice: Notice,
) -> Result<(), Error> {
    let seen = match what {
        What::NewAgent => format!(
            "{count} new agent(s) hang from it; the blueprint's switch stops them too, unless \
             they were enabled some other way"
        ),
        What::NewCredential => format!(
            "its blueprint has {count} new credential(s): whoever holds one can act as its agents \
             once they are enabled"
        ),
        What::Enabled => what.words().to_owned(),
    };
    notice.key = format!("drift {of} {}", what.word());
    notice.text = format!("{of} is held, and {seen}. See: estop holds show {}", of.id);
    super::notices::write(tx, &notice).await
}
