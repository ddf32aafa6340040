//! Motions: proposed by one person, seconded by another, over once.

use serde_json::json;

use super::Store;
use super::error::Error;
use super::freezes;
use super::rows::{bytes, json as from_json, moment, moment_or_none, to_json, uuid, word};
use super::settings;
use super::sql::{Row, query};
use super::writer::Tx;
use crate::domain::approval::Requester;
use crate::domain::caps::Caps;
use crate::domain::entity::ObjectId;
use crate::domain::freeze::{FreezeEvent, FreezeTarget};
use crate::domain::id::{FreezeId, MotionId, NoticeId};
use crate::domain::moment::Moment;
use crate::domain::motion::{MOTION_LIFE, Motion, MotionKind, MotionState, RaisedCaps};
use crate::domain::notice::{Notice, Urgency};
use crate::domain::order::Order;
use crate::domain::record::{Actor, Record};

/// Most motions one listing answers, or one sweep ends.
const LIST_MAX: u32 = 100;

impl Store {
    /// One motion.
    pub async fn motion(&self, id: MotionId) -> Result<Option<Motion>, Error> {
        let row = query("select * from motion where motion_id = $1")
            .bind(bytes(id.uuid()))
            .fetch_optional(self.reading())
            .await?;
        row.as_ref().map(motion).transpose()
    }

    /// The newest motions, newest first.
    pub async fn motions(&self, limit: u32) -> Result<Vec<Motion>, Error> {
        let rows = query("select * from motion order by motion_id desc limit $1")
            .bind(limit.min(LIST_MAX))
            .fetch_all(self.reading())
            .await?;
        rows.iter().map(motion).collect()
    }

