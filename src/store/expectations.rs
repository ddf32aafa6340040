//! Announced changes: while one lasts, noisy detections about a blueprint's agents are asked about.

use std::time::Duration;

use serde_json::json;

use super::Store;
use super::error::Error;
use super::rows::{bytes, json as from_json, moment, to_json, uuid};
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::detection::DetectionType;
use crate::domain::entity::ObjectId;
use crate::domain::id::{ExpectationId, NoticeId};
use crate::domain::moment::Moment;
use crate::domain::notice::{Notice, Urgency};
use crate::domain::order::Order;
use crate::domain::record::{Actor, Record};
use crate::domain::restraint::{EXPECTATIONS_MAX, Expectation};

impl Store {
    /// The announced changes that have not ended, newest first.
    pub async fn expectations(&self, now: Moment) -> Result<Vec<Expectation>, Error> {
        let rows = query(
            "select * from expectation where until > $1 order by until desc, expectation_id limit 200",
        )
        .bind(now.as_millis())
        .fetch_all(self.reading())
        .await?;
        rows.iter().map(expectation).collect()
    }
}

fn expectation(row: &Row) -> Result<Expectation, Error> {
    Ok(Expectation {
        id: ExpectationId::from_uuid(uuid(row, "expectation_id")?),
        blueprint: ObjectId::from_uuid(uuid(row, "blueprint_id")?),
        detections: from_json(row, "detections")?,
        because: row.get("because")?,
        by: row.get("by_whom")?,
        at: moment(row, "at")?,
        until: moment(row, "until")?,
    })
}

/// Announces a change. It shares its letters with the order.
pub(super) async fn take(
    tx: &mut Tx,
    order: &Order,
    (blueprint, span): (ObjectId, Duration),
    detections: &[DetectionType],
) -> Result<(), Error> {
    let open = query("select count(*) as open from expectation where until > $1")
        .bind(order.at.as_millis())
        .fetch_one(&mut tx.db)
        .await?;
    if usize::try_from(open.get::<i64>("open")?).is_ok_and(|open| open >= EXPECTATIONS_MAX) {
        return Err(Error::Refused(format!(
            "{EXPECTATIONS_MAX} changes are announced already; end one first"
        )));
    }
    let until = order.at.plus(span);
    query(
        "insert into expectation (expectation_id, blueprint_id, detections, because, by_whom, at, \
         until) values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(bytes(order.id.uuid()))
    .bind(bytes(blueprint.uuid()))
    .bind(to_json(&detections)?)
    .bind(&order.reason)
    .bind(&order.operator.name)
    .bind(order.at.as_millis())
    .bind(until.as_millis())
    .execute(&mut tx.db)
    .await?;
    super::restraints::moved(tx, (&order.operator.name, order.at)).await?;
    let id = ExpectationId::from_uuid(order.id.uuid());
    let named: Vec<_> = detections.iter().map(|one| one.as_str()).collect();
    let detail = json!({
        "expectation": id, "blueprint": blueprint, "detections": detections,
        "because": order.reason, "until": until,
    });
    let record = Record::new(order.at, "change.expected", detail);
    tx.record(&record.by(Actor(order.operator.name.clone())))
        .await?;
    let notice = Notice {
        // One word is told once, so its notice may share its name.
        id: NoticeId::from_uuid(order.id.uuid()),
        at: order.at,
        key: format!("expected {id}"),
        urgency: Urgency::Tell,
        text: format!(
            "until {until} people are asked before agents of the blueprint {blueprint} are \
             contained for {}: {} announced a change. It ends earlier with: estop expect --end {id}",
            named.join(", "),
            order.operator.name
        ),
        run: None,
    };
    super::notices::write(tx, &notice).await
}

/// Ends it now.
pub(super) async fn end(tx: &mut Tx, order: &Order, id: ExpectationId) -> Result<(), Error> {
    let ended = query("update expectation set until = $2 where expectation_id = $1 and until > $2")
        .bind(bytes(id.uuid()))
        .bind(order.at.as_millis())
        .execute(&mut tx.db)
        .await?;
    if ended.rows_affected() == 0 {
        return Err(Error::Refused(format!("{id} is over, or never was")));
    }
    super::restraints::moved(tx, (&order.operator.name, order.at)).await
}
