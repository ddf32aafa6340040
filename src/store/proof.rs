//! What was there before us, where read and write left together: what the first of our runs knows,
//! what the read proves once it has ended, and what is forgotten where nothing was done.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{bytes, to_json};
use super::sql::query;
use super::steps::{after, held_step, let_go};
use super::strikes::Strike;
use super::undo::{First, before_our_holds};
use super::writer::Tx;
use crate::domain::entity::Entity;
use crate::domain::id::RunId;
use crate::domain::moment::Moment;
use crate::domain::record::Record;
use crate::domain::run::RunLease;
use crate::domain::step::{Before, StepEvent, Switch};

impl Store {
    /// Stores what a read proved of a switch that was written beside it. What is proved already
    /// stays; the answer is what is stored now.
    pub async fn prove_before(
        &self,
        lease: RunLease,
        position: u16,
        switch: Switch,
        at: Moment,
    ) -> Result<Before, Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                let (step, _) = held_step(tx, lease, position).await?;
                match step.before {
                    Some(Before::Unproven { id }) if id == switch.id => {}
                    Some(before) => return Ok(before),
                    None => return Err(Error::Refused("the step was not started".to_owned())),
                }
                let before = Before::Switches {
                    switches: vec![switch],
                };
                query("update step set before = $3 where run_id = $1 and position = $2")
                    .bind(bytes(lease.run.uuid()))
                    .bind(position)
                    .bind(to_json(&before)?)
                    .execute(&mut tx.db)
                    .await?;
                let detail = json!({ "step": position, "before": before });
                let record = Record::new(at, "step.before_proved", detail);
                tx.record(&record.about_run(lease.run)).await?;
                Ok(before)
            })
        })
        .await
    }

    /// Forgets what was stored before a write that surely did not take effect, and the hold with it:
    /// until it is tried again somebody else may turn the switch, and what they leave is what an
    /// undo must give back.
    pub async fn not_struck(
        &self,
        lease: RunLease,
        position: u16,
        at: Moment,
    ) -> Result<(), Error> {
        self.write_with_the_next(move |tx| {
            Box::pin(async move {
                let (step, _) = held_step(tx, lease, position).await?;
                let state = after(&step, StepEvent::NotStruck)?;
                for entity in step.closes() {
                    never_held(tx, lease.run, entity).await?;
                }
                let_go(tx, lease.run, &step, at).await?;
                query(
                    "update step set state = $3, before = null where run_id = $1 and position = $2",
                )
                .bind(bytes(lease.run.uuid()))
                .bind(position)
                .bind(state.word())
                .execute(&mut tx.db)
                .await?;
                let detail = json!({ "step": position, "action": step.plan.action });
                let record = Record::new(at, "step.not_struck", detail);
                tx.record(&record.about_run(lease.run)).await
            })
        })
        .await
    }

    /// What an entity that we hold was before the first of our runs; `None` where nobody knows.
    pub async fn first_before(&self, entity: Entity) -> Result<Option<bool>, Error> {
        match before_our_holds(self.reading(), entity).await? {
            First::Known(enabled) => Ok(Some(enabled)),
            First::Nobody | First::Unproven => Ok(None),
        }
    }
}

/// The next strike holds it anew, from then on.
async fn never_held(tx: &mut Tx, run: RunId, entity: Entity) -> Result<(), Error> {
    query(
        "delete from hold where entity_kind = $1 and entity_id = $2 and run_id = $3 \
         and released_at is null",
    )
    .bind(entity.kind.word())
    .bind(bytes(entity.id.uuid()))
    .bind(bytes(run.uuid()))
    .execute(&mut tx.db)
    .await?;
    Ok(())
}

/// For an entity we hold already, what its first run knows is what was before us: what this one
/// saw may be our own doing (threat E15). A read that says *enabled* is newer than an unproven one.
pub(super) async fn take_first(tx: &mut Tx, strike: &mut Strike) -> Result<(), Error> {
    let mut unproven = None;
    match &mut strike.before {
        Before::Switches { switches } => {
            for (entity, switch) in strike.closes.iter().zip(switches) {
                match before_our_holds(&mut tx.db, *entity).await? {
                    First::Known(enabled) => switch.account_enabled = enabled,
                    First::Unproven if !switch.account_enabled => unproven = Some(switch.id),
                    First::Nobody | First::Unproven => {}
                }
            }
        }
        Before::Unproven { id } => {
            for entity in strike.closes.iter().filter(|entity| entity.id == *id) {
                if let First::Known(account_enabled) = before_our_holds(&mut tx.db, *entity).await?
                {
                    let id = *id;
                    let switches = vec![Switch {
                        id,
                        account_enabled,
                    }];
                    strike.before = Before::Switches { switches };
                    return Ok(());
                }
            }
        }
        Before::Found { .. } | Before::Nothing => {}
    }
    // Only the switches of one entity are ever written unread, so it stands alone.
    if let Some(id) = unproven
        && strike.closes.len() == 1
    {
        strike.before = Before::Unproven { id };
    }
    Ok(())
}
