//! Playbooks that cry wolf: what they contained was undone as safe too often, so they ask first
//! until a person lifts that.

use serde_json::json;

use super::asking::run_in;
use super::error::Error;
use super::rows::{moment_or_none, uuid};
use super::sql::query;
use super::writer::Tx;
use crate::domain::id::{NoticeId, RunId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::order::Order;
use crate::domain::playbook::PlaybookName;
use crate::domain::record::{Actor, Record};
use crate::domain::restraint::{WOLF_AT, WOLF_OF};

/// A run of this playbook was just called a false alarm: is that too often?
pub(super) async fn count(tx: &mut Tx, run: RunId, at: Moment) -> Result<(), Error> {
    let playbook = run_in(tx, run).await?.playbook;
    let nobodys = [PlaybookName::BY_HAND, PlaybookName::DRILL];
    if nobodys.contains(&playbook.as_str()) || is_demoted(tx, &playbook).await? {
        return Ok(());
    }
    let false_alarms = false_alarms(tx, &playbook).await?;
    if u32::try_from(false_alarms.len()).is_ok_and(|count| count < WOLF_AT) {
        return Ok(());
    }
    demote(tx, (&playbook, run), &false_alarms, at).await
}

async fn is_demoted(tx: &mut Tx, playbook: &PlaybookName) -> Result<bool, Error> {
    let found = query("select 1 from demotion where playbook = $1 and lifted_at is null")
        .bind(playbook.as_str())
        .fetch_optional(&mut tx.db)
        .await?;
    Ok(found.is_some())
}

/// Among its last containments since a person last lifted a demotion.
async fn false_alarms(tx: &mut Tx, playbook: &PlaybookName) -> Result<Vec<RunId>, Error> {
    let lifted = query("select max(lifted_at) as lifted_at from demotion where playbook = $1")
        .bind(playbook.as_str())
        .fetch_one(&mut tx.db)
        .await?;
    let since = moment_or_none(&lifted, "lifted_at")?;
    let rows = query(
        "select run_id from (select run_id, risk_verdict from run \
           where playbook = $1 and struck_at is not null and struck_at > $2 \
           order by struck_at desc, run_id desc limit $3) as last_ones \
         where risk_verdict = 'safe'",
    )
    .bind(playbook.as_str())
    .bind(since.map_or(0, Moment::as_millis))
    .bind(WOLF_OF)
    .fetch_all(&mut tx.db)
    .await?;
    rows.iter()
        .map(|row| Ok(RunId::from_uuid(uuid(row, "run_id")?)))
        .collect()
}

async fn demote(
    tx: &mut Tx,
    (playbook, run): (&PlaybookName, RunId),
    false_alarms: &[RunId],
    at: Moment,
) -> Result<(), Error> {
    let because = format!(
        "{} of its last {WOLF_OF} containments were undone as safe",
        false_alarms.len()
    );
    query("insert into demotion (playbook, since, because) values ($1, $2, $3)")
        .bind(playbook.as_str())
        .bind(at.as_millis())
        .bind(&because)
        .execute(&mut tx.db)
        .await?;
    super::restraints::moved(tx, ("estop", at)).await?;
    let detail = json!({ "playbook": playbook, "because": because, "runs": false_alarms });
    tx.record(&Record::new(at, "playbook.demoted", detail).about_run(run))
        .await?;
    let notice = Notice {
        // A run demotes its playbook at most once, and tells nothing else under its own name.
        id: NoticeId::from_uuid(run.uuid()),
        at,
        key: format!("demoted {playbook}"),
        urgency: Urgency::Page,
        text: format!(
            "the playbook {playbook} now asks before it contains: {because}. Mend it; a lead \
             then lifts this: estop playbook lift {playbook} --reason TEXT"
        ),
        run: Some(run),
    };
    super::notices::write(tx, &notice).await
}

/// A person lets a playbook act again; what was undone before no longer counts.
pub(super) async fn lift(tx: &mut Tx, order: &Order, playbook: &PlaybookName) -> Result<(), Error> {
    let lifted = query(
        "update demotion set lifted_at = $2, lifted_by = $3 \
         where playbook = $1 and lifted_at is null",
    )
    .bind(playbook.as_str())
    .bind(order.at.as_millis())
    .bind(&order.operator.name)
    .execute(&mut tx.db)
    .await?;
    if lifted.rows_affected() == 0 {
        return Err(Error::Refused(format!("{playbook} is not demoted")));
    }
    super::restraints::moved(tx, (&order.operator.name, order.at)).await?;
    let detail = json!({ "playbook": playbook, "reason": order.reason });
    let record = Record::new(order.at, "playbook.lifted", detail);
    tx.record(&record.by(Actor(order.operator.name.clone())))
        .await
}
