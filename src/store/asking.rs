//! A question to people: asked once, ended once, each with its record and its notice.

use serde_json::json;

use super::approvals::{approval_in, latest_in};
use super::error::Error;
use super::rows::{bytes, json as from_json, run as run_of, to_json, uuid, word};
use super::sql::{Row, query};
use super::terms::{Terms, set_approved};
use super::writer::Tx;
use crate::domain::approval::{About, Approval, ApprovalState, ApprovalTerms, Requester, World};
use crate::domain::id::{ApprovalId, NoticeId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::order::Order;
use crate::domain::person::Role;
use crate::domain::playbook::Mode;
use crate::domain::record::{Actor, Record};
use crate::domain::run::{Run, RunEvent};

/// What people are to be asked before a run begins.
#[derive(Clone, Debug)]
pub struct NewApproval {
    /// Its name.
    pub id: ApprovalId,
    /// Why they are asked.
    pub because: String,
    /// Whom, how many, for how long.
    pub terms: ApprovalTerms,
    /// Who asked for the run, where a person did.
    pub requester: Option<Requester>,
    /// What was seen, where anyone looked.
    pub world: Option<World>,
}

/// Asks, and tells people that they are asked.
pub(super) async fn ask(
    tx: &mut Tx,
    (run, about): (RunId, About),
    new: &NewApproval,
    at: Moment,
) -> Result<(), Error> {
    let expires_at = at.plus(new.terms.within.0);
    query(
        "insert into approval (approval_id, run_id, about, state, because, terms, requester, \
         world, asked_at, expires_at) values ($1, $2, $3, 'asked', $4, $5, $6, $7, $8, $9)",
    )
    .bind(bytes(new.id.uuid()))
    .bind(bytes(run.uuid()))
    .bind(about.word())
    .bind(&new.because)
    .bind(to_json(&new.terms)?)
    .bind(new.requester.as_ref().map(to_json).transpose()?)
    .bind(new.world.as_ref().map(to_json).transpose()?)
    .bind(at.as_millis())
    .bind(expires_at.as_millis())
    .execute(&mut tx.db)
    .await?;
    let approval = approval_in(tx, new.id).await?;
    let detail = json!({
        "approval": new.id, "about": about, "because": new.because, "terms": new.terms,
        "requester": new.requester, "expires_at": expires_at,
    });
    tx.record(&Record::new(at, "approval.asked", detail).about_run(run))
        .await?;
    let text = asked_text(tx, &approval, at).await?;
    let playbook = run_in(tx, run).await?.playbook;
    let notice = Notice {
        // An approval is asked once, so its first notice may share its name.
        id: NoticeId::from_uuid(new.id.uuid()),
        at,
        key: format!("asked: {} {playbook}", about.word()),
        urgency: Urgency::Page,
        text,
        run: Some(run),
    };
    super::notices::write(tx, &notice).await
}

async fn asked_text(tx: &mut Tx, approval: &Approval, at: Moment) -> Result<String, Error> {
    let Approval {
        id,
        run,
        expires_at,
        terms,
        ..
    } = approval;
    let entity = run_in(tx, *run).await?.entity;
    let what = match approval.about {
        About::Begin => format!("{run} waits for approval: {}", approval.because),
        About::Keep => format!("{run} holds {entity} provisionally: {}", approval.because),
        About::Hold => format!("{run} holds {entity}: {}", approval.because),
    };
    let able = able_to_decide(tx, approval, at).await?;
    let warning = if able < terms.quorum {
        format!(
            " Only {able} of the {} needed can decide it; add leads: estop person add.",
            terms.quorum
        )
    } else {
        String::new()
    };
    Ok(format!(
        "{what}. Decide before {expires_at}, or {}. See: estop approvals show {id}. Others may \
         wait too: estop approvals list.{warning}",
        approval.then()
    ))
}

/// How many living leads may decide it.
async fn able_to_decide(tx: &mut Tx, approval: &Approval, at: Moment) -> Result<u32, Error> {
    let rows = query(
        "select * from person where role = $1 and revoked_at is null and expires_at > $2 limit 500",
    )
    .bind(Role::Lead.word())
    .bind(at.as_millis())
    .fetch_all(&mut tx.db)
    .await?;
    let mut able = std::collections::BTreeSet::new();
    for row in &rows {
        let operator = super::people::stored(row)?.operator();
        if let Ok(person) = approval.decider(&operator) {
            able.insert(person.entra);
        }
    }
    Ok(u32::try_from(able.len()).unwrap_or(u32::MAX))
}

/// How an approval ends.
pub(super) struct End<'a> {
    pub(super) state: ApprovalState,
    pub(super) result: &'a str,
    pub(super) by: Actor,
    pub(super) notice: Notice,
}