    /// Ends every motion that nobody seconded in time, and tells people.
    pub async fn expire_motions(&self, at: Moment) -> Result<(), Error> {
        let store = self.clone();
        self.write(move |tx| {
            Box::pin(async move {
                let rows = query(
                    "select * from motion where state = 'proposed' and expires_at <= $1 limit $2",
                )
                .bind(at.as_millis())
                .bind(LIST_MAX)
                .fetch_all(&mut tx.db)
                .await?;
                for row in &rows {
                    let motion = motion(row)?;
                    let result = "nobody seconded it in time; nothing was done";
                    let notice = store.notice(at, Urgency::Page, String::new(), String::new());
                    drop_what_it_asked(tx, &motion, at).await?;
                    let ending = (MotionState::Expired, result, Actor::ourselves());
                    end(tx, &motion, ending, (at, notice)).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// What two people have raised the caps to, and whether that is over.
    pub async fn raised_caps(&self) -> Result<Option<RaisedCaps>, Error> {
        let row = query("select value from setting where name = 'caps'")
            .fetch_optional(self.reading())
            .await?;
        row.map(|row| from_json(&row, "value")).transpose()
    }
}

/// The caps in force: the configured ones, or what two people have raised them to for a time.
pub(super) async fn caps_in_force(tx: &mut Tx, caps: Caps, at: Moment) -> Result<Caps, Error> {
    let row = query("select value from setting where name = 'caps'")
        .fetch_optional(&mut tx.db)
        .await?;
    let raised: Option<RaisedCaps> = row.map(|row| from_json(&row, "value")).transpose()?;
    Ok(raised.map_or(caps, |raised| raised.over(caps, at)))
}

/// What was raised ends now.
pub(super) async fn lower_caps(tx: &mut Tx) -> Result<(), Error> {
    query("delete from setting where name = 'caps'")
        .execute(&mut tx.db)
        .await?;
    Ok(())
}

/// Takes a proposal, and tells people that it waits for one of them.
pub(super) async fn propose(
    tx: &mut Tx,
    (order, kind): (&Order, &MotionKind),
    targets: &[FreezeTarget],
) -> Result<(), Error> {
    let person = order
        .operator
        .person
        .as_ref()
        .ok_or_else(|| Error::Refused("only a person's own credential proposes".to_owned()))?;
    let id = MotionId::from_uuid(order.id.uuid());
    let expires_at = order.at.plus(MOTION_LIFE);
    query(
        "insert into motion (motion_id, kind, state, reason, by_name, by_entra, at, expires_at) \
         values ($1, $2, 'proposed', $3, $4, $5, $6, $7)",
    )
    .bind(bytes(id.uuid()))
    .bind(to_json(kind)?)
    .bind(&order.reason)
    .bind(&order.operator.name)
    .bind(bytes(person.entra.uuid()))
    .bind(order.at.as_millis())
    .bind(expires_at.as_millis())
    .execute(&mut tx.db)
    .await?;
    if let MotionKind::Freeze { .. } = kind {
        freezes::propose(tx, FreezeId::from_uuid(id.uuid()), targets).await?;
    }
    let detail = json!({ "motion": id, "what": kind, "expires_at": expires_at });
    let record = Record::new(order.at, "motion.proposed", detail);
    tx.record(&record.by(Actor(order.operator.name.clone())))
        .await?;
    let notice = Notice {
        id: NoticeId::from_uuid(order.id.uuid()),
        at: order.at,
        key: format!("{id} proposed"),
        urgency: Urgency::Page,
        text: format!(
            "{} proposes to {}: a second person must agree before {expires_at}. See: estop \
             motions show {id}",
            order.operator.name,
            kind.words()
        ),
        run: None,
    };
    super::notices::write(tx, &notice).await
}

/// A second person agrees: it is in force.
pub(super) async fn second(
    tx: &mut Tx,
    order: &Order,
    (id, digest): (MotionId, &str),
) -> Result<(), Error> {
    let motion = open(tx, id, order).await?;
    if motion.digest() != digest {
        return Err(Error::Refused(format!("this is not what {id} proposes")));
    }
    let by = (order.operator.name.as_str(), order.at);
    match &motion.kind {
        MotionKind::RaiseCaps { caps } => {
            settings::set(tx, "caps", &to_json(caps)?, by).await?;
        }
        MotionKind::Freeze { .. } => {
            let freeze = FreezeId::from_uuid(id.uuid());
            freezes::begin(tx, freeze, order).await?;
        }
        MotionKind::Thaw { freeze } => {
            freezes::move_freeze(tx, *freeze, FreezeEvent::ThawAsked, order.at).await?;
        }
    }
    let result = format!(
        "seconded by {}: {}",
        order.operator.name,
        motion.kind.words()
    );
    let ending = (MotionState::Carried, result.as_str(), actor(order));
    end(tx, &motion, ending, (order.at, told(order))).await
}

/// Anyone who could second it says no.
pub(super) async fn deny(tx: &mut Tx, order: &Order, id: MotionId) -> Result<(), Error> {
    let motion = open(tx, id, order).await?;
    drop_what_it_asked(tx, &motion, order.at).await?;
    let result = format!("denied by {}: {}", order.operator.name, order.reason);
    let ending = (MotionState::Denied, result.as_str(), actor(order));
    end(tx, &motion, ending, (order.at, told(order))).await
}

async fn drop_what_it_asked(tx: &mut Tx, motion: &Motion, at: Moment) -> Result<(), Error> {
    match motion.kind {
        MotionKind::Freeze { .. } => {
            let freeze = FreezeId::from_uuid(motion.id.uuid());
            freezes::move_freeze(tx, freeze, FreezeEvent::Dropped, at).await
        }
        MotionKind::RaiseCaps { .. } | MotionKind::Thaw { .. } => Ok(()),
    }
}

/// The motion, if it is open at this instant and this operator may end it.
async fn open(tx: &mut Tx, id: MotionId, order: &Order) -> Result<Motion, Error> {
    let row = query("select * from motion where motion_id = $1")
        .bind(bytes(id.uuid()))
        .fetch_optional(&mut tx.db)
        .await?
        .ok_or_else(|| Error::Refused(format!("there is no {id}")))?;
    let motion = motion(&row)?;
    if motion.is_over(order.at) {
        return Err(Error::Refused(format!("{id} is over")));
    }
    motion
        .seconder(&order.operator)
        .map_err(|no| Error::Refused(no.to_string()))?;
    Ok(motion)
}

async fn end(
    tx: &mut Tx,
    motion: &Motion,
    (state, result, by): (MotionState, &str, Actor),
    (at, mut notice): (Moment, Notice),
) -> Result<(), Error> {
    let ended = query(
        "update motion set state = $2, result = $3, decided_at = $4 \
         where motion_id = $1 and state = 'proposed'",
    )
    .bind(bytes(motion.id.uuid()))
    .bind(state.word())
    .bind(result)
    .bind(at.as_millis())
    .execute(&mut tx.db)
    .await?;
    if ended.rows_affected() != 1 {
        return Err(Error::Refused(format!("{} is over", motion.id)));
    }
    let detail = json!({ "motion": motion.id, "what": motion.kind, "result": result });
    let record = Record::new(at, &format!("motion.{}", state.word()), detail);
    tx.record(&record.by(by)).await?;
    notice.key = format!("{} {}", motion.id, state.word());
    notice.text = format!("{}: {result}", motion.id);
    super::notices::write(tx, &notice).await
}

fn actor(order: &Order) -> Actor {
    Actor(order.operator.name.clone())
}

/// One word is told once, so its notice may share its name.
fn told(order: &Order) -> Notice {
    Notice {
        id: NoticeId::from_uuid(order.id.uuid()),
        at: order.at,
        key: String::new(),
        urgency: Urgency::Page,
        text: String::new(),
        run: None,
    }
}

fn motion(row: &Row) -> Result<Motion, Error> {
    Ok(Motion {
        id: MotionId::from_uuid(uuid(row, "motion_id")?),
        kind: from_json(row, "kind")?,
        state: word(row, "state", MotionState::from_word)?,
        reason: row.get("reason")?,
        by: Requester {
            name: row.get("by_name")?,
            person: ObjectId::from_uuid(uuid(row, "by_entra")?),
        },
        at: moment(row, "at")?,
        expires_at: moment(row, "expires_at")?,
        result: row.get("result")?,
        decided_at: moment_or_none(row, "decided_at")?,
    })
}
