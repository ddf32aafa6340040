//! People's answers: one word for each person, counted for exactly what was shown, used once.

use serde_json::json;

use super::approvals::{approval_in, note_world};
use super::asking::{End, end};
use super::attested::must_agree;
use super::carry::make_due;
use super::error::Error;
use super::holds::renew;
use super::new_run::insert_step;
use super::orders::Saw;
use super::rows::bytes;
use super::runs::{end_now, move_run};
use super::sql::query;
use super::terms::set_approved;
use super::writer::Tx;
use crate::domain::approval::{About, Approval, ApprovalState, EXTENSIONS_MAX};
use crate::domain::approved::Approved;
use crate::domain::id::{ApprovalId, NoticeId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::order::Order;
use crate::domain::person::Person;
use crate::domain::plan::Plan;
use crate::domain::record::{Actor, Record};
use crate::domain::run::RunEvent;
use crate::domain::step::StepState;

/// Counts a yes; the last one needed carries the approval.
pub(super) async fn approve(
    tx: &mut Tx,
    order: &Order,
    (id, plan_digest): (ApprovalId, &str),
    saw: &Saw,
) -> Result<RunId, Error> {
    let (approval, person) = open(tx, id, order).await?;
    if let Some(world) = &saw.world {
        note_world(tx, id, world).await?;
    }
    query(
        "insert into vote (approval_id, entra_id, name, at, plan_digest) \
         values ($1, $2, $3, $4, $5) \
         on conflict (approval_id, entra_id) do update set name = $3, at = $4, plan_digest = $5",
    )
    .bind(bytes(id.uuid()))
    .bind(bytes(person.entra.uuid()))
    .bind(&order.operator.name)
    .bind(order.at.as_millis())
    .bind(plan_digest)
    .execute(&mut tx.db)
    .await?;
    let approval = approval_in(tx, approval.id).await?;
    let (given, needed) = (
        approval.in_favour(plan_digest),
        approval.terms.quorum.max(saw.quorum),
    );
    let detail = json!({
        "approval": id, "plan": plan_digest, "given": given, "needed": needed,
    });
    let by = Actor(order.operator.name.clone());
    let voted = Record::new(order.at, "approval.voted", detail).by(by);
    tx.record(&voted.about_run(approval.run)).await?;
    if given >= needed {
        let names = names(&approval, plan_digest);
        carry(tx, &approval, (order, saw), names).await?;
    }
    Ok(approval.run)
}

/// What enough yeses do.
async fn carry(
    tx: &mut Tx,
    approval: &Approval,
    (order, saw): (&Order, &Saw),
    names: Vec<String>,
) -> Result<(), Error> {
    let (run, at) = (approval.run, order.at);
    let by = names.join(" and ");
    let result = match approval.about {
        About::Begin => {
            if let Some(plan) = &saw.smaller {
                replace_plan(tx, run, plan, at).await?;
            }
            begin(tx, run, names, at).await?;
            let smaller = saw.smaller.as_ref().map_or("", |_| ", with a smaller plan");
            format!("approved by {by}; it begins{smaller}")
        }
        About::Keep => {
            query("update run set released = 1, kept = 1 where run_id = $1")
                .bind(bytes(run.uuid()))
                .execute(&mut tx.db)
                .await?;
            if is_held_back(tx, run).await? {
                move_run(tx, run, RunEvent::Kept, Some("it is kept"), at).await?;
                make_due(tx, run, at, None).await?;
            }
            format!("kept by {by}")
        }
        About::Hold => match renew(tx, run, at).await? {
            Some(until) => format!("kept by {by}, until {until}"),
            None => format!("kept by {by}"),
        },
    };
    let ending = ending(order, ApprovalState::Approved, &result);
    end(tx, approval, ending, at).await
}

/// The run is released for good: nobody counts it against the caps, and it knows who agreed.
async fn begin(tx: &mut Tx, run: RunId, by: Vec<String>, at: Moment) -> Result<(), Error> {
    move_run(tx, run, RunEvent::Resumed, Some("it was approved"), at).await?;
    let plan = query("update run set released = 1 where run_id = $1 returning plan_digest")
        .bind(bytes(run.uuid()))
        .fetch_one(&mut tx.db)
        .await?;
    let approved = Approved {
        plan_digest: plan.get("plan_digest")?,
        by,
        at,
    };
    set_approved(tx, run, Some(approved)).await?;
    make_due(tx, run, at, None).await
}

/// A smaller plan takes the place of the whole one before anything of it was tried.
async fn replace_plan(tx: &mut Tx, run: RunId, plan: &Plan, at: Moment) -> Result<(), Error> {
    let tried = query("select 1 from step where run_id = $1 and state <> 'pending' limit 1")
        .bind(bytes(run.uuid()))
        .fetch_optional(&mut tx.db)
        .await?;
    if tried.is_some() {
        return Err(Error::Refused(format!(
            "{run} has begun; its plan stays as it is"
        )));
    }
    query("delete from step where run_id = $1")
        .bind(bytes(run.uuid()))
        .execute(&mut tx.db)
        .await?;
    for (position, step) in (0..).zip(&plan.steps) {
        insert_step(tx, run, (position, step)).await?;
    }
    query("update run set plan_digest = $2 where run_id = $1")
        .bind(bytes(run.uuid()))
        .bind(plan.digest())
        .execute(&mut tx.db)
        .await?;
    let chosen = Record::new(at, "plan.chosen", json!({ "plan": plan.digest() }));
    tx.record(&chosen.about_run(run)).await
}

/// Were steps held back until a person keeps it?
async fn is_held_back(tx: &mut Tx, run: RunId) -> Result<bool, Error> {
    let steps = super::claims::steps_in(tx, run).await?;
    Ok(steps
        .iter()
        .any(|step| step.state == StepState::Pending && step.plan.action.waits_for_keep()))
}

/// One no is enough: what was not begun is not, what is held provisionally is put back.
pub(super) async fn deny(tx: &mut Tx, order: &Order, id: ApprovalId) -> Result<RunId, Error> {
    let (approval, _) = open(tx, id, order).await?;
    let (run, at) = (approval.run, order.at);
    let because = format!("denied by {}: {}", order.operator.name, order.reason);
    let result = match approval.about {
        About::Begin => {
            move_run(tx, run, RunEvent::Stopped, Some(&because), at).await?;
            end_now(tx, run, at).await?;
            format!("{because}; nothing was done")
        }
        About::Keep | About::Hold => {
            move_run(tx, run, RunEvent::UndoAsked, Some(&because), at).await?;
            make_due(tx, run, at, None).await?;
            format!("{because}; it is being put back")
        }
    };
    let ending = ending(order, ApprovalState::Denied, &result);
    end(tx, &approval, ending, at).await?;
    Ok(run)
}

/// Moves the end of an approval, while it has not come.
pub(super) async fn extend(
    tx: &mut Tx,
    order: &Order,
    (id, by): (ApprovalId, std::time::Duration),
) -> Result<RunId, Error> {
    let (approval, _) = open(tx, id, order).await?;
    if approval.extensions >= EXTENSIONS_MAX {
        return Err(Error::Refused(format!(
            "{id} was extended {EXTENSIONS_MAX} times, and that is enough"
        )));
    }
    let until = approval.expires_at.plus(by);
    query(
        "update approval set expires_at = $2, extensions = extensions + 1 \
         where approval_id = $1 and state = 'asked'",
    )
    .bind(bytes(id.uuid()))
    .bind(until.as_millis())
    .execute(&mut tx.db)
    .await?;
    let detail = json!({ "approval": id, "was": approval.expires_at, "until": until });
    let who = Actor(order.operator.name.clone());
    let record = Record::new(order.at, "approval.extended", detail).by(who);
    tx.record(&record.about_run(approval.run)).await?;
    let text = format!(
        "{}: {id} may be decided until {until}; {} asked for longer",
        approval.run, order.operator.name
    );
    let notice = notice(order, format!("{id} extended"), text);
    super::notices::write(tx, &notice).await?;
    Ok(approval.run)
}

/// The approval, if it is open at this instant and this operator may decide it.
async fn open(tx: &mut Tx, id: ApprovalId, order: &Order) -> Result<(Approval, Person), Error> {
    let approval = approval_in(tx, id).await?;
    must_agree(tx, approval.run).await?;
    if approval.is_over(order.at) {
        return Err(Error::Refused(format!("{id} is over")));
    }
    let person = approval
        .decider(&order.operator)
        .map_err(|no| Error::Refused(no.to_string()))?
        .clone();
    Ok((approval, person))
}

fn ending<'a>(order: &Order, state: ApprovalState, result: &'a str) -> End<'a> {
    End {
        state,
        result,
        by: Actor(order.operator.name.clone()),
        notice: notice(order, format!("{} decided", order.id), String::new()),
    }
}

/// One word is told once, so its notice may share its name.
fn notice(order: &Order, key: String, text: String) -> Notice {
    Notice {
        id: NoticeId::from_uuid(order.id.uuid()),
        at: order.at,
        key,
        urgency: Urgency::Tell,
        text,
        run: None,
    }
}

fn names(approval: &Approval, plan_digest: &str) -> Vec<String> {
    let votes = approval.votes.iter();
    votes
        .filter(|vote| vote.plan_digest == plan_digest)
        .map(|vote| vote.name.clone())
        .collect()
}