/// Ends an approval that is still open: once, with its record and its notice.
pub(super) async fn end(
    tx: &mut Tx,
    approval: &Approval,
    end: End<'_>,
    at: Moment,
) -> Result<(), Error> {
    let ended = query(
        "update approval set state = $2, result = $3, decided_at = $4 \
         where approval_id = $1 and state = 'asked'",
    )
    .bind(bytes(approval.id.uuid()))
    .bind(end.state.word())
    .bind(end.result)
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    if ended.rows_affected() != 1 {
        return Err(Error::Refused(format!("{} is over", approval.id)));
    }
    let detail = json!({
        "approval": approval.id, "about": approval.about, "result": end.result,
        "votes": approval.votes,
    });
    let what = format!("approval.{}", end.state.word());
    tx.record(
        &Record::new(at, &what, detail)
            .by(end.by)
            .about_run(approval.run),
    )
    .await?;
    let mut notice = end.notice;
    notice.text = format!("{}: {}", approval.run, end.result);
    notice.run = Some(approval.run);
    super::notices::write(tx, &notice).await
}

/// Ends the open question about a run whose ground is gone, if there is one.
pub(super) async fn drop_question(
    tx: &mut Tx,
    run: RunId,
    (result, order): (&str, &Order),
) -> Result<(), Error> {
    let Some(id) = open_of(tx, run).await? else {
        return Ok(());
    };
    let approval = approval_in(tx, id).await?;
    let at = order.at;
    let notice = Notice {
        // One word is told once, so its notice may share its name.
        id: NoticeId::from_uuid(order.id.uuid()),
        at,
        key: format!("{id} void"),
        urgency: Urgency::Tell,
        text: String::new(),
        run: Some(run),
    };
    let void = End {
        state: ApprovalState::Void,
        result,
        by: Actor(order.operator.name.clone()),
        notice,
    };
    end(tx, &approval, void, at).await
}

/// The open question about a run.
pub(super) async fn open_of(tx: &mut Tx, run: RunId) -> Result<Option<ApprovalId>, Error> {
    let row = query("select approval_id from approval where run_id = $1 and state = 'asked'")
        .bind(bytes(run.uuid()))
        .fetch_optional(&mut tx.db)
        .await?;
    row.map(|row| Ok(ApprovalId::from_uuid(uuid(&row, "approval_id")?)))
        .transpose()
}

/// What a run must ask when it ends its work or is held: whether to keep what it contained, or
/// whether to begin after all. `row` is of the run, with its mode and terms.
pub(super) async fn ask_after(
    tx: &mut Tx,
    (run, event): (RunId, RunEvent),
    (row, fresh): (&Row, ApprovalId),
    at: Moment,
) -> Result<(), Error> {
    match event {
        RunEvent::EndedContained | RunEvent::EndedPartial | RunEvent::EndedUnknown => {
            ask_to_keep(tx, (run, row), fresh, at).await
        }
        RunEvent::Held => ask_again(tx, run, fresh, at).await,
        RunEvent::Begun
        | RunEvent::Resumed
        | RunEvent::ReleaseTimedOut
        | RunEvent::Kept
        | RunEvent::Reopened
        | RunEvent::LeftOpen
        | RunEvent::EndedObserved
        | RunEvent::EndedFailed
        | RunEvent::UndoAsked
        | RunEvent::UndoEnded
        | RunEvent::UndoStuck
        | RunEvent::Poisoned
        | RunEvent::Stopped => Ok(()),
    }
}

async fn ask_to_keep(
    tx: &mut Tx,
    (run, row): (RunId, &Row),
    id: ApprovalId,
    at: Moment,
) -> Result<(), Error> {
    let Some(terms) = keep_terms(row)? else {
        return Ok(());
    };
    if latest_in(tx, run, About::Keep).await?.is_some() {
        return Ok(());
    }
    let new = NewApproval {
        id,
        because: "it was contained before anyone was asked".to_owned(),
        terms,
        requester: None,
        world: None,
    };
    ask(tx, (run, About::Keep), &new, at).await
}

/// Whom to ask about a provisional containment; `None` for any other run.
fn keep_terms(row: &Row) -> Result<Option<ApprovalTerms>, Error> {
    if word(row, "mode", Mode::from_word)? != Mode::Provisional {
        return Ok(None);
    }
    let terms: Terms = from_json(row, "terms")?;
    Ok(terms.approval)
}

/// An approval is used once: a run that was held after it must be approved anew.
async fn ask_again(tx: &mut Tx, run: RunId, id: ApprovalId, at: Moment) -> Result<(), Error> {
    let Some(before) = latest_in(tx, run, About::Begin).await? else {
        return Ok(());
    };
    set_approved(tx, run, None).await?;
    let new = NewApproval {
        id,
        because: format!("{}, and it could not begin for a day", before.because),
        terms: before.terms,
        requester: before.requester,
        world: None,
    };
    ask(tx, (run, About::Begin), &new, at).await
}

pub(super) async fn run_in(tx: &mut Tx, id: RunId) -> Result<Run, Error> {
    let row = query("select * from run where run_id = $1")
        .bind(bytes(id.uuid()))
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or_else(|| Error::Refused(format!("there is no {id}")))?;
    run_of(&row)
}
